import { buildGradientProgram } from '../autodiff/gradient-program.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { paddedBatch } from './batch.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import { checkAgainstOutput, type StepOptions } from './step.ts';
import { batchFeeds, connected, weightsAsInputs, withLoss } from './step-graph.ts';

export interface LossGradientsOptions extends Pick<StepOptions, 'model' | 'loss' | 'runtime' | 'output' | 'trainable'> {
  readonly samples: Dataset;
  /** Positions of the rows of each group. */
  readonly groups: readonly Uint32Array[];
}

/** Mean loss of a group and its gradient with respect to every trainable parameter. */
export interface LossGradient {
  readonly loss: number;
  readonly gradient: ReadonlyMap<string, Tensor>;
}

/**
 * The mean loss of some groups of rows, `L = Σᵢ sᵢ·lossᵢ / Σᵢ sᵢ·massᵢ`, and `∂L/∂θ`.
 *
 * A group is one batch: it must fit into memory with its activations.
 * @throws WhereforeError as `openTrainingStep`
 */
export async function lossGradients(options: LossGradientsOptions): Promise<LossGradient[]> {
  const { loss, runtime, samples, groups } = options;
  const size = groups.reduce((most, group) => Math.max(most, group.length), 1);
  const trainable = trainableParameters(options.model, options.trainable);
  const parameters = readParameters(options.model, trainable);
  const { model } = lower(weightsAsInputs(options.model, trainable));
  const output = options.output ?? model.graph.outputs[0].name;
  const executor = new Executor(runtime, model, undefined);
  const example = await paddedBatch(samples, Uint32Array.of(0), size, 0);
  const inputs = new Map([...parameters, ...example.inputs]);
  await checkAgainstOutput(executor, model.graph, loss, output, inputs, example.targets);
  const forward = withLoss(model.graph, { loss }, output, example);
  const feedsOf = (batch: typeof example): Tensors => new Map([...parameters, ...batchFeeds(forward, batch)]);
  const { graph, facts } = await executor.specialise(forward.graph, feedsOf(example));
  const seeds = new Map([[forward.total, forward.seed]]);
  const backward = buildGradientProgram(graph, facts, { seeds, wrt: trainable });
  const builder = new GraphBuilder({ ...backward.graph, outputs: [] });
  const fetched = connected(trainable, backward.gradients);
  for (const name of [forward.total, ...fetched.values()]) builder.output(name, 'float32');
  const session = await runtime.open({ ...model, graph: builder.build() });
  try {
    const results: LossGradient[] = [];
    for (const group of groups) {
      const feeds = feedsOf(await paddedBatch(samples, group, size, 0));
      const values = await session.run(feeds, [forward.total, ...fetched.values()]);
      results.push({
        loss: Number((values.get(forward.total) as Tensor).data[0]),
        gradient: new Map([...fetched].map(([name, gradient]) => [name, values.get(gradient) as Tensor])),
      });
    }
    return results;
  } finally {
    await session.release();
  }
}

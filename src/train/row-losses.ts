import type { Dataset } from '../dataset/dataset.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import { type Tensors, throwIfCancelled } from '../runtime/runtime.ts';
import { filled } from '../tensor/filled.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { paddedBatch } from './batch.ts';
import { appendLoss } from './losses.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import { checkAgainstOutput, type StepOptions } from './step.ts';
import { weightsAsInputs } from './step-graph.ts';

/** What a model says of rows. */
export interface JudgedRows {
  /** `lossᵢ / massᵢ` of every row: for a text the mean over its tokens that count. */
  readonly losses: Float64Array;
  /** Share of a row's predictions that are right: 0 or 1 where it has one. Absent where the loss knows no right and wrong. */
  readonly right?: Float64Array;
}

/** Losses of the same rows at any weights of a model. */
export interface RowLosses {
  at(parameters: Tensors, signal?: AbortSignal): Promise<JudgedRows>;
  close(): Promise<void>;
}

export interface RowLossesOptions extends Pick<StepOptions, 'model' | 'loss' | 'runtime' | 'output' | 'trainable'> {
  readonly samples: Dataset;
  /** Rows of a run. Default 256. */
  readonly batchSize?: number;
}

/** Opens a graph that takes the weights as inputs, so that the models of many trainings share it. */
export async function openRowLosses(options: RowLossesOptions): Promise<RowLosses> {
  const { samples, loss, runtime } = options;
  const size = Math.min(options.batchSize ?? 256, samples.length);
  const trainable = trainableParameters(options.model, options.trainable);
  const { model } = lower(weightsAsInputs(options.model, trainable));
  const output = options.output ?? model.graph.outputs[0].name;
  const example = await paddedBatch(samples, Uint32Array.of(0), size, 0);
  const inputs = new Map([...readParameters(options.model, trainable), ...example.inputs]);
  const executor = new Executor(runtime, model, undefined);
  await checkAgainstOutput(executor, model.graph, loss, output, inputs, example.targets);
  const builder = new GraphBuilder({ ...model.graph, outputs: [] }, { prefix: 'row-losses/' });
  const target = builder.input(builder.fresh('target'), example.targets.type, example.targets.shape);
  const { loss: sum, mass, correct } = appendLoss(builder, loss, output, target);
  const share = (part: string, whole: string) => builder.output(builder.op('Div', [part, whole]), 'float32', [size]);
  const mean = share(sum, mass);
  const right = correct && share(correct.hits, correct.count);
  const outputs = right === undefined ? [mean] : [mean, right];
  const session = await runtime.open({ ...model, graph: builder.build() });
  return {
    async at(parameters, signal) {
      const found = outputs.map(() => new Float64Array(samples.length));
      for (let start = 0; start < samples.length; start += size) {
        throwIfCancelled(signal);
        const count = Math.min(size, samples.length - start);
        const positions = filled(new Uint32Array(count), (i) => start + i);
        const batch = await paddedBatch(samples, positions, size, 0);
        const feeds = new Map([...parameters, ...batch.inputs, [target, batch.targets]]);
        const values = await session.run(feeds, outputs);
        for (const [i, name] of outputs.entries())
          found[i].set((values.get(name) as Tensor<'float32'>).data.subarray(0, count), start);
      }
      const [losses, hits] = found;
      return { losses, ...(hits && { right: hits }) };
    },
    close: () => session.release(),
  };
}

import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import { type Runtime, throwIfCancelled } from '../runtime/runtime.ts';
import { filled } from '../tensor/filled.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { paddedBatch } from './batch.ts';
import { appendLoss, type Loss } from './losses.ts';
import { checkAgainstOutput } from './step.ts';

/** How good a model is on some samples. */
export interface LossEvaluation {
  /** The loss over all samples, as training defines it. */
  readonly loss: number;
  /** Right predictions / predictions; absent for losses that know no right and wrong. */
  readonly accuracy?: number;
  /** Samples evaluated. */
  readonly count: number;
}

export interface EvaluateLossOptions {
  readonly model: OnnxModel;
  readonly samples: Dataset;
  readonly loss: Loss;
  readonly runtime: Runtime;
  /** Output that the loss reads. Default: the model's first. */
  readonly output?: string;
  /** Default 64. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/** Loss and accuracy of a model. @throws WhereforeError `invalid-data` without samples, `cancelled` between batches */
export async function evaluateLoss(options: EvaluateLossOptions): Promise<LossEvaluation> {
  const { samples, loss, runtime, signal } = options;
  if (samples.length === 0) throw new WhereforeError('invalid-data', 'there are no samples to evaluate');
  const { model } = lower(options.model);
  const output = options.output ?? model.graph.outputs[0].name;
  const size = Math.min(options.batchSize ?? 64, samples.length);

  const example = await paddedBatch(samples, Uint32Array.of(0), size, 0);
  await checkAgainstOutput(
    new Executor(runtime, model, undefined),
    model.graph,
    loss,
    output,
    example.inputs,
    example.targets,
  );
  const builder = new GraphBuilder({ ...model.graph, outputs: [] }, { prefix: 'evaluate/' });
  const target = builder.input(builder.fresh('target'), example.targets.type, example.targets.shape);
  const weights = builder.input(builder.fresh('sample-weight'), 'float32', [size]);
  const perSample = appendLoss(builder, loss, output, target);
  const sum = (name: string) => {
    const weighted = builder.op('Mul', [weights, name]);
    return builder.output(builder.op('ReduceSum', [weighted, builder.ints([0])], { keepdims: 0 }), 'float32', []);
  };
  const { correct } = perSample;
  const fetches = [
    sum(perSample.loss),
    sum(perSample.mass),
    ...(correct ? [sum(correct.hits), sum(correct.count)] : []),
  ];
  const session = await runtime.open({ ...model, graph: builder.build() });
  const totals = fetches.map(() => 0);
  try {
    for (let start = 0; start < samples.length; start += size) {
      throwIfCancelled(signal);
      const positions = filled(new Uint32Array(Math.min(size, samples.length - start)), (i) => start + i);
      const batch = await paddedBatch(samples, positions, size, 0);
      const feeds = new Map([...batch.inputs, [target, batch.targets], [weights, float32([size], batch.weights)]]);
      const results = await session.run(feeds, fetches);
      fetches.forEach((name, i) => {
        totals[i] += (results.get(name) as Tensor<'float32'>).data[0];
      });
    }
  } finally {
    await session.release();
  }
  const [lossSum, mass, hits, count] = totals;
  return { loss: lossSum / mass, ...(correct ? { accuracy: hits / count } : {}), count: samples.length };
}

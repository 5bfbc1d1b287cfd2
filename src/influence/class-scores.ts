import type { Dataset } from '../dataset/dataset.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { sizeOf } from '../tensor/tensor.ts';

interface Asked {
  readonly model: Model;
  readonly output: string;
  readonly classes: number;
  readonly rows: Dataset;
}

/**
 * The value whose softmax are the probabilities of the classes. One number z that tells two classes apart, the log-odds of
 * the second, has `[0, z]` for scores: `softmax([0, z]) = [1 − σ(z), σ(z)]`.
 */
export async function classScores({ model, output, classes, rows }: Asked): Promise<{ graph: Graph; output: string }> {
  if (classes !== 2) return { graph: model.graph, output };
  const { inputs } = await rows.read([0]);
  const { facts } = await model.executor.specialise(model.graph, new Map(Object.entries(inputs)));
  if (sizeOf(facts.shapes.get(output) ?? []) !== 1) return { graph: model.graph, output };
  const builder = new GraphBuilder(model.graph, { prefix: 'scores/' });
  const column = builder.op('Reshape', [output, builder.ints([-1, 1])]);
  const both = builder.op('Pad', [column, builder.ints([0, 1, 0, 0])]);
  return { graph: builder.build(), output: both };
}

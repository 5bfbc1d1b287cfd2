import type { GradientNote } from '../autodiff/context.ts';
import type { Facts } from '../autodiff/facts.ts';
import { buildGradientProgram } from '../autodiff/gradient-program.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import type { Executor } from '../runtime/executor.ts';
import { float32, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { anyBatch } from './any-batch.ts';
import type { Classifier } from './classifier.ts';
import type { LaxSettings } from './settings.ts';

/** The gradient of a class's score with respect to the image, as a graph for batches of any size. */
export interface ClassGradient {
  /** Inputs: the image, and {@link gradientClass}; one output: the gradient, of the image's shape. */
  readonly graph: Graph;
  /** Where it is not the plain derivative. */
  readonly notes: readonly GradientNote[];
}

/** What an adapter is told of gradients. */
export interface Told {
  /** None where it is told nothing. */
  readonly gradient?: ClassGradient;
  /** Points t of `μ + t·(x − μ)`. */
  readonly points: readonly number[];
  /** Why there is no gradient, where nobody asked to leave it out. */
  readonly missing?: string;
}

const defaultPoints = [1];

/**
 * The gradient that the settings ask for; where they say nothing, at the image itself if the model has one.
 * @throws WhereforeError as {@link classGradient} where points are stated
 */
export async function gradientToTell(
  executor: Executor,
  classifier: Classifier,
  { gradients, reads }: LaxSettings,
  example: Tensor<'float32'>,
): Promise<Told> {
  const points = gradients ?? (reads === 'features' ? defaultPoints : []);
  if (points.length === 0) return { points };
  try {
    return { gradient: await classGradient(executor, classifier, example), points };
  } catch (error) {
    if (gradients || !(error instanceof WhereforeError) || !impossible.has(error.code)) throw error;
    return { points: [], missing: error.message };
  }
}

const impossible: ReadonlySet<string> = new Set(['not-differentiable', 'unsupported-operator', 'unsupported-model']);

/** Name of the class input of the gradient's graph, int64 `[N]`. */
export const gradientClass = 'class-gradient/class';

/** Sizes of batches that the graph is made for: primes, so that few other sizes are theirs by chance. */
const sizes = [5, 7] as const;

/**
 * `∂f_c/∂x` of the score of a class, forward and backward pass in one graph. The backward pass is made for batches of
 * two sizes and freed of them (`anyBatch`), then run on a third.
 * @throws WhereforeError `not-differentiable`, `unsupported-operator`, `unsupported-model` where it cannot be made
 */
export async function classGradient(
  executor: Executor,
  classifier: Classifier,
  example: Tensor<'float32'>,
): Promise<ClassGradient> {
  const { input, scores, classes } = classifier;
  const part = extractSubgraph(
    { ...classifier.onnx.graph, values: new Map() },
    { inputs: classifier.onnx.graph.inputs, outputs: [scores] },
  );
  const made = await Promise.all(
    sizes.map(async (batch) => {
      const specialised = await executor.specialise(part, new Map([[input, repeated(example, batch)]]));
      return { batch, ...differentiated(specialised.graph, specialised.facts, classifier) };
    }),
  );
  const [first, second] = made;
  const graph = anyBatch(first, second, input);
  await checkAgainst(executor, graph, first, input, classes, example);
  return { graph, notes: first.notes };
}

function differentiated(graph: Graph, facts: Facts, { input, scores, classes }: Classifier) {
  const shape = facts.shapes.get(scores) ?? [];
  const builder = new GraphBuilder(graph, { prefix: 'class-gradient/' });
  builder.input(gradientClass, 'int64', [shape[0]]);
  const ends = builder.constant(float32([2], [0, 1]));
  const oneHot = builder.op('OneHot', [gradientClass, builder.scalar(classes, 'int64'), ends], { axis: -1 });
  const seed = builder.op('Reshape', [oneHot, builder.ints(shape)]);
  const program = buildGradientProgram(builder.build(), facts, { seeds: new Map([[scores, seed]]), wrt: [input] });
  const { gradients, notes } = program;
  const gradient = gradients.get(input);
  if (!gradient) {
    throw new WhereforeError('not-differentiable', 'no gradient: nothing flows back from the scores to the image', {
      where: `"${scores}"`,
      got: notes.map(({ text }) => text).join('; '),
    });
  }
  const inputs = program.graph.inputs.filter(({ name }) => name === input || name === gradientClass);
  const part = extractSubgraph({ ...program.graph, values: new Map() }, { inputs, outputs: [gradient] });
  return { graph: { ...part, outputs: [{ name: gradient, type: 'float32' as const, shape: undefined }] }, notes };
}

/** Rows of a tensor, taken in turn until there are `count`. */
function repeated({ shape, data }: Tensor<'float32'>, count: number): Tensor<'float32'> {
  const size = sizeOf(shape.slice(1));
  const values = new Float32Array(count * size);
  for (let i = 0; i < count; i++)
    values.set(data.subarray((i % shape[0]) * size, ((i % shape[0]) + 1) * size), i * size);
  return float32([count, ...shape.slice(1)], values);
}

/** Runs the freed graph on one image and on more than it was made for, and compares with the one of fixed size. */
async function checkAgainst(
  executor: Executor,
  free: Graph,
  fixed: { readonly graph: Graph; readonly batch: number },
  input: string,
  classes: number,
  example: Tensor<'float32'>,
): Promise<void> {
  const run = async (graph: Graph, count: number) => {
    const labels = Array.from({ length: count }, (_, i) => i % classes);
    const session = await executor.runtime.open({ ...executor.model, graph }, { optimization: 'none', prepack: false });
    try {
      const feeds = new Map<string, Tensor>([
        [input, repeated(example, count)],
        [gradientClass, int64([count], labels)],
      ]);
      const [{ name }] = graph.outputs;
      return (await session.run(feeds, [name])).get(name) as Tensor<'float32'>;
    } finally {
      await session.release();
    }
  };
  const expected = await run(fixed.graph, fixed.batch);
  const size = expected.data.length / fixed.batch;
  for (const count of [1, fixed.batch + 4]) {
    const found = await run(free, count);
    for (let i = 0; i < Math.min(count, fixed.batch); i++) {
      let [error, square] = [0, 0];
      for (let j = i * size; j < (i + 1) * size; j++) {
        error += (found.data[j] - expected.data[j]) ** 2;
        square += expected.data[j] ** 2;
      }
      // A kink that rounding takes to its other side changes one path among many; a wrong batch changes everything.
      if (Math.sqrt(error) <= 1e-2 * Math.sqrt(square)) continue;
      throw new WhereforeError('unsupported-model', 'the gradient depends on the size of the batch', {
        where: `image ${i + 1} of ${count}`,
        got: `a relative difference of ${Math.sqrt(error / square)} between batches of ${count} and ${fixed.batch}`,
      });
    }
  }
}

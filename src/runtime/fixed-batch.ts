import { WhereforeError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { fillBatch, fixedBatch } from '../onnx/lowering/fill-batch.ts';
import { freeBatch } from '../onnx/lowering/free-batch.ts';
import { inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { normals, random } from '../tensor/random.ts';
import { checkElements, float32, mostTrialElements, sizeOf, type Tensor, tensor } from '../tensor/tensor.ts';
import type { Model } from './model.ts';
import type { Tensors } from './runtime.ts';

/** Length of an open axis of the row that two graphs are compared at. */
const openLength = 8;

/** Outputs of the same row may differ by float32 sums in another order. */
const tolerance = 1e-4;

/**
 * A model that was exported for a fixed number of rows, as one that takes any number up to it: without the number where
 * that computes the same of one row, else with the last row repeated and the first rows of the outputs read. Any other
 * model comes back as it is.
 */
export async function withOpenBatch(model: Model): Promise<Model> {
  const size = fixedBatch(model.graph);
  if (size === undefined) return model;
  const filled = fillBatch(model.graph, size);
  const freed = freeBatch(model.graph, size);
  const isFree = await givesTheSame(model, filled, freed);
  const graph = isFree ? freed : filled;
  const text = isFree
    ? `the model was exported for ${size} rows at once; it is run with as many as there are`
    : `the model takes ${size} rows at once: the last row is repeated, and the first rows of its outputs are read`;
  return {
    ...model,
    graph,
    types: inferTypes(graph),
    rowsAtMost: isFree ? undefined : size,
    notes: [...model.notes, { code: 'batch-opened', node: '', text, rows: size }],
  };
}

async function givesTheSame({ executor }: Model, filled: Graph, freed: Graph): Promise<boolean> {
  const names = freed.outputs.filter(({ opaque }) => !opaque).map(({ name }) => name);
  try {
    const feeds = exampleRow(freed);
    const [one, other] = [await executor.run(filled, feeds, names), await executor.run(freed, feeds, names)];
    return names.every((name) => isClose(one.get(name) as Tensor, other.get(name) as Tensor));
  } catch (error) {
    // A constant of the fixed size, such as the first state of a recurrent layer, fits no other number of rows.
    // An input that is too large to try stays as it is.
    if (error instanceof WhereforeError && (error.code === 'runtime' || error.code === 'out-of-range')) return false;
    throw error;
  } finally {
    await executor.releaseSessions();
  }
}

function exampleRow({ inputs }: Graph): Tensors {
  return new Map(
    inputs.map(({ name, type = 'float32', shape = [] }, i) => {
      const sizes = shape.map((size, axis) => (axis === 0 ? 1 : typeof size === 'number' ? size : openLength));
      checkElements(sizes, mostTrialElements, `input "${name}"`);
      return [name, type === 'float32' ? float32(sizes, normals(sizeOf(sizes), random(i))) : tensor(type, sizes)];
    }),
  );
}

function isClose(a: Tensor, b: Tensor): boolean {
  if (a.type === 'string' || b.type === 'string') return JSON.stringify(a) === JSON.stringify(b);
  const [from, to] = [toNumbers(a), toNumbers(b)];
  return (
    from.length === to.length &&
    from.every(
      (value, i) => Object.is(value, to[i]) || Math.abs(value - to[i]) <= tolerance * Math.max(1, Math.abs(value)),
    )
  );
}

import { WhereforeError } from '../errors.ts';
import { permutation, random } from '../tensor/random.ts';
import { formatShape, sizeOf, type Tensor, tensor } from '../tensor/tensor.ts';

/** Examples by index, read when they are asked for. */
export interface Dataset {
  readonly length: number;
  /** Names of the classes, where the labels are classes. */
  readonly classes?: readonly string[];
  /** The model's inputs for some examples, each batched along its first axis in the order of `indices`. */
  inputs(indices: ArrayLike<number>): Promise<Record<string, Tensor>>;
  /** Their labels: class numbers (int64, n) or values (float32). */
  labels?(indices: ArrayLike<number>): Tensor;
  /** Where an example comes from: a file, a row. */
  describe(index: number): string;
}

/** Some rows of a tensor along its first axis, in the order given. @throws WhereforeError `out-of-range`. */
export function takeRows<T extends Tensor['type']>(t: Tensor<T>, indices: ArrayLike<number>): Tensor<T> {
  const [count, ...rest] = t.shape;
  const width = sizeOf(rest);
  const result = tensor(t.type, [indices.length, ...rest]);
  const from = t.data as unknown as Float32Array;
  const to = result.data as unknown as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new WhereforeError('out-of-range', 'there is no such example', {
        got: `${index}`,
        expected: `0 to ${count - 1}`,
      });
    }
    if (t.type === 'string') for (let j = 0; j < width; j++) to[i * width + j] = from[index * width + j];
    else to.set(from.subarray(index * width, (index + 1) * width), i * width);
  }
  return result;
}

/**
 * A dataset in memory.
 * @throws WhereforeError `wrong-shape` where inputs and labels differ in length.
 */
export function tensorDataset(
  inputs: Readonly<Record<string, Tensor>>,
  options: { readonly labels?: Tensor; readonly classes?: readonly string[]; readonly name?: string } = {},
): Dataset {
  const { labels, classes, name = 'example' } = options;
  const parts = [...Object.entries(inputs), ...(labels ? [['labels', labels] as const] : [])];
  const length = parts[0]?.[1].shape[0];
  if (length === undefined)
    throw new WhereforeError('invalid-argument', 'a dataset needs at least one input with a batch axis');
  for (const [part, t] of parts) checkLength(part, t, length);
  return {
    length,
    classes,
    inputs: async (indices) =>
      Object.fromEntries(Object.entries(inputs).map(([input, t]) => [input, takeRows(t, indices)])),
    labels: labels && ((indices) => takeRows(labels, indices)),
    describe: (index) => `${name} ${index}`,
  };
}

export function checkLength(part: string, t: Tensor, length: number): void {
  if (t.shape[0] !== length) {
    throw new WhereforeError('wrong-shape', `"${part}" has another number of examples than the rest`, {
      got: formatShape(t.shape),
      expected: `${length}×…`,
    });
  }
}

/** Some examples of a dataset as a dataset. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const own = Uint32Array.from(indices);
  const bad = own.find((index) => index >= dataset.length);
  if (bad !== undefined)
    throw new WhereforeError('out-of-range', 'there is no such example', {
      got: `${bad}`,
      expected: `0 to ${dataset.length - 1}`,
    });
  const outer = (inner: ArrayLike<number>) => Uint32Array.from(inner, (index) => own[index]);
  const labels = dataset.labels?.bind(dataset);
  return {
    length: own.length,
    classes: dataset.classes,
    inputs: (inner) => dataset.inputs(outer(inner)),
    labels: labels && ((inner) => labels(outer(inner))),
    describe: (index) => dataset.describe(own[index]),
  };
}

/** Splits 0 … length − 1 at random into two sorted lists; the first has ⌊fraction · length⌋. */
export function splitIndices(length: number, fraction: number, seed: number): [Uint32Array, Uint32Array] {
  const order = permutation(length, random(seed));
  const cut = Math.floor(fraction * length);
  return [order.slice(0, cut).sort(), order.slice(cut).sort()];
}

/** Some examples with what a training or evaluation step needs of them. */
export interface Batch {
  readonly indices: Uint32Array;
  readonly inputs: Record<string, Tensor>;
  readonly labels?: Tensor;
}

/**
 * Goes through a dataset once in batches; the last one may be smaller.
 * @param options.size Examples in a batch.
 * @param options.shuffle Order by seed and epoch, the same on every machine. Default: in order.
 */
export async function* batches(
  dataset: Dataset,
  options: { readonly size: number; readonly shuffle?: { readonly seed: number; readonly epoch: number } },
): AsyncGenerator<Batch, void, undefined> {
  const { size, shuffle } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new WhereforeError('invalid-argument', 'the batch size is not a count', {
      got: `${size}`,
      expected: 'a whole number from 1',
    });
  }
  const order = shuffle
    ? permutation(dataset.length, random(shuffle.seed, shuffle.epoch))
    : Uint32Array.from({ length: dataset.length }, (_, i) => i);
  for (let start = 0; start < order.length; start += size) {
    const indices = order.slice(start, start + size);
    yield { indices, inputs: await dataset.inputs(indices), labels: dataset.labels?.(indices) };
  }
}

import { WhereforeError } from '../errors.ts';
import { permutation, random } from '../tensor/random.ts';
import { byteLength, type Tensor } from '../tensor/tensor.ts';
import type { Dataset, Rows } from './dataset.ts';
import { range } from './pieces.ts';

/** Some rows with their positions. */
export interface Batch extends Rows {
  readonly indices: Uint32Array;
}

export interface BatchOptions {
  /** Rows in a batch; the last may have fewer. Default: as many as `bytes` hold. */
  readonly size?: number;
  /** Bytes that the inputs and labels of a batch may take, judged by the first row; one row is always read. Default 64 MiB. */
  readonly bytes?: number;
  /** The order is determined by seed and epoch, the same on every machine. Default: in order. */
  readonly shuffle?: { readonly seed: number; readonly epoch: number };
  /** Handed to `read`. Default that of `shuffle`, else 0. */
  readonly epoch?: number;
}

const defaultBytes = 64 * 2 ** 20;

/**
 * Goes through a data set once, so many rows at a time as a number or a budget of bytes allows.
 * @throws WhereforeError `invalid-argument` for a size or a budget below 1
 */
export async function* batches(dataset: Dataset, options: BatchOptions = {}): AsyncGenerator<Batch, void, undefined> {
  const { shuffle, epoch = shuffle?.epoch ?? 0 } = options;
  const size = await sizeOfBatches(dataset, options);
  const order = shuffle ? permutation(dataset.length, random(shuffle.seed, shuffle.epoch)) : range(0, dataset.length);
  for (let start = 0; start < order.length; start += size) {
    const indices = order.slice(start, start + size);
    yield { indices, ...(await dataset.read(indices, epoch)) };
  }
}

async function sizeOfBatches(dataset: Dataset, { size, bytes = defaultBytes, epoch }: BatchOptions): Promise<number> {
  for (const [what, count] of [
    ['size', size ?? 1],
    ['budget', bytes],
  ] as const) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new WhereforeError('invalid-argument', `the ${what} of a batch is not a count`, {
      got: `${count}`,
      expected: 'a whole number from 1',
    });
  }
  if (size !== undefined || dataset.length === 0) return size ?? 1;
  return Math.max(1, Math.floor(bytes / Math.max(1, bytesOfRows(await dataset.read([0], epoch)))));
}

/** Bytes of some rows; a letter of a text counts as two. */
export function bytesOfRows({ inputs, labels }: Rows): number {
  let bytes = 0;
  for (const t of [...Object.values(inputs), ...(labels ? [labels] : [])]) bytes += bytesOfTensor(t);
  return bytes;
}

function bytesOfTensor(t: Tensor): number {
  if (t.type !== 'string') return byteLength(t);
  let letters = 0;
  for (const text of t.data as string[]) letters += text.length;
  return 2 * letters;
}

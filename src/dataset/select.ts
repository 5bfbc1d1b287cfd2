import { contentHash } from '../tensor/content-hash.ts';
import { permutation, random } from '../tensor/random.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { bytesOf } from '../tensor/tensor.ts';
import type { Dataset } from './dataset.ts';
import { checkedIndices } from './define-dataset.ts';
import { range } from './pieces.ts';

/** Where the rows of a subset stand in the data set that it was taken of, so that a subset of it is one of that. */
const origins = new WeakMap<Dataset, { readonly whole: Dataset; readonly positions: Uint32Array }>();

/**
 * Some rows of a data set as a data set, in the order given; one may occur several times. Rows keep their ids and
 * hashes.
 * @throws WhereforeError `out-of-range`
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const inner = checkedIndices(indices, dataset.length, dataset.name);
  const origin = origins.get(dataset);
  const whole = origin?.whole ?? dataset;
  const positions = translated(inner, origin?.positions);
  const at = (own: ArrayLike<number>) => translated(checkedIndices(own, positions.length, dataset.name), positions);
  const { labels } = whole;
  const part: Dataset = {
    name: whole.name,
    length: positions.length,
    classes: whole.classes,
    labels: labels && takeRows(labels, positions),
    columns: whole.columns,
    read: async (own, epoch) => whole.read(at(own), epoch),
    column: async (name, own) => whole.column(name, at(own)),
    ids: async (own) => whole.ids(at(own)),
    hashes: async (own) => whole.hashes(at(own)),
    describe: (index) => whole.describe(positions[index]),
    key: async (options) =>
      contentHash([
        'subset ',
        await whole.key(options),
        bytesOf({ type: 'uint32', shape: [positions.length], data: positions }),
      ]),
  };
  origins.set(part, { whole, positions });
  return part;
}

function translated(inner: Uint32Array, positions: Uint32Array | undefined): Uint32Array {
  if (!positions) return inner.slice();
  const outer = new Uint32Array(inner.length);
  for (let i = 0; i < inner.length; i++) outer[i] = positions[inner[i]];
  return outer;
}

/** The rows in an order that a seed determines. */
export function shuffle(dataset: Dataset, seed: number): Dataset {
  return subset(dataset, permutation(dataset.length, random(seed)));
}

/** Splits 0 … length − 1 at random into two sorted lists; the first has ⌊fraction · length⌋. */
export function splitIndices(length: number, fraction: number, seed: number): [Uint32Array, Uint32Array] {
  const order = permutation(length, random(seed));
  const cut = Math.floor(fraction * length);
  return [order.slice(0, cut).sort(), order.slice(cut).sort()];
}

/** Splits a data set at random into two, ⌊fraction · length⌋ rows and the rest, each in the order of the whole. */
export function split(dataset: Dataset, fraction: number, seed: number): [Dataset, Dataset] {
  const [first, second] = splitIndices(dataset.length, fraction, seed);
  return [subset(dataset, first), subset(dataset, second)];
}

/**
 * The parts of a data set by the values of a column: `train` and `test` of a column `split`. Rows without a value are
 * in none.
 * @throws WhereforeError `unknown-name`
 */
export async function splitBy(dataset: Dataset, column: string): Promise<Map<string, Dataset>> {
  const positions = new Map<string, number[]>();
  const values = await dataset.column(column, range(0, dataset.length));
  for (const [place, value] of values.entries()) {
    if (value === undefined) continue;
    const known = positions.get(String(value));
    if (known) known.push(place);
    else positions.set(String(value), [place]);
  }
  return new Map([...positions].map(([value, own]) => [value, subset(dataset, own)]));
}

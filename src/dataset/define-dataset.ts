import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { contentHash, hashedTensor } from '../tensor/content-hash.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { bytesOf, formatShape, rows, type Tensor } from '../tensor/tensor.ts';
import type { ColumnValue, Dataset, PassOptions, Rows } from './dataset.ts';
import { contentIds, givenIds } from './ids.ts';
import { eachPiece } from './pieces.ts';

/** What a data set is made of; all but the first three have defaults. */
export interface DatasetSource {
  readonly name: string;
  readonly length: number;
  /** The inputs of some rows, which are all there, each batched along its first axis in this order. */
  inputs(indices: Uint32Array, epoch: number): Promise<Readonly<Record<string, Tensor>>>;
  readonly classes?: readonly string[];
  readonly labels?: Tensor;
  readonly weights?: Float32Array;
  /** What is known about rows besides, by name. */
  readonly columns?: Readonly<Record<string, (indices: Uint32Array) => Promise<readonly ColumnValue[]>>>;
  /** Names that the data gives. Default: names made of the content. */
  ids?(indices: Uint32Array): Promise<readonly string[]>;
  /** SHA-256 of the contents. Default: of the inputs. */
  hashes?(indices: Uint32Array): Promise<readonly string[]>;
  /** Default: the name and the place. */
  describe?(index: number): string;
  /** What changes whenever a content does, where that is quicker to have than the hashes of all rows: that of the file. */
  contents?(options: PassOptions): Promise<string>;
  /** How contents become inputs: part of the key. Default: as they are. */
  readonly recipe?: string;
}

/**
 * A data set of anything that gives rows by their positions.
 * @throws WhereforeError `wrong-shape` where labels or weights are not one a row; at `read`, where inputs are not
 */
export function defineDataset(source: DatasetSource): Dataset {
  const { name, length, classes, labels, weights, columns = {}, describe } = source;
  if (labels) checkRows('labels', labels, length, name);
  if (weights && weights.length !== length) throw wrongRows('weights', `${weights.length}`, length, name);
  const placed = (indices: ArrayLike<number>) => checkedIndices(indices, length, name);
  const read = async (indices: ArrayLike<number>, epoch = 0): Promise<Rows> => {
    const own = placed(indices);
    const inputs = await source.inputs(own, epoch);
    for (const [input, t] of Object.entries(inputs)) checkRows(input, t, own.length, name);
    return {
      inputs,
      ...(labels && { labels: takeRows(labels, own) }),
      ...(weights && { weights: pick(weights, own) }),
    };
  };
  const hashes = async (indices: ArrayLike<number>) =>
    source.hashes ? [...(await source.hashes(placed(indices)))] : rowHashes((await read(indices)).inputs);
  const given = source.ids?.bind(source);
  const identify = given ? givenIds(name, length, given) : contentIds(length, hashes, labels);
  let known: Promise<string> | undefined;
  return {
    name,
    length,
    classes,
    labels,
    columns: Object.keys(columns),
    read,
    column: async (column, indices) => {
      if (!Object.hasOwn(columns, column))
        throw unknownName('the data set has no column', column, Object.keys(columns), { where: name });
      return [...(await columns[column](placed(indices)))];
    },
    ids: async (indices) => identify(placed(indices)),
    hashes,
    describe: (index) => describe?.(index) ?? `${name} row ${index}`,
    key: (options = {}) => {
      known ??= keyOf(source, hashes, options).catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
  };
}

/** SHA-256 of each row of some inputs: their names, types, shapes and elements, in the order of the names. */
export function rowHashes(inputs: Readonly<Record<string, Tensor>>): string[] {
  const named = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  const count = named[0]?.[1].shape[0] ?? 0;
  const hashes: string[] = [];
  for (let index = 0; index < count; index++) hashes.push(contentHash(rowPieces(named, index)));
  return hashes;
}

function* rowPieces(named: readonly (readonly [string, Tensor])[], index: number): Generator<Uint8Array | string> {
  for (const [name, t] of named) {
    yield `${name.length}:${name} `;
    yield* hashedTensor(rows(t, index, index + 1));
  }
}

async function keyOf(
  { length, classes, labels, weights, recipe = '', contents }: DatasetSource,
  hashes: Dataset['hashes'],
  options: PassOptions,
): Promise<string> {
  const pieces = [JSON.stringify({ key: 1, length, classes, recipe })];
  if (contents) pieces.push(await contents(options));
  else for await (const piece of eachPiece(length, options)) pieces.push(contentHash(await hashes(piece)));
  if (labels) pieces.push(contentHash(hashedTensor(labels)));
  if (weights) pieces.push(contentHash([bytesOf({ type: 'float32', shape: [length], data: weights })]));
  return contentHash(pieces);
}

function pick(values: Float32Array, indices: Uint32Array): Float32Array {
  const picked = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) picked[i] = values[indices[i]];
  return picked;
}

/** Places as whole numbers. @throws WhereforeError `out-of-range` for one that a data set of this length lacks */
export function checkedIndices(indices: ArrayLike<number>, length: number, name: string): Uint32Array {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new WhereforeError('out-of-range', 'the data set has no such row', {
      where: name,
      got: `${index}`,
      expected: length > 0 ? `0 to ${length - 1}` : 'none, as it is empty',
    });
  }
  return indices instanceof Uint32Array ? indices : Uint32Array.from(indices);
}

/** Refuses a tensor that has not one row for each of the data set. */
export function checkRows(part: string, t: Tensor, length: number, where: string): void {
  if (t.shape[0] !== length) throw wrongRows(part, formatShape(t.shape), length, where);
}

function wrongRows(part: string, got: string, length: number, where: string): WhereforeError {
  return new WhereforeError('wrong-shape', `"${part}" has another number of rows than the data set`, {
    where,
    got,
    expected: `${length}, one for each`,
  });
}

import { WhereforeError } from '../errors.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { toFloat32, toNumbers } from '../tensor/convert.ts';
import { minOf } from '../tensor/extremes.ts';
import { filled } from '../tensor/filled.ts';
import { formatShape, sameShape, sizeOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import type { InputLayout } from './baseline.ts';
import { slic } from './segmentation.ts';

/** Which elements are hidden or shown together by the methods that perturb. */
export type Groups =
  /** Every element alone. */
  | { readonly kind: 'elements' }
  /** One group a channel. */
  | { readonly kind: 'channels' }
  /** Tiles of `size` positions a side along the axes of space, over all channels. */
  | { readonly kind: 'windows'; readonly size: number }
  /** Superpixels by SLIC, over all channels. */
  | { readonly kind: 'superpixels'; readonly count: number; readonly compactness?: number }
  /** Named columns of a table; a category spread over several columns (one-hot) is one group. */
  | { readonly kind: 'columns'; readonly columns: readonly Column[] }
  /** The word of each token: tokens with the same number belong together; −1 leaves a token out (padding). */
  | { readonly kind: 'words'; readonly words: readonly number[]; readonly texts?: readonly string[] }
  /** A number for each element, by value name; −1 leaves an element out. */
  | { readonly kind: 'indices'; readonly tensors: ReadonlyMap<string, Tensor>; readonly names?: readonly string[] };

export interface Column {
  readonly name: string;
  /** Positions along the last axis. */
  readonly positions: readonly number[];
}

/** The elements of one or more values, divided into groups 0 … count − 1. */
export interface Partition {
  readonly count: number;
  /** Group of each element; −1 for elements that no group holds, which stay as they are. */
  readonly of: ReadonlyMap<string, Int32Array>;
  readonly names?: readonly string[];
  /** In words, for the record. */
  readonly description: string;
}

/** Superpixels of an image where the caller names no groups. */
const defaultSuperpixels = 64;

/**
 * Divides the values of a layer into groups.
 *
 * Without a wish: superpixels for an image, tiles of an eighth of the shorter side for inner layers with space,
 * single elements for everything else.
 *
 * @throws WhereforeError `invalid-argument` for groups that need axes which the values do not have, `wrong-shape`
 */
export function partition(features: Tensors, layouts: ReadonlyMap<string, InputLayout>, wanted?: Groups): Partition {
  const of = new Map<string, Int32Array>();
  let count = 0;
  let names: readonly string[] | undefined;
  const descriptions = new Set<string>();
  for (const [name, tensor] of features) {
    const layout = layouts.get(name) ?? {};
    const groups = wanted ?? defaultGroups(tensor, layout);
    const labels = (labellers[groups.kind] as Label<Groups['kind']>)(tensor, layout, groups as never, name);
    // Groups of a table or of words go on through several values; those of an image belong to it alone.
    const shared = groups.kind === 'indices' || groups.kind === 'words';
    const offset = shared ? 0 : count;
    let largest = -1;
    for (const label of labels) largest = Math.max(largest, label);
    of.set(name, offset === 0 ? labels : labels.map((label) => (label < 0 ? -1 : label + offset)));
    count = Math.max(count, offset + largest + 1);
    if (groups.kind === 'columns') names = groups.columns.map((column) => column.name);
    if (groups.kind === 'words') names = groups.texts;
    if (groups.kind === 'indices') names = groups.names;
    descriptions.add(describeGroups(groups));
  }
  const elements = [...features.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (count > elements) {
    throw new WhereforeError('invalid-argument', 'the groups are numbered further than there are elements', {
      got: `group ${count - 1}`,
      expected: `0 to ${elements - 1}, without large gaps`,
    });
  }
  return {
    count,
    of,
    names: features.size === 1 || wanted?.kind === 'indices' ? names : undefined,
    description: [...descriptions].join(', '),
  };
}

/** Two missing values are the same. */
const isSame = (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** How many groups have an element that differs from some baseline: only those can win or lose anything. */
export function differingGroups({ of }: Partition, features: Tensors, baselines: readonly Tensors[]): number {
  const found = new Set<number>();
  for (const [name, groups] of of) {
    const values = (features.get(name) as Tensor<'float32'>).data;
    const others = baselines.map((baseline) => (baseline.get(name) as Tensor<'float32'>).data);
    for (let i = 0; i < groups.length; i++) {
      if (groups[i] >= 0 && !found.has(groups[i]) && others.some((other) => !isSame(other[i], values[i])))
        found.add(groups[i]);
    }
  }
  return found.size;
}

/** Whether hiding every group leaves nothing but the baseline: no path goes around the layer, no element is in no group. */
export function hidesAll({ isCut, partition }: { readonly isCut: boolean; readonly partition: Partition }): boolean {
  return isCut && [...partition.of.values()].every((of) => !of.includes(-1));
}

/** Groups in words. */
export function describeGroups(groups: Groups): string {
  switch (groups.kind) {
    case 'elements':
      return 'single elements';
    case 'channels':
      return 'channels';
    case 'windows':
      return `tiles of ${groups.size} a side`;
    case 'superpixels':
      return `about ${groups.count} superpixels (SLIC)`;
    case 'columns':
      return 'columns';
    case 'words':
      return 'words';
    case 'indices':
      return 'given groups';
  }
}

function defaultGroups(tensor: Tensor, { spatialAxes, channelAxis }: InputLayout): Groups {
  const sides = (spatialAxes ?? []).map((axis) => tensor.shape[axis]);
  if (sides.length !== 2) return { kind: 'elements' };
  const pixels = sides[0] * sides[1];
  const isImage = (channelAxis === undefined ? 1 : tensor.shape[channelAxis]) <= 4 && pixels > 4 * defaultSuperpixels;
  if (isImage) return { kind: 'superpixels', count: defaultSuperpixels };
  return { kind: 'windows', size: Math.max(1, Math.ceil(minOf(sides) / 8)) };
}

type Label<K extends Groups['kind']> = (
  tensor: Tensor,
  layout: InputLayout,
  groups: Extract<Groups, { kind: K }>,
  name: string,
) => Int32Array;

const labellers: { readonly [K in Groups['kind']]: Label<K> } = {
  elements: (tensor) => filled(new Int32Array(sizeOf(tensor.shape)), (i) => i),
  channels: (tensor, { channelAxis }, _, name) => {
    if (channelAxis === undefined) throw missingAxes(name, tensor, 'an axis of channels');
    const inner = sizeOf(tensor.shape.slice(channelAxis + 1));
    const channels = tensor.shape[channelAxis];
    return filled(new Int32Array(sizeOf(tensor.shape)), (i) => Math.floor(i / inner) % channels);
  },
  windows: (tensor, layout, { size }, name) => {
    if (!Number.isInteger(size) || size < 1) {
      throw new WhereforeError('out-of-range', 'the side of a tile', {
        got: String(size),
        expected: 'a positive integer',
      });
    }
    const axes = spaceOf(tensor, layout, name);
    const tiles = axes.map((axis) => Math.ceil(tensor.shape[axis] / size));
    const strides = stridesOf(tensor.shape);
    return filled(new Int32Array(sizeOf(tensor.shape)), (i) =>
      axes.reduce(
        (label, axis, k) => label * tiles[k] + Math.floor((Math.floor(i / strides[axis]) % tensor.shape[axis]) / size),
        0,
      ),
    );
  },
  superpixels: (tensor, layout, { count, compactness }, name) => {
    const [rowAxis, columnAxis, ...more] = spaceOf(tensor, layout, name);
    if (columnAxis === undefined || more.length) throw missingAxes(name, tensor, 'rows and columns');
    const strides = stridesOf(tensor.shape);
    const { channelAxis } = layout;
    const [height, width] = [tensor.shape[rowAxis], tensor.shape[columnAxis]];
    const channels = channelAxis === undefined ? 1 : tensor.shape[channelAxis];
    const data = toFloat32(tensor).data;
    const values = new Float32Array(channels * height * width);
    for (let c = 0, i = 0; c < channels; c++) {
      const base = channelAxis === undefined ? 0 : c * strides[channelAxis];
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++)
          values[i++] = data[base + row * strides[rowAxis] + column * strides[columnAxis]];
      }
    }
    const pixels = slic({ values, channels, height, width }, { count: Math.min(count, height * width), compactness });
    return filled(new Int32Array(sizeOf(tensor.shape)), (i) => {
      const [row, column] = [rowAxis, columnAxis].map((axis) => Math.floor(i / strides[axis]) % tensor.shape[axis]);
      return pixels[row * width + column];
    });
  },
  columns: (tensor, _, { columns }, name) => {
    const width = tensor.shape.at(-1) ?? 1;
    const byPosition = new Int32Array(width).fill(-1);
    columns.forEach((column, k) => {
      for (const position of column.positions) {
        if (!Number.isInteger(position) || position < 0 || position >= width || byPosition[position] >= 0) {
          throw new WhereforeError('invalid-argument', `column "${column.name}" of "${name}"`, {
            got: `position ${position}`,
            expected: `each of 0 to ${width - 1} at most once`,
          });
        }
        byPosition[position] = k;
      }
    });
    return filled(new Int32Array(sizeOf(tensor.shape)), (i) => byPosition[i % width]);
  },
  words: (tensor, _, { words }, name) => {
    const [, positions] = tensor.shape;
    if (tensor.shape.length < 2 || positions !== words.length) {
      throw new WhereforeError('wrong-shape', `the words do not fit "${name}"`, {
        got: `${words.length} tokens`,
        expected: `${positions} (the axis after the batch of ${formatShape(tensor.shape)})`,
      });
    }
    const inner = sizeOf(tensor.shape.slice(2));
    return filled(new Int32Array(sizeOf(tensor.shape)), (i) => words[Math.floor(i / inner) % positions]);
  },
  indices: (tensor, _, { tensors }, name) => {
    const given = tensors.get(name);
    if (!given || !sameShape(given.shape, tensor.shape)) {
      throw new WhereforeError('wrong-shape', `the groups do not fit "${name}"`, {
        got: given ? formatShape(given.shape) : 'no groups of that name',
        expected: formatShape(tensor.shape),
      });
    }
    const labels = toNumbers(given);
    const odd = labels.findIndex((label) => !Number.isInteger(label) || label < -1);
    if (odd >= 0) {
      throw new WhereforeError('invalid-argument', `the groups of "${name}"`, {
        got: `${labels[odd]} at element ${odd}`,
        expected: 'whole numbers from 0 on, or −1 for an element of no group',
      });
    }
    return Int32Array.from(labels);
  },
};

function spaceOf(tensor: Tensor, { spatialAxes }: InputLayout, name: string): readonly number[] {
  if (!spatialAxes?.length) throw missingAxes(name, tensor, 'axes of space');
  return spatialAxes;
}

function missingAxes(name: string, tensor: Tensor, what: string): WhereforeError {
  return new WhereforeError('invalid-argument', `the groups need ${what}, which "${name}" is not known to have`, {
    got: formatShape(tensor.shape),
    fix: 'say in the layout which axes those are, or choose other groups',
  });
}

import type { InputLayout } from '../attribution/baseline.ts';
import type { ValueKind } from '../attribution/methods/method.ts';
import { WhereforeError } from '../errors.ts';
import { formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { FeatureGroups } from './groups.ts';

/** An explanation as it is scored: one signed number for each feature group. */
export interface AttributionMap {
  readonly values: Float64Array;
  /** Whether values are shares between 0 and 1 as they stand (a learned mask); others are min–max scaled where a metric needs a mask. */
  readonly absolute?: boolean;
}

/**
 * Attributions of a layer as one number for each feature group: summed over the elements of a group; from a coarser
 * grid by bilinear interpolation, scaled so that the sum is kept. A mask has its mean over a region. Of rates of change
 * the magnitudes are added up: their signs say in which direction an element would have to change, not what it is for
 * (Simonyan et al. 2013 show magnitudes, Smilkov et al. 2017 as well).
 * @throws WhereforeError `wrong-shape` for a layer that does not lie over the input
 */
export function mapOf(
  values: ReadonlyMap<string, Tensor<'float32'>>,
  groups: FeatureGroups,
  layout: InputLayout = {},
  kind: ValueKind = 'share',
): AttributionMap {
  const total = new Float64Array(groups.count);
  for (const [name, given] of values) {
    const tensor = kind === 'rate' ? { ...given, data: given.data.map(Math.abs) } : given;
    const groupOf = groups.groupOf.get(name);
    if (groupOf?.length === tensor.data.length) {
      for (let i = 0; i < groupOf.length; i++) if (groupOf[i] >= 0) total[groupOf[i]] += tensor.data[i];
      continue;
    }
    const { positions } = groups;
    if (positions) {
      const laid = overGroups(
        name,
        tensor,
        { ...groups, shape: positions.shape, count: positions.regionOf.length },
        layout,
      );
      for (let i = 0; i < laid.length; i++) total[positions.regionOf[i]] += laid[i];
    } else {
      const laid = overGroups(name, tensor, groups, layout);
      for (let i = 0; i < total.length; i++) total[i] += laid[i];
    }
  }
  if (kind !== 'mask') return { values: total };
  if (groups.positions) {
    const sizes = new Uint32Array(total.length);
    for (const region of groups.positions.regionOf) sizes[region]++;
    for (let i = 0; i < total.length; i++) total[i] /= sizes[i];
  }
  return { values: total, absolute: true };
}

function overGroups(
  name: string,
  { shape, data }: Tensor<'float32'>,
  groups: FeatureGroups,
  { channelAxis }: InputLayout,
): Float64Array {
  if (groups.shape.length === 2) {
    const [height, width] = groups.shape;
    if (shape.length === 4) {
      const last =
        channelAxis === 3 &&
        Math.abs(shape[1] / shape[2] - height / width) < Math.abs(shape[2] / shape[3] - height / width);
      return resized(
        sumsOver(shape, data, last ? [1, 2] : [2, 3]),
        last ? [shape[1], shape[2]] : [shape[2], shape[3]],
        [height, width],
      );
    }
    const tokens = shape.length === 3 ? shape[1] : 0;
    for (const first of [0, 1]) {
      const rows = Math.round(Math.sqrt(((tokens - first) * height) / width));
      const columns = (tokens - first) / rows;
      if (rows < 1 || !Number.isInteger(columns) || Math.abs((rows * width) / (columns * height) - 1) > 0.01) continue;
      // The class token of a vision transformer lies nowhere; what it holds is left out here and stays in the sum of the method.
      return resized(sumsOver(shape, data, [1]).subarray(first), [rows, columns], [height, width]);
    }
  }
  // One value for each token or step, as of an embedding.
  const [groupOf] = [...groups.groupOf.values()];
  const axis = groups.groupOf.size === 1 ? shape.findIndex((size, i) => i > 0 && size === groupOf.length) : -1;
  if (groups.shape.length === 1 && axis > 0) {
    const result = new Float64Array(groups.count);
    sumsOver(shape, data, [axis]).forEach((sum, i) => {
      if (groupOf[i] >= 0) result[groupOf[i]] += sum;
    });
    return result;
  }
  throw new WhereforeError('wrong-shape', `the attribution at "${name}" does not lie over the input`, {
    got: formatShape(shape),
    expected: `something that lies over ${groups.shape.join('×')} feature groups`,
    fix: 'score attributions to the input, to a convolution or to token embeddings',
  });
}

/** Sums over all axes but the named ones. */
function sumsOver(shape: readonly number[], data: Float32Array, axes: readonly number[]): Float64Array {
  const sums = new Float64Array(sizeOf(axes.map((axis) => shape[axis])));
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    for (const axis of axes) at = at * shape[axis] + (Math.floor(i / sizeOf(shape.slice(axis + 1))) % shape[axis]);
    sums[at] += data[i];
  }
  return sums;
}

/** Bilinear interpolation between the centres of cells, in units of an input pixel: `× (h·w)/(H·W)`. */
function resized(values: Float64Array, [h, w]: readonly number[], [height, width]: readonly number[]): Float64Array {
  const result = new Float64Array(height * width);
  const share = (h * w) / (height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.min(h - 1, Math.max(0, ((y + 0.5) * h) / height - 0.5));
    const [top, fy] = [Math.floor(row), row % 1];
    const bottom = Math.min(h - 1, top + 1);
    for (let x = 0; x < width; x++) {
      const column = Math.min(w - 1, Math.max(0, ((x + 0.5) * w) / width - 0.5));
      const [left, fx] = [Math.floor(column), column % 1];
      const right = Math.min(w - 1, left + 1);
      const above = values[top * w + left] * (1 - fx) + values[top * w + right] * fx;
      const below = values[bottom * w + left] * (1 - fx) + values[bottom * w + right] * fx;
      result[y * width + x] = share * (above * (1 - fy) + below * fy);
    }
  }
  return result;
}

/** A map as a mask between 0 and 1: as it stands where it is absolute, else min–max scaled; a constant map is 0. */
export function maskOf({ values, absolute }: AttributionMap): Float64Array {
  if (absolute) {
    const outside = values.findIndex((value) => !(value >= 0 && value <= 1));
    if (outside < 0) return values;
    throw new WhereforeError('out-of-range', 'an absolute mask', {
      got: `${values[outside]}`,
      expected: 'values from 0 to 1',
    });
  }
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const range = most - least;
  return range > 0 ? values.map((value) => (value - least) / range) : new Float64Array(values.length);
}

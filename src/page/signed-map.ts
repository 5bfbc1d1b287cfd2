import { mapToSource } from '../data/inputs/grid.ts';
import { type Explained, storedTensor } from '../explain/explained.ts';
import { toFloat32 } from '../tensor/convert.ts';
import { maxOf } from '../tensor/extremes.ts';
import { mapped } from '../tensor/filled.ts';
import { float32, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type Frame, frameTransform, imageInput } from './frame.ts';

/** One value of a layer, added up to one signed number for each position of a grid. */
export interface PlaneMap {
  readonly layer: string;
  /** h × w */
  readonly map: Tensor<'float32'>;
  /** What of the value belongs to no place, e.g. the class token of a vision transformer. */
  readonly elsewhere: number;
  /** How axes were read where the document does not say. */
  readonly note?: string;
}

/** An attribution laid over an image. */
export interface SignedMap {
  /** height × width of the frame; adds up to `ΣA − outside`. */
  readonly values: Tensor<'float32'>;
  /** What lies on padding, or at no place at all. */
  readonly outside: number;
  /** Grids of the layer's values, e.g. 13 × 13. */
  readonly grids: readonly (readonly [number, number])[];
  /** A pixel's value times this is the contribution per 1 % of the model's view: one unit for all layers. */
  readonly perPercent: number;
  /** Standard deviation, in grid cells, of the blur that fine grids are drawn with; 0: none. It keeps sums. */
  readonly smoothing: number;
  readonly notes: readonly string[];
}

/**
 * The values of the layer as maps over space, and the inputs beside the image that do not lie over it. Undefined where
 * none does, or where a value inside the model does not.
 */
export function planesOf(explained: Explained): { planes: PlaneMap[]; others: string[] } | undefined {
  const image = imageInput(explained);
  if (image === undefined) return undefined;
  const planes: PlaneMap[] = [];
  const others: string[] = [];
  for (const [layer, { key }] of Object.entries(explained.document.attribution)) {
    const plane = planeOf(explained, image, layer, toFloat32(storedTensor(explained, key)));
    if (plane) planes.push(plane);
    else if (explained.document.explained.includes(layer)) others.push(layer);
    else return undefined;
  }
  return planes.length > 0 ? { planes, others } : undefined;
}

function planeOf(
  { document }: Explained,
  image: string,
  layer: string,
  values: Tensor<'float32'>,
): PlaneMap | undefined {
  const { shape } = values;
  const input = document.input.tensors[image].shape;
  const axes = document.input.layout.spatialAxes as [number, number];
  const [height, width] = [input[axes[0]], input[axes[1]]];
  if (document.explained.includes(layer)) {
    // Maps of a method that adds channels up itself keep the input's rank with one channel.
    if (shape.length !== input.length) return undefined;
    return { layer, map: sumExcept(values, axes), elsewhere: 0 };
  }
  if (shape.length === 4 && shape[0] === 1) {
    const last =
      document.input.layout.channelAxis === 3 &&
      Math.abs(shape[1] / shape[2] - height / width) < Math.abs(shape[2] / shape[3] - height / width);
    const note = last ? `layer "${layer}" read as rows, columns, channels` : undefined;
    return { layer, map: sumExcept(values, last ? [1, 2] : [2, 3]), elsewhere: 0, note };
  }
  return shape.length === 3 && shape[0] === 1 ? tokenPlane(layer, values, height / width) : undefined;
}

/** A vision transformer's tokens [1, tokens, features] as rows of patches, the class token set apart. */
function tokenPlane(layer: string, values: Tensor<'float32'>, proportion: number): PlaneMap | undefined {
  const tokens = values.shape[1];
  const perToken = sumExcept(values, [0, 1]).data;
  for (const first of [0, 1]) {
    const rows = Math.round(Math.sqrt((tokens - first) * proportion));
    const columns = rows > 0 ? (tokens - first) / rows : 0;
    if (rows < 2 || columns < 2 || !Number.isInteger(columns) || Math.abs(rows / columns / proportion - 1) > 0.01)
      continue;
    const note = `layer "${layer}" read as ${rows} × ${columns} patches${first ? ' after a class token' : ''}`;
    return { layer, map: float32([rows, columns], perToken.subarray(first)), elsewhere: first ? perToken[0] : 0, note };
  }
  return undefined;
}

/** Sums over all axes but two, in float64. */
export function sumExcept(values: Tensor<'float32'>, [rows, columns]: readonly [number, number]): Tensor<'float32'> {
  const { shape, data } = values;
  const [height, width] = [shape[rows], shape[columns]];
  const rowStride = sizeOf(shape.slice(rows + 1));
  const columnStride = sizeOf(shape.slice(columns + 1));
  const sums = new Float64Array(height * width);
  for (let i = 0; i < data.length; i++) {
    sums[(Math.floor(i / rowStride) % height) * width + (Math.floor(i / columnStride) % width)] += data[i];
  }
  return float32([height, width], sums);
}

/** Grids with longer sides are blurred for display: gradients of single pixels alternate in sign and hide what they add up to. */
const finestGrid = 64;
/** Standard deviation of that blur as a share of the longer side. */
const smoothedShare = 0.02;

/** Blurs by a Gaussian, mirrored at the border: sums are kept, and what is even stays even. */
export function smoothed(map: Tensor<'float32'>, sigma: number): Tensor<'float32'> {
  const [height, width] = map.shape;
  const radius = Math.ceil(3 * sigma);
  const bell = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = bell.reduce((sum, weight) => sum + weight, 0);
  let values = Float64Array.from(map.data);
  for (const [size, stride] of [
    [width, 1],
    [height, width],
  ]) {
    const spread = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const at = Math.floor(i / stride) % size;
      const share = values[i] / total;
      for (let offset = -radius; offset <= radius; offset++) {
        spread[i + (mirrored(at + offset, size) - at) * stride] += share * bell[offset + radius];
      }
    }
    values = spread;
  }
  return float32(map.shape, values);
}

/** An index beyond the border, reflected: −1 is 0, `size` is `size − 1`. */
function mirrored(index: number, size: number): number {
  const period = 2 * size;
  const within = ((index % period) + period) % period;
  return within < size ? within : period - 1 - within;
}

/** Lays the maps of a layer over a frame and adds them up; sums are kept. `smooth`: whether fine grids are blurred. */
export function layOver(planes: readonly PlaneMap[], frame: Frame, smooth = true): SignedMap {
  const [h, w] = frame.transform.source;
  const total = new Float64Array(h * w);
  let outside = 0;
  const finest = maxOf(planes.map(({ map }) => maxOf(map.shape)));
  const smoothing = smooth && finest > finestGrid ? smoothedShare * finest : 0;
  for (const { map, elsewhere } of planes) {
    const grid: [number, number] = [map.shape[0], map.shape[1]];
    const shown = smooth && maxOf(grid) > finestGrid ? smoothed(map, smoothedShare * maxOf(grid)) : map;
    const laid = mapToSource(shown, frameTransform(frame, grid));
    outside += laid.outside + elsewhere;
    for (let i = 0; i < total.length; i++) total[i] += laid.values.data[i];
  }
  const { grid, scale } = frame.transform;
  const elsewhere = planes.reduce((sum, plane) => sum + plane.elsewhere, 0);
  const notes = planes.flatMap(({ note }) => note ?? []);
  if (elsewhere !== 0)
    notes.push(`the class token's share (${elsewhere.toPrecision(3)}) lies at no place of the image`);
  return {
    values: float32([h, w], total),
    outside,
    grids: planes.map(({ map }) => [map.shape[0], map.shape[1]]),
    perPercent: (grid[0] * grid[1]) / (scale[0] * scale[1]) / 100,
    smoothing,
    notes,
  };
}

/** Quantile of the magnitudes that gets the end colour: single extreme pixels would else leave the rest of the map pale. */
export const scaleQuantile = 0.995;

/** End of a map's colour scale, per 1 % of the view: the 99.5 % quantile of the magnitudes other than 0; 0 for an empty map. */
export function scaleLimit({ values, perPercent }: SignedMap): number {
  const sizes = mapped(
    Float32Array,
    values.data.filter((value) => value !== 0),
    Math.abs,
  ).sort();
  return sizes.length === 0 ? 0 : sizes[Math.ceil(scaleQuantile * sizes.length) - 1] * perPercent;
}

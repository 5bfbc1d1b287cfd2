/** How Resize maps one axis; the attributes of the operator. */
export interface Interpolation {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  /** Name of the coordinate transformation. */
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicCoefficient: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** One axis to resize. */
export interface Axis {
  readonly size: number;
  readonly resized: number;
  /** Output size over input size, as the operator computes with it. */
  readonly scale: number;
  /** Region of interest, in fractions of the axis (tf_crop_and_resize). */
  readonly start: number;
  readonly end: number;
}

const { fround } = Math;

/** Position in the input of output element `position`, in float32 as the runtime computes it: ties fall the same way. */
function originalCoordinate(coordinates: string, position: number, { size, resized, scale, start, end }: Axis): number {
  const half = fround(fround(fround(position + 0.5) / scale) - 0.5);
  switch (coordinates) {
    case 'half_pixel':
      return half;
    case 'pytorch_half_pixel':
      return resized > 1 ? half : 0;
    case 'half_pixel_symmetric': {
      const adjustment = fround(resized / fround(scale * size));
      return fround(fround(fround(size / 2) * fround(1 - adjustment)) + half);
    }
    case 'tf_half_pixel_for_nn':
      return fround(fround(position + 0.5) / scale);
    case 'asymmetric':
      return fround(position / scale);
    case 'align_corners':
      return resized === 1 ? 0 : fround(fround(position * (size - 1)) / (resized - 1));
    case 'tf_crop_and_resize':
      return resized > 1
        ? fround(
            fround(start * (size - 1)) + fround(fround(position * fround(end - start) * (size - 1)) / (resized - 1)),
          )
        : fround(0.5 * fround(start + end) * (size - 1));
    default:
      return Number.NaN;
  }
}

function nearestIndex(mode: string, coordinate: number): number {
  switch (mode) {
    case 'floor':
      return Math.floor(coordinate);
    case 'ceil':
      return Math.ceil(coordinate);
    case 'round_prefer_ceil':
      return Math.floor(coordinate + 0.5);
    default:
      return Math.ceil(coordinate - 0.5);
  }
}

/** Cubic convolution (Keys): weights at the distances 1+t, t, 1−t, 2−t. */
function cubicWeight(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return a * (((d - 5) * d + 8) * d - 4);
  return 0;
}

const triangle = (distance: number) => Math.max(0, 1 - Math.abs(distance));

/**
 * Matrix `[resized, size]`, row-major, of the linear map that Resize is along one axis. Rows outside the region of
 * interest (extrapolation) are zero: a constant stands there.
 *
 * @returns undefined for a coordinate transformation that is not in the standard
 */
export function interpolationMatrix(how: Interpolation, axis: Axis): Float64Array | undefined {
  const { size, resized } = axis;
  const matrix = new Float64Array(resized * size);
  for (let row = 0; row < resized; row++) {
    const coordinate = originalCoordinate(how.coordinates, row, axis);
    if (Number.isNaN(coordinate)) return undefined;
    if (how.coordinates === 'tf_crop_and_resize' && (coordinate < 0 || coordinate > size - 1)) continue;
    const add = (index: number, weight: number) => {
      matrix[row * size + Math.min(Math.max(index, 0), size - 1)] += weight;
    };
    if (how.antialias && how.mode !== 'nearest') addSmoothed(how, axis, coordinate, add);
    else if (how.mode === 'nearest') add(nearestIndex(how.nearest, coordinate), 1);
    else if (how.mode === 'linear') {
      const inside = Math.min(Math.max(coordinate, 0), size - 1);
      const low = Math.floor(inside);
      add(low, 1 - (inside - low));
      add(low + 1, inside - low);
    } else addCubic(how, size, coordinate, add);
  }
  return matrix;
}

type Add = (index: number, weight: number) => void;

function addCubic(how: Interpolation, size: number, coordinate: number, add: Add): void {
  const first = Math.floor(coordinate) - 1;
  const weights = [0, 1, 2, 3].map((tap) => cubicWeight(coordinate - (first + tap), how.cubicCoefficient));
  if (how.excludeOutside) {
    for (let tap = 0; tap < 4; tap++) if (first + tap < 0 || first + tap >= size) weights[tap] = 0;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let tap = 0; tap < 4; tap++) weights[tap] /= total;
  }
  weights.forEach((weight, tap) => {
    if (weight !== 0) add(first + tap, weight);
  });
}

/** antialias: when shrinking, the filter is widened by 1/scale, so that no input element is skipped. */
function addSmoothed(how: Interpolation, { size, scale }: Axis, coordinate: number, add: Add): void {
  const widening = Math.max(1, 1 / scale);
  const support = (how.mode === 'linear' ? 1 : 2) * widening;
  const center = coordinate + 0.5;
  let first = Math.floor(center - support + 0.5);
  let behind = Math.floor(center + support + 0.5);
  if (how.excludeOutside) {
    first = Math.max(first, 0);
    behind = Math.min(behind, size);
  }
  const filter = how.mode === 'linear' ? triangle : (distance: number) => cubicWeight(distance, how.cubicCoefficient);
  const weights = Array.from({ length: behind - first }, (_, i) => filter((first + i - center + 0.5) / widening));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  weights.forEach((weight, i) => {
    if (weight !== 0) add(first + i, weight / total);
  });
}

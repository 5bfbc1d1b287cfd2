import { WhereforeError } from '../errors.ts';

/** An image by channel: `values[c·height·width + row·width + column]`. */
export interface ChannelImage {
  readonly values: ArrayLike<number>;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface SlicOptions {
  /** Superpixels to aim at; what comes out differs a little. */
  readonly count: number;
  /** Weight of distance in space against distance in colour, in standard deviations of the image. Default 0.5. */
  readonly compactness?: number;
  /** Default 10. */
  readonly iterations?: number;
}

/**
 * Superpixels by SLIC: k-means over (colour, place) that looks only near each centre.
 *
 * `D² = |c − c_k|²/σ² + (m · |p − p_k| / S)²` with S the side of a superpixel; σ, the standard deviation of each
 * channel, puts any input (RGB, BGR, normalised, one channel) on one scale. Fragments cut off from their superpixel
 * join the neighbour that they touch, so that every label is one connected piece.
 *
 * @returns one label a pixel, 0 … n − 1, in the order in which the superpixels are met
 * @source Achanta et al. 2012, "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", IEEE TPAMI 34
 */
export function slic(image: ChannelImage, { count, compactness = 0.5, iterations = 10 }: SlicOptions): Int32Array {
  const { height, width, channels } = image;
  const pixels = height * width;
  if (!Number.isInteger(count) || count < 1 || count > pixels) {
    throw new WhereforeError('out-of-range', 'the number of superpixels', {
      got: String(count),
      expected: `1 to ${pixels}`,
    });
  }
  const values = standardised(image);
  const side = Math.sqrt(pixels / count);
  const rows = Math.max(1, Math.round(height / side));
  const columns = Math.max(1, Math.round(width / side));
  const size = channels + 2;
  const centres = new Float64Array(rows * columns * size);
  for (let k = 0; k < rows * columns; k++) {
    const row = Math.min(height - 1, Math.floor(((Math.floor(k / columns) + 0.5) * height) / rows));
    const column = Math.min(width - 1, Math.floor((((k % columns) + 0.5) * width) / columns));
    for (let c = 0; c < channels; c++) centres[k * size + c] = values[c * pixels + row * width + column];
    centres[k * size + channels] = row;
    centres[k * size + channels + 1] = column;
  }
  const spatial = (compactness / side) ** 2;
  const labels = new Int32Array(pixels);
  const distances = new Float64Array(pixels);
  for (let iteration = 0; iteration < iterations; iteration++) {
    assign(image, values, centres, side, spatial, labels, distances);
    if (!moveCentres(image, values, centres, labels)) break;
  }
  return connected(labels, height, width, pixels / (rows * columns) / 4);
}

/** Each channel with mean 0 and standard deviation 1 (0 where it is constant). */
function standardised({ values, channels, height, width }: ChannelImage): Float64Array {
  const pixels = height * width;
  const result = new Float64Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    let [sum, squares] = [0, 0];
    for (let p = 0; p < pixels; p++) sum += values[c * pixels + p];
    const mean = sum / pixels;
    for (let p = 0; p < pixels; p++) squares += (values[c * pixels + p] - mean) ** 2;
    const deviation = Math.sqrt(squares / pixels);
    if (deviation > 0)
      for (let p = 0; p < pixels; p++) result[c * pixels + p] = (values[c * pixels + p] - mean) / deviation;
  }
  return result;
}

function assign(
  { height, width, channels }: ChannelImage,
  values: Float64Array,
  centres: Float64Array,
  side: number,
  spatial: number,
  labels: Int32Array,
  distances: Float64Array,
): void {
  const pixels = height * width;
  const size = channels + 2;
  distances.fill(Number.POSITIVE_INFINITY);
  for (let k = 0; k < centres.length / size; k++) {
    const [y, x] = [centres[k * size + channels], centres[k * size + channels + 1]];
    // Twice the side, and a pixel more, so that no pixel is left without a centre near it.
    const [top, bottom] = [
      Math.max(0, Math.floor(y - 2 * side - 1)),
      Math.min(height - 1, Math.ceil(y + 2 * side + 1)),
    ];
    const [left, right] = [Math.max(0, Math.floor(x - 2 * side - 1)), Math.min(width - 1, Math.ceil(x + 2 * side + 1))];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const pixel = row * width + column;
        let distance = spatial * ((row - y) ** 2 + (column - x) ** 2);
        for (let c = 0; c < channels; c++) distance += (values[c * pixels + pixel] - centres[k * size + c]) ** 2;
        if (distance < distances[pixel]) {
          distances[pixel] = distance;
          labels[pixel] = k;
        }
      }
    }
  }
}

/** Puts each centre in the middle of its pixels; says whether any moved. */
function moveCentres(
  { height, width, channels }: ChannelImage,
  values: Float64Array,
  centres: Float64Array,
  labels: Int32Array,
): boolean {
  const pixels = height * width;
  const size = channels + 2;
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(centres.length / size);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = labels[pixel] * size;
    for (let c = 0; c < channels; c++) sums[at + c] += values[c * pixels + pixel];
    sums[at + channels] += Math.floor(pixel / width);
    sums[at + channels + 1] += pixel % width;
    counts[labels[pixel]]++;
  }
  let moved = false;
  for (let i = 0; i < centres.length; i++) {
    const n = counts[Math.floor(i / size)];
    if (n === 0) continue;
    const next = sums[i] / n;
    if (Math.abs(next - centres[i]) > 1e-3) moved = true;
    centres[i] = next;
  }
  return moved;
}

/** Labels connected pieces 0, 1, …; pieces smaller than `smallest` join the piece before them. */
function connected(labels: Int32Array, height: number, width: number, smallest: number): Int32Array {
  const result = new Int32Array(labels.length).fill(-1);
  let next = 0;
  for (let start = 0; start < labels.length; start++) {
    if (result[start] >= 0) continue;
    // The piece already labelled that this one touches: above or to the left of where it begins.
    const neighbour = start % width > 0 ? result[start - 1] : start >= width ? result[start - width] : -1;
    const piece = [start];
    result[start] = next;
    for (let i = 0; i < piece.length; i++) {
      const [row, column] = [Math.floor(piece[i] / width), piece[i] % width];
      for (const [r, c] of [
        [row - 1, column],
        [row + 1, column],
        [row, column - 1],
        [row, column + 1],
      ]) {
        if (r < 0 || c < 0 || r >= height || c >= width) continue;
        const pixel = r * width + c;
        if (result[pixel] >= 0 || labels[pixel] !== labels[start]) continue;
        result[pixel] = next;
        piece.push(pixel);
      }
    }
    if (piece.length < smallest && neighbour >= 0) for (const pixel of piece) result[pixel] = neighbour;
    else next++;
  }
  return result;
}

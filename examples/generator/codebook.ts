import { random } from '../../src/tensor/random.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { side } from './draw.ts';

/** Pixels of each side of a patch, patches of each side of an image, numbers of a patch. */
export const patch = 3;
export const grid = side / patch;
const width = patch * patch * 3;

/** Patches of an image, 64 × 27, from 0 to 1. */
export function patchesOf({ data }: Tensor<'uint8'>): Float32Array {
  const patches = new Float32Array(grid * grid * width);
  let at = 0;
  for (let py = 0; py < grid; py++)
    for (let px = 0; px < grid; px++)
      for (let y = 0; y < patch; y++)
        for (let i = 0; i < patch * 3; i++) patches[at++] = data[((py * patch + y) * side + px * patch) * 3 + i] / 255;
  return patches;
}

/** The image that codes stand for. */
export function imageOfCodes(codes: ArrayLike<number>, codebook: Float32Array): Tensor<'uint8'> {
  const data = new Uint8Array(side * side * 3);
  for (let p = 0; p < grid * grid; p++) {
    const [py, px] = [Math.floor(p / grid) * patch, (p % grid) * patch];
    for (let k = 0; k < width; k++) {
      const [y, i] = [Math.floor(k / (patch * 3)), k % (patch * 3)];
      data[((py + y) * side + px) * 3 + i] = Math.max(
        0,
        Math.min(255, Math.round(255 * codebook[codes[p] * width + k])),
      );
    }
  }
  return tensor('uint8', [side, side, 3], data);
}

/** The nearest code of each patch. */
export function codesOf(patches: Float32Array, codebook: Float32Array): Uint16Array {
  const codes = new Uint16Array(patches.length / width);
  for (let p = 0; p < codes.length; p++) codes[p] = nearestCode(patches, p * width, codebook);
  return codes;
}

function nearestCode(patches: Float32Array, at: number, codebook: Float32Array): number {
  let [best, smallest] = [0, Number.POSITIVE_INFINITY];
  for (let c = 0; c < codebook.length; c += width) {
    let sum = 0;
    for (let k = 0; k < width && sum < smallest; k++) sum += (patches[at + k] - codebook[c + k]) ** 2;
    if (sum < smallest) [best, smallest] = [c / width, sum];
  }
  return best;
}

/**
 * A codebook by k-means with the seeding of k-means++, so that rare patches get codes as well.
 * Source: Arthur, Vassilvitskii 2007 (SODA).
 */
export function fitCodebook(patches: Float32Array, size: number, seed: number, rounds = 12): Float32Array {
  const source = random(seed, 21);
  const count = patches.length / width;
  const codebook = new Float32Array(size * width);
  codebook.set(patches.subarray(0, width));
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  for (let c = 1; c < size; c++) {
    let total = 0;
    for (let p = 0; p < count; p++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (patches[p * width + k] - codebook[(c - 1) * width + k]) ** 2;
      distances[p] = Math.min(distances[p], sum);
      total += distances[p];
    }
    let left = source.uniform() * total;
    let chosen = 0;
    while (chosen < count - 1 && left > distances[chosen]) left -= distances[chosen++];
    codebook.set(patches.subarray(chosen * width, (chosen + 1) * width), c * width);
  }
  for (let round = 0; round < rounds; round++) {
    const codes = codesOf(patches, codebook);
    const [sums, counts] = [new Float64Array(size * width), new Uint32Array(size)];
    for (const [p, code] of codes.entries()) {
      counts[code]++;
      for (let k = 0; k < width; k++) sums[code * width + k] += patches[p * width + k];
    }
    for (let i = 0; i < codebook.length; i++) {
      const members = counts[Math.floor(i / width)];
      if (members > 0) codebook[i] = sums[i] / members;
    }
  }
  return codebook;
}

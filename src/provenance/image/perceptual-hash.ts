import { resizeImage } from '../../data/formats/resize.ts';
import type { Tensor } from '../../tensor/tensor.ts';

const side = 32;
const kept = 8;

/** cos(π(2x + 1)u / 64) for u < 8. */
const cosines = new Float64Array(kept * side);
for (let u = 0; u < kept; u++)
  for (let x = 0; x < side; x++) cosines[u * side + x] = Math.cos((Math.PI * (2 * x + 1) * u) / (2 * side));

/**
 * 64 bits of an image's lightness, in two words: which of the lowest 8 × 8 frequencies of 32 × 32 means lie above their
 * median. Copies differ in few bits; so do images that are nearly uniform, whose bits are noise.
 * Source: Zauner 2010, "Implementation and benchmarking of perceptual image hash functions" (pHash).
 */
export function perceptualHash(pixels: Tensor<'uint8'>): Uint32Array {
  const { data } = resizeImage(pixels, [side, side], 'box');
  const rows = new Float64Array(side * kept);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const i = (y * side + x) * 3;
      const light = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
      for (let u = 0; u < kept; u++) rows[y * kept + u] += light * cosines[u * side + x];
    }
  }
  const frequencies = new Float64Array(kept * kept);
  for (let v = 0; v < kept; v++)
    for (let y = 0; y < side; y++)
      for (let u = 0; u < kept; u++) frequencies[v * kept + u] += rows[y * kept + u] * cosines[v * side + y];
  const sorted = frequencies.slice(1).sort();
  const median = sorted[sorted.length >> 1];
  const hash = new Uint32Array(2);
  for (let i = 0; i < frequencies.length; i++) if (frequencies[i] > median) hash[i >> 5] |= 1 << (i & 31);
  return hash;
}

/** Bits that are set. */
export function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

import { unitRows } from './autoencoder.ts';

/**
 * What some rows of a dictionary make of a vector, taken one by one where they explain most of what is left (matching
 * pursuit): what a dictionary that has no encoder can do with as many active rows.
 * @source Mallat, Zhang 1993, IEEE Trans. Signal Processing 41(12)
 */
export function matchingPursuit(dictionary: Float32Array, vector: Float64Array, active: number): Float64Array {
  const width = vector.length;
  const rows = unitRows(dictionary, width);
  const left = Float64Array.from(vector);
  for (let step = 0; step < active; step++) {
    let [best, most] = [0, 0];
    for (let at = 0; at < rows.length; at += width) {
      let product = 0;
      for (let d = 0; d < width; d++) product += left[d] * rows[at + d];
      if (Math.abs(product) > Math.abs(most)) [best, most] = [at, product];
    }
    for (let d = 0; d < width; d++) left[d] -= most * rows[best + d];
  }
  return vector.map((value, d) => value - left[d]);
}

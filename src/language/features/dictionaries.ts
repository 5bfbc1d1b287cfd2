import { symmetricEigen } from '../../linear-algebra/symmetric-eigen.js';
import { choose, normals, random } from '../../tensor/random.ts';
import { unitRows, type Vectors } from './autoencoder.ts';

/** Dictionaries that are not learnt: what a learnt one must be better than. */
export const controlNames = ['data points', 'PCA', 'raw neurons', 'random'] as const;
export type ControlName = (typeof controlNames)[number];

/**
 * Mean over the rows of one dictionary of the largest |cosine| with a row of another: 1 where each has its like there.
 * @source Sharkey et al. 2022, "Taking features out of superposition with sparse autoencoders"
 */
export function meanMaxCosine(of: Float32Array, among: Float32Array, width: number): number {
  const [rows, others] = [unitRows(of, width), unitRows(among, width)];
  let total = 0;
  for (let a = 0; a < rows.length; a += width) {
    let most = 0;
    for (let b = 0; b < others.length; b += width) {
      let product = 0;
      for (let d = 0; d < width; d++) product += rows[a + d] * others[b + d];
      most = Math.max(most, Math.abs(product));
    }
    total += most;
  }
  return total / (rows.length / width);
}

/** A control dictionary: `rows × width`. */
export function controlDictionary(
  name: ControlName,
  vectors: Vectors,
  { features, seed }: { readonly features: number; readonly seed: number },
): Float32Array {
  return makers[name](vectors, features, seed);
}

const makers: Readonly<Record<ControlName, (vectors: Vectors, features: number, seed: number) => Float32Array>> = {
  'data points': ({ data, width }, features, seed) => {
    const count = data.length / width;
    const rows = choose(count, Math.min(features, count), random(seed, 5));
    const found = new Float32Array(rows.length * width);
    for (const [r, row] of rows.entries()) found.set(data.subarray(row * width, (row + 1) * width), r * width);
    return found;
  },
  PCA: (vectors) => principalAxes(vectors),
  'raw neurons': ({ width }) => {
    const found = new Float32Array(width * width);
    for (let d = 0; d < width; d++) found[d * width + d] = 1;
    return found;
  },
  random: ({ width }, features, seed) => normals(features * width, random(seed, 6)),
};

/** Eigenvectors of the covariance. */
function principalAxes({ data, width }: Vectors): Float32Array {
  const count = data.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / count;
  const covariance = new Float64Array(width * width);
  for (let at = 0; at < data.length; at += width) {
    for (let a = 0; a < width; a++) {
      const value = data[at + a] - mean[a];
      for (let b = 0; b < width; b++) covariance[a * width + b] += (value * (data[at + b] - mean[b])) / count;
    }
  }
  return Float32Array.from(symmetricEigen(covariance, width).vectors);
}

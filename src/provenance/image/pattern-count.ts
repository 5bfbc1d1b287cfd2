import type { Planes } from './thumbnail.ts';

/** `√(2/n) cos(π/n · (i + ½) · f)`, by f; of length 1 for each. */
function cosineWaves(n: number): Float64Array {
  const made = new Float64Array(n * n);
  for (let f = 0; f < n; f++)
    for (let i = 0; i < n; i++) made[f * n + i] = Math.cos((Math.PI / n) * (i + 0.5) * f) * Math.sqrt((f ? 2 : 1) / n);
  return made;
}

/**
 * How many patterns an image is made of: the participation ratio `(Σ p)² / Σ p²` of the power of its cosine transform, the
 * means of the planes aside; 1 for a single wave, and 1 for an image that is even.
 */
export function patternCount({ side: n, data }: Planes): number {
  const wave = cosineWaves(n);
  let [sum, squares] = [0, 0];
  const rows = new Float64Array(n * n);
  for (let plane = 0; plane < 3; plane++) {
    for (let y = 0; y < n; y++)
      for (let f = 0; f < n; f++) {
        let value = 0;
        for (let x = 0; x < n; x++) value += wave[f * n + x] * data[(plane * n + y) * n + x];
        rows[y * n + f] = value;
      }
    for (let g = 0; g < n; g++)
      for (let f = 0; f < n; f++) {
        if (g + f === 0) continue;
        let value = 0;
        for (let y = 0; y < n; y++) value += wave[g * n + y] * rows[y * n + f];
        sum += value * value;
        squares += value ** 4;
      }
  }
  return squares > 0 ? sum ** 2 / squares : 1;
}

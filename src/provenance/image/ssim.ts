import { thumbnailSide } from './thumbnail.ts';

/** Pixels along each side of a window, and its area. */
const side = 7;
const area = side * side;
/** `(0.01 · 255)²` and `(0.03 · 255)²`: what keeps the ratio where an image is dark or flat. */
const c1 = 2.55 ** 2;
const c2 = 7.65 ** 2;

/** Brightness of RGB bytes, 0 to 255 (Rec. 601). */
export function brightness(rgb: Uint8Array): Float32Array {
  const grey = new Float32Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
  return grey;
}

/**
 * Mean structural similarity of two grey images of one size, from 0 to 255: over all windows of 7 × 7 pixels
 * `(2 μ_a μ_b + c₁)(2 σ_ab + c₂) / ((μ_a² + μ_b² + c₁)(σ_a² + σ_b² + c₂))`; 1 where they are equal, below 0 where one is
 * the other's negative. Source: Wang, Bovik, Sheikh, Simoncelli 2004 (IEEE TIP 13:600).
 * @param width pixels of a row, at least 7
 */
export function structuralSimilarity(a: Float32Array, b: Float32Array, width: number): number {
  const height = a.length / width;
  let sum = 0;
  for (let y = 0; y + side <= height; y++)
    for (let x = 0; x + side <= width; x++) sum += windowSimilarity(a, b, y * width + x, width);
  return sum / ((height - side + 1) * (width - side + 1));
}

function windowSimilarity(a: Float32Array, b: Float32Array, at: number, width: number): number {
  let [sumA, sumB, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let row = 0; row < side; row++)
    for (let i = at + row * width; i < at + row * width + side; i++) {
      sumA += a[i];
      sumB += b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
      ab += a[i] * b[i];
    }
  const [meanA, meanB] = [sumA / area, sumB / area];
  const [varianceA, varianceB] = [aa / area - meanA * meanA, bb / area - meanB * meanB];
  const covariance = ab / area - meanA * meanB;
  return (
    ((2 * meanA * meanB + c1) * (2 * covariance + c2)) /
    ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2))
  );
}

/** The structural similarity of two thumbnails, of the nearer way round. */
export function thumbnailSimilarity(a: Uint8Array, b: Uint8Array): number {
  const [own, other] = [brightness(a), brightness(b)];
  const turned = own.map((_, i) => own[i - (i % thumbnailSide) + thumbnailSide - 1 - (i % thumbnailSide)]);
  return Math.max(structuralSimilarity(own, other, thumbnailSide), structuralSimilarity(turned, other, thumbnailSide));
}

/** Vectors as bytes: `v_i ≈ scale_i · codes_i`, a quarter of their size, and how far off each is at most. */
export interface RoundedVectors {
  readonly count: number;
  /** count × width, −127 to 127. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** `‖v_i − scale_i · codes_i‖` */
  readonly errors: Float32Array;
}

const mostCode = 127;

/** @param vectors count × width */
export function roundedVectors(vectors: Float32Array, width: number): RoundedVectors {
  const count = vectors.length / width;
  const codes = new Int8Array(vectors.length);
  const [scales, errors] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    let most = 0;
    for (let k = i * width; k < (i + 1) * width; k++) most = Math.max(most, Math.abs(vectors[k]));
    const scale = Math.fround(most / mostCode);
    let squares = 0;
    for (let k = i * width; k < (i + 1) * width; k++) {
      codes[k] = scale > 0 ? Math.round(vectors[k] / scale) : 0;
      squares += (vectors[k] - scale * codes[k]) ** 2;
    }
    scales[i] = scale;
    // A little more, so that float32 does not round it below what it is.
    errors[i] = Math.sqrt(squares) * (1 + 1e-6) + 1e-7;
  }
  return { count, codes, scales, errors };
}

/** A vector that is searched for, as integers: sums of its products with codes fit 32 bits. */
export interface RoundedQuery {
  readonly codes: Int32Array;
  readonly scale: number;
  readonly length: number;
  /** How far off it is at most. */
  readonly error: number;
}

export function roundedQuery(vector: Float32Array): RoundedQuery {
  const largest = Math.min(32_767, Math.floor((2 ** 31 - 1) / (mostCode * vector.length)));
  let [most, squares, off] = [0, 0, 0];
  for (const value of vector) {
    most = Math.max(most, Math.abs(value));
    squares += value * value;
  }
  const scale = most / largest;
  const codes = new Int32Array(vector.length);
  for (const [k, value] of vector.entries()) {
    codes[k] = scale > 0 ? Math.round(value / scale) : 0;
    off += (value - scale * codes[k]) ** 2;
  }
  return { codes, scale, length: Math.sqrt(squares), error: Math.sqrt(off) };
}

/** How far the product of a query with a vector of length 1 at most may be from that of the rounded ones, by Cauchy–Schwarz. */
export function mostOff({ length, error }: RoundedQuery, { errors }: RoundedVectors, i: number): number {
  return errors[i] * length + (1 + errors[i]) * error;
}

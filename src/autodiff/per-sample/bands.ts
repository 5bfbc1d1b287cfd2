import type { RuleContext } from '../context.ts';

/** Width from which half of a square is left out: below, products of narrow bands cost what they save. */
const leastBand = 128;
const mostBands = 8;

/**
 * Heights of the bands that a wide symmetric matrix is computed in: band k holds its rows from its first one on, and
 * their columns from there on, `[height, width − first]`; what lies below the diagonal is that above it. Undefined for a
 * matrix that is computed whole.
 */
export function bandHeights(width: number): readonly number[] | undefined {
  const count = Math.min(mostBands, Math.floor(width / leastBand));
  if (count < 2) return undefined;
  // Whole vectors of the processor.
  const height = Math.ceil(width / count / 16) * 16;
  return Array.from({ length: count }, (_, k) => Math.min(height, width - k * height)).filter((rows) => rows > 0);
}

/** `U Vᵀ` of columns `[width, …]` whose product is symmetric, band by band. */
export function bandsOfProduct(
  c: RuleContext,
  u: string,
  v: string,
  width: number,
  heights: readonly number[],
): readonly { readonly value: string; readonly shape: readonly number[] }[] {
  let first = 0;
  return heights.map((height) => {
    const from = first;
    first += height;
    const rows = (of: string, to: number) =>
      from === 0 && to === width ? of : c.op('Slice', [of, c.ints([from]), c.ints([to]), c.ints([0])]);
    const value = c.op('Gemm', [rows(u, from + height), rows(v, width)], { transB: 1 });
    return { value, shape: [height, width - from] };
  });
}

/** The whole matrix, row by row. */
export function fromBands(bands: readonly ArrayLike<number>[], width: number): Float64Array {
  const whole = new Float64Array(width * width);
  let first = 0;
  for (const band of bands) {
    const columns = width - first;
    const height = band.length / columns;
    for (let i = 0; i < height; i++) {
      for (let j = i; j < columns; j++) {
        const [row, column] = [first + i, first + j];
        whole[row * width + column] = band[i * columns + j];
        whole[column * width + row] = band[i * columns + j];
      }
    }
    first += height;
  }
  return whole;
}

import type { Block } from './gradient-material.ts';

/** Width of a side up to which one covariance is taken of it: its eigenvectors are n³ steps, some minutes for this one. */
export const widestSide = 4096;

/** Width of the parts of a wider side at most: eigenvectors of all of them take seconds for each ten thousand numbers. */
const widestPart = 1024;

/** Widths of equal parts of a side that is too wide for one covariance; undefined where it is not. @param widest default {@link widestSide} */
export function partsOfWidth(width: number, widest: number = widestSide): readonly number[] | undefined {
  if (width <= widest) return undefined;
  const count = Math.ceil(width / Math.min(widest, widestPart));
  return Array.from(
    { length: count },
    (_, k) => Math.floor(((k + 1) * width) / count) - Math.floor((k * width) / count),
  );
}

/** How a side of a block is held: its covariance whole, in parts, or as a diagonal of an index. */
export function widthsOfSide({ oneHot, parts, rows, columns }: Block, side: 'inputs' | 'outputs') {
  const size = side === 'inputs' ? columns : rows;
  if (oneHot === side) return { kind: 'diagonal', size } as const;
  return { kind: 'parts', size, widths: parts?.[side] ?? [size] } as const;
}

/** Covariances of the parts of a side, from these one behind the other or from that of the whole side. */
export function partsOfCovariance(of: Float64Array, widths: readonly number[]): Float64Array[] {
  const size = widths.reduce((sum, width) => sum + width, 0);
  const isWhole = widths.length > 1 && of.length === size * size;
  let [from, first] = [0, 0];
  return widths.map((width) => {
    const part = new Float64Array(width * width);
    if (isWhole)
      for (let i = 0; i < width; i++) {
        const row = (first + i) * size + first;
        part.set(of.subarray(row, row + width), i * width);
      }
    else part.set(of.subarray(from, from + width * width));
    from += width * width;
    first += width;
    return part;
  });
}

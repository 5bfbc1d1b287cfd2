import { type Box, boxInCell, gridCells } from '../attribution/detector-grid.ts';

/**
 * Reads boxes off the raw rows of a detector's grid, see {@link boxInCell}. Undefined where the rows are not those of a
 * grid over an input of this size.
 */
export function boxReader(
  strides: readonly number[],
  size: readonly [number, number],
  anchors: number,
): ((anchor: number, row: ArrayLike<number>) => Box) | undefined {
  const cells = gridCells(strides, size);
  return cells.length === anchors ? (anchor, row) => boxInCell(cells[anchor], row) : undefined;
}

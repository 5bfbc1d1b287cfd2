import { type Box, boxInCell, gridCells } from '../attribution/detector-grid.ts';
import { type GridTransform, toSource } from '../data/inputs/grid.ts';

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

/** A box on an image over which the model's grid lies, cut to the image. */
export function boxOnImage([left, top, right, bottom]: Box, transform: GridTransform): Box {
  const [height, width] = transform.source;
  const [y0, x0] = toSource(transform, [top, left]);
  const [y1, x1] = toSource(transform, [bottom, right]);
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
}

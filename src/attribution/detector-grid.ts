/** Left, top, right, bottom, in pixels of the model's input. */
export type Box = readonly [number, number, number, number];

/** A cell of a detector's grid: its column and row, and its side in pixels. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly stride: number;
}

/** The cells of a detector's grids over an input, stride by stride and row by row, as the rows of its output follow. */
export function gridCells(strides: readonly number[], [height, width]: readonly [number, number]): Cell[] {
  return strides.flatMap((stride) => {
    const [rows, columns] = [Math.floor(height / stride), Math.floor(width / stride)];
    return Array.from({ length: rows * columns }, (_, i) => ({ x: i % columns, y: Math.floor(i / columns), stride }));
  });
}

/**
 * The box of a raw row [x, y, w, h, …] of a cell: centre `(cell + (x, y)) · stride`, size `exp (w, h) · stride`.
 * @source Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430
 */
export function boxInCell({ x, y, stride }: Cell, row: ArrayLike<number>): Box {
  return centredBox([
    (x + row[0]) * stride,
    (y + row[1]) * stride,
    Math.exp(row[2]) * stride,
    Math.exp(row[3]) * stride,
  ]);
}

/** The box of a centre and a size [x, y, w, h]. */
export function centredBox([x, y, w, h]: readonly [number, number, number, number]): Box {
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

/** Area that two boxes share, as a part of what they cover together: 1 for equal ones, 0 for apart ones. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

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

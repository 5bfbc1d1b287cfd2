import { type GridTransform, toSource } from '../data/grid.ts';

/** Left, top, right, bottom, in pixels of the model's input. */
export type Box = readonly [number, number, number, number];

/**
 * Reads boxes off the raw rows of a detector's grid: centre and size relative to the cell, the size as a logarithm
 * (YOLOX). Undefined where the rows are not those of a grid over an input of this size.
 */
export function boxReader(
  strides: readonly number[],
  [height, width]: readonly [number, number],
  anchors: number,
): ((anchor: number, row: ArrayLike<number>) => Box) | undefined {
  const cells = strides.flatMap((stride) => {
    const columns = Math.floor(width / stride);
    return Array.from({ length: Math.floor(height / stride) * columns }, (_, i) => ({
      x: i % columns,
      y: Math.floor(i / columns),
      stride,
    }));
  });
  if (cells.length !== anchors) return undefined;
  return (anchor, row) => {
    const { x, y, stride } = cells[anchor];
    const [centreX, centreY] = [(x + row[0]) * stride, (y + row[1]) * stride];
    const [halfWidth, halfHeight] = [(Math.exp(row[2]) * stride) / 2, (Math.exp(row[3]) * stride) / 2];
    return [centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight];
  };
}

/** A box on a picture over which the model's grid lies, cut to the picture. */
export function boxOnPicture([left, top, right, bottom]: Box, transform: GridTransform): Box {
  const [height, width] = transform.source;
  const [y0, x0] = toSource(transform, [top, left]);
  const [y1, x1] = toSource(transform, [bottom, right]);
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
}

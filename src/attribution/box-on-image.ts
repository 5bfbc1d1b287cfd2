import { type GridTransform, toSource } from '../data/inputs/grid.ts';
import type { Box } from './detector-grid.ts';

/** A box on an image over which the model's grid lies, cut to the image. */
export function boxOnImage([left, top, right, bottom]: Box, transform: GridTransform): Box {
  const [height, width] = transform.source;
  const [y0, x0] = toSource(transform, [top, left]);
  const [y1, x1] = toSource(transform, [bottom, right]);
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
}

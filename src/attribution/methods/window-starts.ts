import { minOf } from '../../tensor/extremes.ts';

/** Rows and columns of a window, and the distance between two; see the parameters of occlusion for the defaults. */
export interface WindowSizes {
  readonly window?: number;
  readonly stride?: number;
}

/** Where windows begin along each axis of space; the last one ends at the border. */
export function windowStarts(sides: readonly number[], options: WindowSizes) {
  const window = options.window ?? Math.max(1, Math.ceil(minOf(sides) / 8));
  const stride = options.stride ?? Math.max(1, Math.ceil(window / 2));
  const starts = sides.map((side) => {
    const last = Math.max(0, side - window);
    return [...Array.from({ length: Math.ceil(last / stride) }, (_, i) => i * stride), last];
  });
  return { window, stride, starts };
}

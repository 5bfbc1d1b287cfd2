import { WhereforeError } from '../../errors.ts';
import { float32, formatShape, type Tensor } from '../../tensor/tensor.ts';

/**
 * How the model's pixel grid lies over a source image, per axis [vertical, horizontal]:
 * `grid = offset + scale · source`, in continuous coordinates where pixel i covers [i, i + 1).
 * Plain data, so that a saved explanation can be drawn over its image again.
 */
export interface GridTransform {
  /** Height and width of the source image. */
  readonly source: readonly [number, number];
  /** Height and width of the grid. */
  readonly grid: readonly [number, number];
  /** Grid pixels per source pixel. */
  readonly scale: readonly [number, number];
  /** Grid position of the image's top left corner: positive with padding, negative where it is cut. */
  readonly offset: readonly [number, number];
}

/** A point [y, x] of the grid in source pixels. */
export function toSource({ scale, offset }: GridTransform, [y, x]: readonly [number, number]): [number, number] {
  return [(y - offset[0]) / scale[0], (x - offset[1]) / scale[1]];
}

/** A point [y, x] of the source image in grid pixels. */
export function toGrid({ scale, offset }: GridTransform, [y, x]: readonly [number, number]): [number, number] {
  return [offset[0] + scale[0] * y, offset[1] + scale[1] * x];
}

/** The same transform for a coarser (or finer) map over the same view, e.g. a layer's 14×14. */
export function transformForGrid(transform: GridTransform, grid: readonly [number, number]): GridTransform {
  const factor = [grid[0] / transform.grid[0], grid[1] / transform.grid[1]] as const;
  return {
    source: transform.source,
    grid,
    scale: [transform.scale[0] * factor[0], transform.scale[1] * factor[1]],
    offset: [transform.offset[0] * factor[0], transform.offset[1] * factor[1]],
  };
}

/**
 * A map of shares (height × width, float32) laid over the source image: every grid pixel's value is spread evenly
 * over the source area that it covers, so that sums are kept: Σ values + outside = Σ map. Source pixels that the
 * model did not see get 0.
 * @returns `outside`: what fell on padding.
 * @throws WhereforeError `wrong-shape` when the map is not of the transform's grid.
 */
export function mapToSource(
  map: Tensor<'float32'>,
  transform: GridTransform,
): { values: Tensor<'float32'>; outside: number } {
  const [height, width] = transform.grid;
  if (map.shape.length !== 2 || map.shape[0] !== height || map.shape[1] !== width) {
    throw new WhereforeError('wrong-shape', 'the map does not lie on this grid', {
      got: formatShape(map.shape),
      expected: formatShape(transform.grid),
      fix: 'make the transform for this grid with transformForGrid',
    });
  }
  const [h, w] = transform.source;
  const rows = overlaps(h, height, transform.scale[0], transform.offset[0]);
  const columns = overlaps(w, width, transform.scale[1], transform.offset[1]);
  // First along x, then along y: the weight of a pixel pair is the product of its weights along the axes.
  const wide = new Float64Array(height * w);
  for (let y = 0; y < height; y++) {
    for (const { source, grid, share } of columns) wide[y * w + source] += share * map.data[y * width + grid];
  }
  const values = new Float64Array(h * w);
  for (const { source, grid, share } of rows) {
    for (let x = 0; x < w; x++) values[source * w + x] += share * wide[grid * w + x];
  }
  let outside = 0;
  for (const value of map.data) outside += value;
  for (const value of values) outside -= value;
  return { values: float32([h, w], values), outside };
}

interface Overlap {
  readonly source: number;
  readonly grid: number;
  /** Part of the grid pixel that lies in the source pixel. */
  readonly share: number;
}

function overlaps(sources: number, grids: number, scale: number, offset: number): Overlap[] {
  const result: Overlap[] = [];
  for (let source = 0; source < sources; source++) {
    const begin = Math.max(0, offset + scale * source);
    const end = Math.min(grids, offset + scale * (source + 1));
    for (let grid = Math.floor(begin); grid < end; grid++) {
      const share = Math.min(end, grid + 1) - Math.max(begin, grid);
      if (share > 0) result.push({ source, grid, share });
    }
  }
  return result;
}

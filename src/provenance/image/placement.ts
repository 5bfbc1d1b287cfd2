import { patternCount } from './pattern-count.ts';
import { mirroredPlanes, type Planes, type ThumbnailLevels, thumbnailLevels } from './thumbnail.ts';

/** How a whole image lies in another one: `other = size · own + offset` in each direction, in parts of the sides. */
export interface Placement {
  readonly mirrored: boolean;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  /** Correlation in Oklab of what both show there, each plane less its mean. */
  readonly correlation: number;
  /**
   * `artanh(correlation) · √n`, n the patterns that the traced image is made of: light that falls from one side is a single
   * one, and correlates with all light from there.
   */
  readonly evidence: number;
}

/** A traced image, ready to be placed in many others. */
export interface PlacedImage {
  readonly views: readonly PlacedView[];
  /** See `patternCount`. */
  readonly patterns: number;
}

/** One way round of it, and points of the whole, which most windows are compared with. */
interface PlacedView {
  readonly levels: ThumbnailLevels;
  readonly rough: Centred;
}

/** Numbers of n × n points of three planes, each plane less its mean, and the sum of their squares. */
interface Centred {
  readonly values: Float64Array;
  readonly squares: number;
}

type Window = readonly [width: number, height: number, left: number, top: number];

/** Points along each side of what both images show, at which they are compared: first roughly, then closely. */
const roughly = 6;
const closely = 12;
/** Rough places that are looked at closely. */
const mostPlaces = 2;
/** Beyond it, what is measured is how thumbnails are rounded. */
const mostCorrelation = 0.999;
/** Variance of a plane's numbers that noise alone has: below it, nothing is there to correlate. */
const noise = 0.004 ** 2;

/** Sides of the part that is searched for, in parts of the image's; 1 / side where the image lies in the traced one. */
const sides = [1, 0.9, 0.8, 0.7, 0.6, 0.5] as const;
const framedSides = [0.9, 0.8] as const;
/** Parts are a tenth of the side apart. */
const apart = 0.1;

const windows = everyWindow();

function everyWindow(): Window[] {
  const places = (side: number) => {
    const steps = Math.round((1 - side) / apart);
    return Array.from({ length: steps + 1 }, (_, i) => (steps ? ((1 - side) * i) / steps : 0));
  };
  const inside = sides.flatMap((side) =>
    places(side).flatMap((left) => places(side).map((top): Window => [side, side, left, top])),
  );
  const around = framedSides.flatMap((side) =>
    places(side).flatMap((left) => places(side).map((top): Window => [1 / side, 1 / side, -left / side, -top / side])),
  );
  return [...inside, ...around];
}

export function placedImage(thumbnail: Uint8Array): PlacedImage {
  const levels = thumbnailLevels(thumbnail);
  const [fine, half, least] = levels;
  const turned = [mirroredPlanes(fine), mirroredPlanes(half), mirroredPlanes(least)] as const;
  const whole = [0, 0, 1 / roughly, 1 / roughly] as const;
  const views = [levels, turned].map((own) => ({ levels: own, rough: centred(own[2], whole, roughly) }));
  return { views, patterns: patternCount(half) };
}

/**
 * Where an image, whole or cut, lies in another one: the window in which their correlation is largest, by trying parts of
 * half the side and more everywhere, either way round, and moving the best ones in ever smaller steps.
 */
export function placeIn(own: PlacedImage, thumbnail: Uint8Array): Placement {
  const other = thumbnailLevels(thumbnail);
  const rough: { window: Window; view: number; correlation: number }[] = [];
  for (const [view, { levels, rough: whole }] of own.views.entries())
    for (const window of windows) {
      const isInside = window[0] <= 1;
      const correlation = correlationAt(levels[2], other[2], window, roughly, isInside ? whole : undefined);
      if (rough.length === mostPlaces && correlation <= rough[mostPlaces - 1].correlation) continue;
      rough.push({ window, view, correlation });
      rough.sort((a, b) => b.correlation - a.correlation);
      if (rough.length > mostPlaces) rough.pop();
    }
  const [first, ...others] = rough.map(({ window, view }) => {
    const { correlation, window: found } = refined(own.views[view].levels[1], other[1], window);
    return { view, correlation, found };
  });
  const { view, correlation, found } = others.reduce(
    (best, one) => (one.correlation > best.correlation ? one : best),
    first,
  );
  const [width, height, left, top] = found;
  const evidence = Math.atanh(Math.min(mostCorrelation, correlation)) * Math.sqrt(own.patterns);
  return { mirrored: view === 1, width, height, left, top, correlation, evidence };
}

/** Moves a window in ever smaller steps wherever that makes it better. */
function refined(own: Planes, other: Planes, start: Window) {
  let [window, correlation] = [start, correlationAt(own, other, start, closely)];
  for (let step = apart / 2; step > 0.006; step /= 2) {
    for (const moved of movedWindows(window, step)) {
      const found = correlationAt(own, other, moved, closely);
      if (found > correlation) [window, correlation] = [moved, found];
    }
  }
  return { window, correlation };
}

/** Shifted, enlarged about the centre, and stretched. */
function movedWindows([width, height, left, top]: Window, step: number): Window[] {
  const half = step / 2;
  return [
    [width, height, left + half, top],
    [width, height, left - half, top],
    [width, height, left, top + half],
    [width, height, left, top - half],
    [width + step, height + step, left - half, top - half],
    [width - step, height - step, left + half, top + half],
    [width + step, height, left - half, top],
    [width - step, height, left + half, top],
  ];
}

/** The correlation of what two images show in common, by n × n points of it. */
function correlationAt(own: Planes, other: Planes, window: Window, n: number, whole?: Centred): number {
  const [width, height, left, top] = window;
  // In parts of the traced image: where the other one begins and ends there.
  const [x0, x1] = [Math.max(0, -left / width), Math.min(1, (1 - left) / width)];
  const [y0, y1] = [Math.max(0, -top / height), Math.min(1, (1 - top) / height)];
  const [dx, dy] = [(x1 - x0) / n, (y1 - y0) / n];
  const a = whole ?? centred(own, [x0, y0, dx, dy], n);
  const b = centred(other, [left + width * x0, top + height * y0, width * dx, height * dy], n);
  let both = 0;
  for (let i = 0; i < a.values.length; i++) both += a.values[i] * b.values[i];
  const silence = a.values.length * noise;
  return both / Math.sqrt((a.squares + silence) * (b.squares + silence));
}

/** n × n points, the first half a step from (x, y), between pixels by their distance; beyond the edge as at it. */
function centred(
  { side, data }: Planes,
  [x, y, dx, dy]: readonly [x: number, y: number, dx: number, dy: number],
  n: number,
): Centred {
  const [size, last, count] = [side * side, side - 1, n * n];
  const values = new Float64Array(3 * count);
  let at = 0;
  for (let j = 0; j < n; j++) {
    const py = Math.max(0, Math.min(last, (y + (j + 0.5) * dy) * side - 0.5));
    const row = Math.min(last - 1, Math.floor(py));
    const fy = py - row;
    for (let i = 0; i < n; i++, at++) {
      const px = Math.max(0, Math.min(last, (x + (i + 0.5) * dx) * side - 0.5));
      const column = Math.min(last - 1, Math.floor(px));
      const fx = px - column;
      for (let plane = 0, from = row * side + column; plane < 3; plane++, from += size) {
        const above = data[from] + fx * (data[from + 1] - data[from]);
        const below = data[from + side] + fx * (data[from + side + 1] - data[from + side]);
        values[at + plane * count] = above + fy * (below - above);
      }
    }
  }
  let squares = 0;
  for (let plane = 0; plane < 3; plane++) {
    let sum = 0;
    for (let i = plane * count; i < (plane + 1) * count; i++) sum += values[i];
    for (let i = plane * count; i < (plane + 1) * count; i++) {
      values[i] -= sum / count;
      squares += values[i] * values[i];
    }
  }
  return { values, squares };
}

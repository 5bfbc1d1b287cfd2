import type { PointPair } from './keypoint-search.ts';

/** How an image lies in another one: `own = factor · other + offset` in each direction, in parts of the longer sides. */
export interface Alignment {
  readonly factor: number;
  readonly offset: readonly [number, number];
  /** Σ of the weights of the pairs that agree, each point counted once. */
  readonly weight: number;
  /** The pairs that agree, by their places in the list. */
  readonly agreeing: readonly number[];
}

/** How far a point may lie from where it should, in parts of the traced image's longer side. */
const tolerance = 0.03;
/** By how much the ratio of scales of a pair may differ from the factor. */
const scaleTolerance = Math.log(1.6);
/** Pairs that agree at least: a pose is fixed by one, so one more is the first that says something. */
const leastPairs = 3;

/**
 * The enlargement and shift on which most of the weight of some pairs agrees; undefined where fewer than three do. Points
 * have no direction of their own, so each pair alone fixes a pose; the best is refined by least squares.
 * @param own x, y, σ of the points of the traced image
 * @param other x, y, σ of those of the other image
 */
export function align(pairs: readonly PointPair[], own: Float32Array, other: Float32Array): Alignment | undefined {
  const placed = placedPairs(pairs, own, other);
  const { x, y, scale, otherX, otherY, otherScale } = placed;
  let [best, pose]: [number, Pose | undefined] = [0, undefined];
  for (const at of heaviest(pairs)) {
    const factor = Math.exp(scale[at] - otherScale[at]);
    const offset = [x[at] - factor * otherX[at], y[at] - factor * otherY[at]] as const;
    // The scale of one point is rough, and the further away another one lies, the more that matters.
    const tried: Pose = { factor, offset, centre: [x[at], y[at]], loose: 0.25 };
    const weight = agreeing(placed, tried);
    if (weight > best) [best, pose] = [weight, tried];
  }
  if (!pose) return undefined;
  let found = agreement(placed, pose);
  for (let round = 0; round < 3; round++) {
    if (found.agreeing.length < leastPairs) return undefined;
    const fitted = leastSquares(
      found.agreeing.map((at) => pairs[at]),
      own,
      other,
    );
    if (!fitted) return undefined;
    found = agreement(placed, { ...fitted, centre: [0, 0], loose: 0 });
  }
  return found.agreeing.length >= leastPairs ? found : undefined;
}

/** Pairs whose poses are tried, those that say most: where one image shows a pattern many times, pairs are thousands. */
const mostPoses = 60;

function heaviest(pairs: readonly PointPair[]): number[] {
  const order = Array.from(pairs.keys());
  if (pairs.length <= mostPoses) return order;
  return order.sort((a, b) => pairs[b].weight - pairs[a].weight || a - b).slice(0, mostPoses);
}

interface Pose {
  readonly factor: number;
  readonly offset: readonly [number, number];
  /** Where the pose is exact, and how much further a point may lie off for each part of distance from there. */
  readonly centre: readonly [number, number];
  readonly loose: number;
}

/** Pairs by columns, as every pair is tried against all the others; scales as logarithms. */
interface PlacedPairs {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly scale: Float64Array;
  readonly otherX: Float64Array;
  readonly otherY: Float64Array;
  readonly otherScale: Float64Array;
  readonly weight: Float64Array;
  /** The point of the other image, and when it was last counted. */
  readonly other: Uint32Array;
  readonly counted: Uint32Array;
}

function placedPairs(pairs: readonly PointPair[], own: Float32Array, other: Float32Array): PlacedPairs {
  const column = (of: (pair: PointPair) => number) => {
    const values = new Float64Array(pairs.length);
    for (const [at, pair] of pairs.entries()) values[at] = of(pair);
    return values;
  };
  const points = new Uint32Array(pairs.length);
  for (const [at, pair] of pairs.entries()) points[at] = pair.other;
  return {
    x: column((pair) => own[3 * pair.own]),
    y: column((pair) => own[3 * pair.own + 1]),
    scale: column((pair) => Math.log(own[3 * pair.own + 2])),
    otherX: column((pair) => other[3 * pair.other]),
    otherY: column((pair) => other[3 * pair.other + 1]),
    otherScale: column((pair) => Math.log(other[3 * pair.other + 2])),
    weight: column(({ weight }) => weight),
    other: points,
    counted: new Uint32Array(other.length / 3),
  };
}

/** The weight of the pairs that agree on a pose; `use` is called with each of them. */
function agreeing(pairs: PlacedPairs, pose: Pose, use?: (at: number) => void): number {
  const { x, y, scale, otherX, otherY, otherScale, weight, other, counted } = pairs;
  const { factor, offset, centre, loose } = pose;
  const enlarged = Math.log(factor);
  counted.fill(0);
  let sum = 0;
  for (let at = 0; at < x.length; at++) {
    if (Math.abs(scale[at] - otherScale[at] - enlarged) > scaleTolerance) continue;
    const dx = factor * otherX[at] + offset[0] - x[at];
    const dy = factor * otherY[at] + offset[1] - y[at];
    const away = loose === 0 ? 0 : Math.sqrt((x[at] - centre[0]) ** 2 + (y[at] - centre[1]) ** 2);
    if (dx * dx + dy * dy > (tolerance + loose * away) ** 2) continue;
    // A point of the other image that several points look like counts once.
    if (counted[other[at]] === 1) continue;
    counted[other[at]] = 1;
    sum += weight[at];
    use?.(at);
  }
  return sum;
}

function agreement(pairs: PlacedPairs, pose: Pose): Alignment {
  const found: number[] = [];
  const weight = agreeing(pairs, pose, (at) => found.push(at));
  return { factor: pose.factor, offset: pose.offset, weight, agreeing: found };
}

/** Factor and offset with the least sum of squared distances, weighted. */
function leastSquares(
  pairs: readonly PointPair[],
  own: Float32Array,
  other: Float32Array,
): Pick<Alignment, 'factor' | 'offset'> | undefined {
  let [sum, ox, oy, px, py] = [0, 0, 0, 0, 0];
  for (const { own: i, other: j, weight } of pairs) {
    sum += weight;
    ox += weight * own[3 * i];
    oy += weight * own[3 * i + 1];
    px += weight * other[3 * j];
    py += weight * other[3 * j + 1];
  }
  [ox, oy, px, py] = [ox / sum, oy / sum, px / sum, py / sum];
  let [both, squares] = [0, 0];
  for (const { own: i, other: j, weight } of pairs) {
    const [x, y] = [other[3 * j] - px, other[3 * j + 1] - py];
    both += weight * (x * (own[3 * i] - ox) + y * (own[3 * i + 1] - oy));
    squares += weight * (x * x + y * y);
  }
  const factor = both / squares;
  return factor > 0 && Number.isFinite(factor) ? { factor, offset: [ox - factor * px, oy - factor * py] } : undefined;
}

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
  let best: Alignment | undefined;
  for (const pair of pairs) {
    const [i, j] = [3 * pair.own, 3 * pair.other];
    const factor = own[i + 2] / other[j + 2];
    const offset = [own[i] - factor * other[j], own[i + 1] - factor * other[j + 1]] as const;
    // The scale of one point is rough, and the further away another one lies, the more that matters.
    const found = agreeing(pairs, own, other, { factor, offset, centre: [own[i], own[i + 1]], loose: 0.25 });
    if (found.weight > (best?.weight ?? 0)) best = found;
  }
  for (let round = 0; best && round < 3; round++) {
    if (best.agreeing.length < leastPairs) return undefined;
    const fitted = leastSquares(
      best.agreeing.map((at) => pairs[at]),
      own,
      other,
    );
    if (!fitted) return undefined;
    best = agreeing(pairs, own, other, { ...fitted, centre: [0, 0], loose: 0 });
  }
  return best && best.agreeing.length >= leastPairs ? best : undefined;
}

interface Pose {
  readonly factor: number;
  readonly offset: readonly [number, number];
  /** Where the pose is exact, and how much further a point may lie off for each part of distance from there. */
  readonly centre: readonly [number, number];
  readonly loose: number;
}

function agreeing(pairs: readonly PointPair[], own: Float32Array, other: Float32Array, pose: Pose): Alignment {
  const { factor, offset, centre, loose } = pose;
  const agreeing: number[] = [];
  const taken = new Set<number>();
  let weight = 0;
  for (const [at, pair] of pairs.entries()) {
    const [i, j] = [3 * pair.own, 3 * pair.other];
    const dx = factor * other[j] + offset[0] - own[i];
    const dy = factor * other[j + 1] + offset[1] - own[i + 1];
    const away = loose === 0 ? 0 : Math.hypot(own[i] - centre[0], own[i + 1] - centre[1]);
    if (Math.hypot(dx, dy) > tolerance + loose * away) continue;
    if (Math.abs(Math.log(own[i + 2] / (other[j + 2] * factor))) > scaleTolerance) continue;
    // A point of the other image that several points look like counts once.
    if (taken.has(pair.other)) continue;
    taken.add(pair.other);
    agreeing.push(at);
    weight += pair.weight;
  }
  return { factor, offset, weight, agreeing };
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

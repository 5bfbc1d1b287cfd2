import { WhereforeError } from '../errors.ts';

/** A regular grid of one or two axes whose neighbouring places resemble each other. */
export type Grid = readonly number[];

/** Weights of neighbours: beside 1/6, diagonal 1/12 (Rong et al. 2022); along a line ½ each. */
const beside = 2;
const diagonal = 1;

const directions: readonly (readonly [number, number, number])[] = [
  [-1, 0, beside],
  [1, 0, beside],
  [0, -1, beside],
  [0, 1, beside],
  [-1, -1, diagonal],
  [-1, 1, diagonal],
  [1, -1, diagonal],
  [1, 1, diagonal],
];

/** The sparse symmetric system `Σ_j w_ij (u_i − u_j) = 0` over the unknown places, known neighbours on the right. */
interface System {
  /** Place of each unknown. */
  readonly places: Uint32Array;
  /** Neighbours of unknown i: entries start[i] to start[i + 1]. */
  readonly start: Uint32Array;
  /** Index of the unknown, or −1 − place for a known place. */
  readonly neighbour: Int32Array;
  readonly weight: Float64Array;
  /** Sum of the weights of an unknown's neighbours. */
  readonly diagonal: Float64Array;
}

function systemOf(grid: Grid, known: Uint8Array): System {
  const [height, width] = grid.length === 1 ? [1, grid[0]] : grid;
  const places: number[] = [];
  const indexOf = new Int32Array(known.length).fill(-1);
  known.forEach((isKnown, place) => {
    if (!isKnown) indexOf[place] = places.push(place) - 1;
  });
  const start = new Uint32Array(places.length + 1);
  const neighbour = new Int32Array(places.length * directions.length);
  const weight = new Float64Array(neighbour.length);
  const sums = new Float64Array(places.length);
  let entries = 0;
  places.forEach((place, i) => {
    const [y, x] = [Math.floor(place / width), place % width];
    for (const [dy, dx, strength] of directions) {
      const [row, column] = [y + dy, x + dx];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const other = row * width + column;
      neighbour[entries] = known[other] ? -1 - other : indexOf[other];
      weight[entries++] = strength;
      sums[i] += strength;
    }
    start[i + 1] = entries;
  });
  return { places: Uint32Array.from(places), start, neighbour, weight, diagonal: sums };
}

/**
 * Fills unknown places so that each is the weighted mean of its neighbours: solves the sparse linear system by
 * conjugate gradients with Jacobi's preconditioner, from a coarse-to-fine first guess.
 * @param planes values of several channels, each over the grid; unknown places are overwritten
 * @param known 1 where a place keeps its value
 * @param tolerance largest residual left, as a share of the values' range. Default 0.001, well below the noise that is added
 * @returns iterations taken, the most of any channel
 * @throws WhereforeError `invalid-argument` where nothing is known, or for a grid of other than one or two axes
 */
export function impute(planes: readonly Float64Array[], grid: Grid, known: Uint8Array, tolerance = 1e-3): number {
  if (grid.length > 2 || grid.length === 0) {
    throw new WhereforeError('invalid-argument', 'imputation from neighbours', {
      got: `a grid of ${grid.length} axes`,
      expected: 'one or two',
    });
  }
  if (!known.includes(1))
    throw new WhereforeError('invalid-argument', 'nothing is known to impute from', { fix: 'remove fewer features' });
  const system = systemOf(grid, known);
  if (system.places.length === 0) return 0;
  return planes.reduce(
    (most, plane) => Math.max(most, solve(system, plane, coarseGuess(plane, grid, known), tolerance)),
    0,
  );
}

function solve(
  { places, start, neighbour, weight, diagonal: sums }: System,
  plane: Float64Array,
  guess: Float64Array,
  tolerance: number,
): number {
  const count = places.length;
  const u = Float64Array.from(places, (place) => guess[place]);
  const [residual, direction, product] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    let sum = -sums[i] * u[i];
    for (let e = start[i]; e < start[i + 1]; e++) {
      const j = neighbour[e];
      const value = j < 0 ? plane[-1 - j] : u[j];
      if (j < 0) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      sum += weight[e] * value;
    }
    residual[i] = sum;
  }
  // By the maximum principle every unknown lies between its known neighbours: their range is the scale.
  const limit =
    tolerance * Math.max(most - least, Number.EPSILON * Math.max(Math.abs(most), Math.abs(least), Number.MIN_VALUE));
  let rho = 0;
  for (let i = 0; i < count; i++) {
    direction[i] = residual[i] / sums[i];
    rho += residual[i] * direction[i];
  }
  let iterations = 0;
  while (iterations < 2000 && largest(residual, sums) > limit) {
    let curvature = 0;
    for (let i = 0; i < count; i++) {
      let sum = sums[i] * direction[i];
      for (let e = start[i]; e < start[i + 1]; e++) if (neighbour[e] >= 0) sum -= weight[e] * direction[neighbour[e]];
      product[i] = sum;
      curvature += sum * direction[i];
    }
    if (curvature <= 0) break;
    const step = rho / curvature;
    let next = 0;
    for (let i = 0; i < count; i++) {
      u[i] += step * direction[i];
      residual[i] -= step * product[i];
      next += (residual[i] * residual[i]) / sums[i];
    }
    const ratio = next / rho;
    for (let i = 0; i < count; i++) direction[i] = residual[i] / sums[i] + ratio * direction[i];
    rho = next;
    iterations++;
  }
  for (let i = 0; i < count; i++) plane[places[i]] = u[i];
  return iterations;
}

function largest(residual: Float64Array, sums: Float64Array): number {
  let most = 0;
  for (let i = 0; i < residual.length; i++) most = Math.max(most, Math.abs(residual[i] / sums[i]));
  return most;
}

/** Means of the known values in cells that double in size, until every place has one: near enough to start from. */
function coarseGuess(plane: Float64Array, grid: Grid, known: Uint8Array): Float64Array {
  const [height, width] = grid.length === 1 ? [1, grid[0]] : grid;
  const guess = plane.slice();
  const open = new Set<number>();
  known.forEach((isKnown, place) => {
    if (!isKnown) open.add(place);
  });
  for (let cell = 2; open.size > 0; cell *= 2) {
    const columns = Math.ceil(width / cell);
    const sums = new Float64Array(columns * Math.ceil(height / cell));
    const counts = new Uint32Array(sums.length);
    const cellOf = (place: number) =>
      Math.floor(Math.floor(place / width) / cell) * columns + Math.floor((place % width) / cell);
    known.forEach((isKnown, place) => {
      if (!isKnown) return;
      sums[cellOf(place)] += plane[place];
      counts[cellOf(place)]++;
    });
    for (const place of open) {
      const at = cellOf(place);
      if (counts[at] === 0) continue;
      guess[place] = sums[at] / counts[at];
      open.delete(place);
    }
  }
  return guess;
}

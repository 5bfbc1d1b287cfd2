import { WhereforeError } from '../errors.ts';

/** A regular grid of one or two axes whose neighbouring positions resemble each other. */
export type Grid = readonly number[];

/** Weights of neighbours: beside 1/6, diagonal 1/12 (Rong et al. 2022); along a line ½ each. */
const beside = 2;
const diagonal = 1;

/**
 * The symmetric system `Σ_j w_ij (u_i − u_j) = 0` over the unknown positions. Planes have a frame of one place around
 * them, so that every position has eight neighbours at fixed distances; those outside hold 0 and weigh nothing.
 */
interface System {
  /** Width of a framed plane. */
  readonly stride: number;
  /** Framed index of each position of the grid. */
  readonly framed: Uint32Array;
  /** Unknown positions, and the same in a framed plane. */
  readonly positions: Uint32Array;
  readonly at: Uint32Array;
  /** Sum of the weights of an unknown's neighbours. */
  readonly sums: Float64Array;
}

function sizesOf(grid: Grid): readonly [height: number, width: number] {
  return grid.length === 1 ? [1, grid[0]] : [grid[0], grid[1]];
}

function systemOf(grid: Grid, known: Uint8Array): System {
  const [height, width] = sizesOf(grid);
  const stride = width + 2;
  const framed = new Uint32Array(known.length);
  const inside = new Float64Array((height + 2) * stride);
  let count = 0;
  for (let place = 0, row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, place++) {
      framed[place] = (row + 1) * stride + column + 1;
      inside[framed[place]] = 1;
      if (!known[place]) count++;
    }
  }
  const [positions, at, sums] = [new Uint32Array(count), new Uint32Array(count), new Float64Array(count)];
  for (let place = 0, i = 0; place < known.length; place++) {
    if (known[place]) continue;
    positions[i] = place;
    at[i] = framed[place];
    sums[i] = aroundOf(inside, at[i], stride);
    i++;
  }
  return { stride, framed, positions, at, sums };
}

/** `Σ_j w_j v_j` over the neighbours of a place. */
function aroundOf(plane: Float64Array, at: number, stride: number): number {
  const [above, below] = [at - stride, at + stride];
  return (
    beside * (plane[at - 1] + plane[at + 1] + plane[above] + plane[below]) +
    diagonal * (plane[above - 1] + plane[above + 1] + plane[below - 1] + plane[below + 1])
  );
}

/**
 * Fills unknown positions so that each is the weighted mean of its neighbours: solves the sparse linear system by
 * conjugate gradients with Jacobi's preconditioner, from a coarse-to-fine first guess.
 * @param planes values of several channels, each over the grid; unknown positions are overwritten
 * @param known 1 where a place keeps its value
 * @param tolerance largest residual left, as a share of the values' range. Default 0.001, well below the noise that is added
 * @returns iterations taken, the most of any channel
 * @throws WhereforeError `invalid-argument` where nothing is known, for a grid of other than one or two axes, or where the
 *   tolerance is not reached
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
  if (system.positions.length === 0) return 0;
  let most = 0;
  for (const plane of planes)
    most = Math.max(most, solve(system, plane, coarseGuess(plane, grid, known, system.positions), tolerance));
  return most;
}

function solve(system: System, plane: Float64Array, guess: Float64Array, tolerance: number): number {
  const { stride, positions, at, sums } = system;
  const count = positions.length;
  const u = new Float64Array(count);
  const [residual, product] = [new Float64Array(count), new Float64Array(count)];
  const values = framedPlane(system, guess);
  for (let i = 0; i < count; i++) {
    u[i] = guess[positions[i]];
    residual[i] = aroundOf(values, at[i], stride) - sums[i] * u[i];
  }
  const limit = tolerance * scaleOf(system, plane);
  // 0 at known positions, which do not move.
  const direction = new Float64Array(values.length);
  let [rho, largest] = [0, 0];
  for (let i = 0; i < count; i++) {
    const preconditioned = residual[i] / sums[i];
    direction[at[i]] = preconditioned;
    rho += residual[i] * preconditioned;
    largest = Math.max(largest, Math.abs(preconditioned));
  }
  let iterations = 0;
  // In exact arithmetic as many iterations as unknowns suffice; rounding may take some more.
  const most = 2 * count + 100;
  while (iterations < most && largest > limit) {
    let curvature = 0;
    for (let i = 0; i < count; i++) {
      const own = direction[at[i]];
      product[i] = sums[i] * own - aroundOf(direction, at[i], stride);
      curvature += product[i] * own;
    }
    if (curvature <= 0) break;
    const step = rho / curvature;
    let next = 0;
    largest = 0;
    for (let i = 0; i < count; i++) {
      u[i] += step * direction[at[i]];
      residual[i] -= step * product[i];
      const preconditioned = residual[i] / sums[i];
      next += residual[i] * preconditioned;
      largest = Math.max(largest, Math.abs(preconditioned));
    }
    const ratio = next / rho;
    for (let i = 0; i < count; i++) direction[at[i]] = residual[i] / sums[i] + ratio * direction[at[i]];
    rho = next;
    iterations++;
  }
  if (!(largest <= limit)) {
    throw new WhereforeError('invalid-argument', 'imputation from neighbours did not converge', {
      got: `a residual of ${largest.toPrecision(3)} after ${iterations} iterations`,
      expected: `at most ${limit.toPrecision(3)}`,
      fix: 'remove fewer features, or leave ROAD out',
    });
  }
  for (let i = 0; i < count; i++) plane[positions[i]] = u[i];
  return iterations;
}

function framedPlane({ framed, stride }: System, plane: Float64Array): Float64Array {
  const values = new Float64Array(framed[framed.length - 1] + stride + 2);
  for (let place = 0; place < plane.length; place++) values[framed[place]] = plane[place];
  return values;
}

/** By the maximum principle every unknown lies between the known positions: their range is the scale. */
function scaleOf({ positions }: System, plane: Float64Array): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let place = 0, i = 0; place < plane.length; place++) {
    if (i < positions.length && positions[i] === place) {
      i++;
      continue;
    }
    least = Math.min(least, plane[place]);
    most = Math.max(most, plane[place]);
  }
  return Math.max(most - least, Number.EPSILON * Math.max(Math.abs(most), Math.abs(least), Number.MIN_VALUE));
}

/** Means of the known values in cells that double in size, until every position has one: near enough to start from. */
function coarseGuess(plane: Float64Array, grid: Grid, known: Uint8Array, positions: Uint32Array): Float64Array {
  const [height, width] = sizesOf(grid);
  const guess = plane.slice();
  let [rows, columns] = [height, width];
  let sums: Float64Array = plane.map((value, place) => (known[place] ? value : 0));
  let counts: Float64Array = Float64Array.from(known);
  let open = positions.slice();
  for (let cell = 2; open.length > 0; cell *= 2) {
    [sums, counts] = [pooled(sums, rows, columns), pooled(counts, rows, columns)];
    [rows, columns] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
    let left = 0;
    for (let i = 0; i < open.length; i++) {
      const place = open[i];
      const row = Math.floor(place / width);
      const own = Math.floor(row / cell) * columns + Math.floor((place - row * width) / cell);
      if (counts[own] > 0) guess[place] = sums[own] / counts[own];
      else open[left++] = place;
    }
    open = open.subarray(0, left);
  }
  return guess;
}

/** Sums over cells of 2 × 2. */
function pooled(plane: Float64Array, rows: number, columns: number): Float64Array {
  const width = Math.ceil(columns / 2);
  const sums = new Float64Array(Math.ceil(rows / 2) * width);
  for (let row = 0, place = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, place++) sums[(row >> 1) * width + (column >> 1)] += plane[place];
  }
  return sums;
}

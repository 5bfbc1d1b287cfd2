import type { Random } from '../../tensor/random.ts';
import type { Coalitions } from './game.ts';

/** Coalitions with the weight of each in a least-squares fit. */
export interface WeightedCoalitions {
  readonly coalitions: Coalitions;
  readonly weights: Float64Array;
}

/** `n choose k`. */
export function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i;
  return Math.round(result);
}

/** Every subset of the players, in the order of its bits: row k holds player p when bit p of k is set. */
export function allCoalitions(players: number): Coalitions {
  const count = 2 ** players;
  const result = new Uint8Array(count * players);
  for (let k = 0; k < count; k++) for (let p = 0; p < players; p++) result[k * players + p] = (k >> p) & 1;
  return result;
}

/** The Shapley kernel `(M − 1) / (C(M, s) · s · (M − s))` of a coalition of s among M players. */
export function shapleyKernel(players: number, size: number): number {
  return (players - 1) / (binomial(players, size) * size * (players - size));
}

/**
 * Coalitions for a fit with the Shapley kernel: sizes nearest to none and to all are taken whole while the number of
 * samples allows, as they weigh most; the rest is drawn, each with its complement (antithetic), in proportion to the
 * kernel. With at least `2^M − 2` samples it is every coalition, each with its kernel weight.
 * @source Lundberg, Lee 2017; Covert, Lee 2021, arXiv 2012.01536 (paired sampling)
 */
export function kernelCoalitions(players: number, samples: number, source: Random): WeightedCoalitions {
  const rows: Uint8Array[] = [];
  const weights: number[] = [];
  const sizes = Array.from({ length: Math.floor(players / 2) }, (_, i) => i + 1);
  // A pair of sizes s and M − s weighs 1/(s(M − s)) for each of the two.
  const massOf = (size: number) => (size === players - size ? 1 : 2) / (size * (players - size));
  let mass = sizes.reduce((sum, size) => sum + massOf(size), 0);
  let left = samples;
  let next = 0;
  for (; next < sizes.length; next++) {
    const size = sizes[next];
    const isMiddle = size === players - size;
    const count = binomial(players, size) * (isMiddle ? 1 : 2);
    const share = (left * massOf(size)) / mass;
    if (share < count * (1 - 1e-9) && left < count + remaining(players, sizes, next + 1)) break;
    const weight = massOf(size) / count;
    for (const row of subsets(players, size)) {
      rows.push(row);
      weights.push(weight);
      if (isMiddle) continue;
      rows.push(row.map((held) => 1 - held));
      weights.push(weight);
    }
    left -= count;
    mass -= massOf(size);
  }
  const drawn = sizes.slice(next);
  if (drawn.length && left >= 2) drawPairs(players, drawn, Math.floor(left / 2), mass, massOf, source, rows, weights);
  const coalitions = new Uint8Array(rows.length * players);
  for (const [k, row] of rows.entries()) coalitions.set(row, k * players);
  return { coalitions, weights: Float64Array.from(weights) };
}

/** How many coalitions the pairs of sizes from `next` on hold. */
function remaining(players: number, sizes: readonly number[], next: number): number {
  return sizes.slice(next).reduce((sum, size) => sum + binomial(players, size) * (size === players - size ? 1 : 2), 0);
}

function drawPairs(
  players: number,
  sizes: readonly number[],
  pairs: number,
  mass: number,
  massOf: (size: number) => number,
  source: Random,
  rows: Uint8Array[],
  weights: number[],
): void {
  const seen = new Map<string, number>();
  const order = Uint32Array.from({ length: players }, (_, i) => i);
  for (let pair = 0; pair < pairs; pair++) {
    let at = source.uniform() * mass;
    let size = sizes[sizes.length - 1];
    for (const candidate of sizes) {
      at -= massOf(candidate);
      if (at < 0) {
        size = candidate;
        break;
      }
    }
    const row = new Uint8Array(players);
    for (let i = 0; i < size; i++) {
      const j = i + source.integer(players - i);
      [order[i], order[j]] = [order[j], order[i]];
      row[order[i]] = 1;
    }
    for (const one of [row, row.map((held) => 1 - held)]) {
      const key = keyOf(one);
      const known = seen.get(key);
      if (known !== undefined) weights[known] += mass / (2 * pairs);
      else {
        seen.set(key, rows.length);
        rows.push(one);
        weights.push(mass / (2 * pairs));
      }
    }
  }
}

/** A coalition as text, 16 players a character: the same for the same members. */
function keyOf(row: Uint8Array): string {
  let key = '';
  for (let start = 0; start < row.length; start += 16) {
    let code = 0;
    for (let i = start; i < Math.min(row.length, start + 16); i++) code = 2 * code + row[i];
    key += String.fromCharCode(code);
  }
  return key;
}

/** Every subset of `size` players. */
function* subsets(players: number, size: number): Generator<Uint8Array> {
  const chosen = Array.from({ length: size }, (_, i) => i);
  for (;;) {
    const row = new Uint8Array(players);
    for (const player of chosen) row[player] = 1;
    yield row;
    let i = size - 1;
    while (i >= 0 && chosen[i] === players - size + i) i--;
    if (i < 0) return;
    chosen[i]++;
    for (let j = i + 1; j < size; j++) chosen[j] = chosen[j - 1] + 1;
  }
}

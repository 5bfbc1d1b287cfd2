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
  const list = new CoalitionList(players, Math.min(samples, 2 ** players - 2));
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
      list.add(row, weight);
      if (!isMiddle) list.add(complement(row), weight);
    }
    left -= count;
    mass -= massOf(size);
  }
  const drawn = sizes.slice(next);
  if (drawn.length && left >= 2) drawPairs(list, drawn, Math.floor(left / 2), mass, massOf, source);
  return list.finish();
}

/** How many coalitions the pairs of sizes from `next` on hold. */
function remaining(players: number, sizes: readonly number[], next: number): number {
  return sizes.slice(next).reduce((sum, size) => sum + binomial(players, size) * (size === players - size ? 1 : 2), 0);
}

function drawPairs(
  list: CoalitionList,
  sizes: readonly number[],
  pairs: number,
  mass: number,
  massOf: (size: number) => number,
  source: Random,
): void {
  const { players } = list;
  const seen = new Map<string, number>();
  const order = Uint32Array.from({ length: players }, (_, i) => i);
  const weight = mass / (2 * pairs);
  const row = new Uint8Array(players);
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
    row.fill(0);
    for (let i = 0; i < size; i++) {
      const j = i + source.integer(players - i);
      [order[i], order[j]] = [order[j], order[i]];
      row[order[i]] = 1;
    }
    for (let side = 0; side < 2; side++) {
      const key = keyOf(row);
      const known = seen.get(key);
      if (known !== undefined) list.weigh(known, weight);
      else seen.set(key, list.add(row, weight));
      complement(row);
    }
  }
}

/** Coalitions one after the other in one array: thousands of small ones cost more than all that is done with them. */
class CoalitionList {
  readonly players: number;
  readonly #coalitions: Uint8Array;
  readonly #weights: Float64Array;
  #count = 0;

  constructor(players: number, most: number) {
    this.players = players;
    this.#coalitions = new Uint8Array(players * most);
    this.#weights = new Float64Array(most);
  }

  /** Appends a coalition and tells where it is. */
  add(row: Uint8Array, weight: number): number {
    this.#coalitions.set(row, this.#count * this.players);
    this.#weights[this.#count] = weight;
    return this.#count++;
  }

  weigh(index: number, more: number): void {
    this.#weights[index] += more;
  }

  finish(): WeightedCoalitions {
    return {
      coalitions: this.#coalitions.subarray(0, this.#count * this.players),
      weights: this.#weights.subarray(0, this.#count),
    };
  }
}

/** Turns a coalition into the one of all others. */
function complement(row: Uint8Array): Uint8Array {
  for (let i = 0; i < row.length; i++) row[i] = 1 - row[i];
  return row;
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

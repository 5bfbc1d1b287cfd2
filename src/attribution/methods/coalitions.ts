import { filled } from '../../tensor/filled.ts';
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

/** Coalitions with the pairs among them that were drawn at random, the others being all of their size. */
export interface KernelCoalitions extends WeightedCoalitions {
  /** Index of a coalition whose complement follows from {@link complements}, for each pair that was drawn. */
  readonly drawn: Uint32Array;
  readonly complements: Uint32Array;
  /** How often each pair was drawn. */
  readonly times: Uint32Array;
  /** Weight of one draw on each side of its pair. */
  readonly weight: number;
}

/**
 * Coalitions for a fit with the Shapley kernel: sizes nearest to none and to all are taken whole while the number of
 * samples allows, as they weigh most; the rest is drawn, each with its complement (antithetic), in proportion to the
 * kernel. With at least `2^M − 2` samples it is every coalition, each with its kernel weight.
 * @source Lundberg, Lee 2017; Covert, Lee 2021, arXiv 2012.01536 (paired sampling)
 */
export function kernelCoalitions(players: number, samples: number, source: Random): KernelCoalitions {
  return new KernelSampler(players, samples, samples, source).coalitions();
}

/** Draws {@link kernelCoalitions}, and more of them: those drawn before stay, in their places. */
export class KernelSampler {
  readonly #list: CoalitionList;
  readonly #source: Random;
  /** Sizes that are drawn from, and what all coalitions of these sizes weigh together. */
  readonly #sizes: readonly number[];
  readonly #mass: number;
  #pairs = 0;

  /**
   * @param samples how many coalitions there are at first
   * @param most how many there may ever be
   */
  constructor(players: number, samples: number, most: number, source: Random) {
    this.#source = source;
    const list = new CoalitionList(players, Math.min(most, 2 ** players - 2));
    this.#list = list;
    const sizes = Array.from({ length: Math.floor(players / 2) }, (_, i) => i + 1);
    let mass = sizes.reduce((sum, size) => sum + massOf(players, size), 0);
    let left = samples;
    let next = 0;
    for (; next < sizes.length; next++) {
      const size = sizes[next];
      const isMiddle = size === players - size;
      const count = binomial(players, size) * (isMiddle ? 1 : 2);
      const share = (left * massOf(players, size)) / mass;
      if (share < count * (1 - 1e-9) && left < count + remaining(players, sizes, next + 1)) break;
      const weight = massOf(players, size) / count;
      for (const row of subsets(players, size)) {
        list.add(row, weight);
        if (!isMiddle) list.add(complement(row), weight);
      }
      left -= count;
      mass -= massOf(players, size);
    }
    this.#sizes = sizes.slice(next);
    this.#mass = mass;
    if (this.#sizes.length && left >= 2) this.draw(Math.floor(left / 2));
  }

  /** Whether there are sizes that are not taken whole: more draws then tell more. */
  get isSampled(): boolean {
    return this.#pairs > 0;
  }

  /** Draws so many more pairs. */
  draw(pairs: number): void {
    const row = new Uint8Array(this.#list.players);
    const order = filled(new Uint32Array(row.length), (i) => i);
    for (let pair = 0; pair < pairs; pair++) {
      fillRandom(row, order, drawnSize(this.#list.players, this.#sizes, this.#mass, this.#source), this.#source);
      this.#list.addPair(row);
    }
    this.#pairs += pairs;
  }

  coalitions(): KernelCoalitions {
    return this.#list.finish(this.#pairs === 0 ? 0 : this.#mass / (2 * this.#pairs));
  }
}

/** What a size s and M − s weigh together: 1/(s(M − s)) each. */
function massOf(players: number, size: number): number {
  return (size === players - size ? 1 : 2) / (size * (players - size));
}

/** How many coalitions the pairs of sizes from `next` on hold. */
function remaining(players: number, sizes: readonly number[], next: number): number {
  return sizes.slice(next).reduce((sum, size) => sum + binomial(players, size) * (size === players - size ? 1 : 2), 0);
}

/** A size in proportion to what all coalitions of it weigh. */
function drawnSize(players: number, sizes: readonly number[], mass: number, source: Random): number {
  let at = source.uniform() * mass;
  for (const candidate of sizes) {
    at -= massOf(players, candidate);
    if (at < 0) return candidate;
  }
  return sizes[sizes.length - 1];
}

/** @param order any order of the players, which is changed */
function fillRandom(row: Uint8Array, order: Uint32Array, size: number, source: Random): void {
  row.fill(0);
  for (let i = 0; i < size; i++) {
    const j = i + source.integer(row.length - i);
    [order[i], order[j]] = [order[j], order[i]];
    row[order[i]] = 1;
  }
}

/** Coalitions one after the other in one array: thousands of small ones cost more than all that is done with them. */
class CoalitionList {
  readonly players: number;
  readonly #coalitions: Uint8Array;
  /** Weight of those of a size that is taken whole. */
  readonly #weights: Float64Array;
  readonly #known = new Map<string, number>();
  readonly #drawn: number[] = [];
  readonly #complements: number[] = [];
  readonly #times: number[] = [];
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

  /** A drawn coalition and its complement, or once more the pair that they are. */
  addPair(row: Uint8Array): void {
    const key = keyOf(row);
    let pair = this.#known.get(key);
    if (pair === undefined) {
      pair = this.#drawn.length;
      this.#known.set(key, pair);
      this.#drawn.push(this.add(row, 0));
      complement(row);
      this.#known.set(keyOf(row), pair);
      this.#complements.push(this.add(row, 0));
      this.#times.push(0);
    }
    this.#times[pair]++;
  }

  finish(weight: number): KernelCoalitions {
    const weights = this.#weights.slice(0, this.#count);
    this.#times.forEach((often, pair) => {
      weights[this.#drawn[pair]] = often * weight;
      weights[this.#complements[pair]] = often * weight;
    });
    return {
      coalitions: this.#coalitions.subarray(0, this.#count * this.players),
      weights,
      drawn: Uint32Array.from(this.#drawn),
      complements: Uint32Array.from(this.#complements),
      times: Uint32Array.from(this.#times),
      weight,
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

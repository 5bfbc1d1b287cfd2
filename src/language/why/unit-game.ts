import { type Random, random } from '../../tensor/random.ts';
import type { Unit } from '../text/units.ts';
import type { PrefixScorer } from './prefix-scorer.ts';

/** The prompt as a set of units that can be left out, and what the question is worth without some of them. */
export interface UnitGame {
  /** The units that can be left out; special tokens and the part that is kept always stay. */
  readonly units: readonly Unit[];
  readonly full: number;
  /** f without any unit. */
  readonly empty: number;
  /**
   * f with the units whose entry is 1; several sets are asked for at once so that prompts share their beginnings. What was
   * asked before is known.
   */
  values(sets: readonly Uint8Array[]): Promise<Float64Array>;
  readonly cost: PrefixScorer['cost'];
}

/** What a game asks of a scorer. */
type Scorer = Pick<PrefixScorer, 'scoreKept' | 'cost'>;

/**
 * Sets up the game. Where the tokenizer begins texts with no token, the first token stays even without any unit, unless
 * something else is left then.
 */
export async function openUnitGame(
  scorer: Scorer,
  all: readonly Unit[],
  { mayBeEmpty = true } = {},
): Promise<UnitGame> {
  const units = all.filter(({ special }) => !special);
  const owner = new Int32Array(1 + all.reduce((most, { tokens }) => Math.max(most, tokens[tokens.length - 1]), 0)).fill(
    -1,
  );
  for (const [u, { tokens }] of units.entries()) for (const token of tokens) owner[token] = u;
  const needsFirst = mayBeEmpty && owner[0] >= 0;
  const worth = (set: Uint8Array) =>
    scorer.scoreKept((token) => {
      const unit = owner[token] ?? -1;
      return unit < 0 || set[unit] === 1 || (needsFirst && token === 0);
    });
  const known = new Map<string, number>();
  const asked = async (set: Uint8Array) => {
    const key = set.join('');
    const value = known.get(key) ?? (await worth(set));
    known.set(key, value);
    return value;
  };
  const full = await asked(new Uint8Array(units.length).fill(1));
  const empty = await asked(new Uint8Array(units.length));
  return {
    units,
    full,
    empty,
    cost: scorer.cost,
    async values(sets) {
      // Sets that begin alike stand beside each other: their common beginning is read once.
      const order = sets.map((_, i) => i).sort((a, b) => compare(sets[b], sets[a]));
      const result = new Float64Array(sets.length);
      for (const i of order) result[i] = await asked(sets[i]);
      return result;
    },
  };
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/** Sets that hold each unit with probability ½. */
export function randomSets(count: number, units: number, source: Random = random(0)): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const set = new Uint8Array(units);
    for (let i = 0; i < units; i++) set[i] = source.integer(2);
    return set;
  });
}

/** All units but one. */
export function without(units: number, left: number): Uint8Array {
  const set = new Uint8Array(units).fill(1);
  set[left] = 0;
  return set;
}

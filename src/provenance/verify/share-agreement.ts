import { bootstrap, type Interval, quantile } from '../../evaluation/statistics.ts';
import { random } from '../../tensor/random.ts';
import type { DoneTraining, VerifiedItem } from './verification.ts';

/** Scores of each value of a column for each item, by a method: item → value → score, larger is more. */
export type SharesByItem = readonly (readonly number[])[];

/** How often a method names the value without which an item costs most. */
export interface ShareAgreement {
  readonly method: string;
  /** Share of items whose largest share is that of the value with the largest effect. */
  readonly first: Interval;
  /** The same, of the half of the items whose first and second effect lie furthest apart; undefined where none do. */
  readonly clear: number | undefined;
  /** Normalised discounted cumulative gain of the first three values, effects below 0 counting 0. */
  readonly ndcg: Interval;
}

/** What leaving out each value of a column did to each item, mean over seeds: `cost without − cost of full data`. */
export interface LeftOut {
  readonly values: readonly string[];
  readonly seeds: number;
  /** item → value */
  readonly effects: SharesByItem;
}

/** The effects of the trainings that leave out a value; undefined where there are none. */
export function leftOutOf(trainings: readonly DoneTraining[], items: readonly VerifiedItem[]): LeftOut | undefined {
  const full = new Map(trainings.filter(({ arm }) => arm === 'full').map((one) => [one.seed, one]));
  const byValue = new Map<string, DoneTraining[]>();
  for (const one of trainings)
    if (one.without !== undefined) byValue.set(one.without, [...(byValue.get(one.without) ?? []), one]);
  const values = [...byValue.keys()];
  if (values.length === 0) return undefined;
  const effects = items.map(({ id }) =>
    values.map((value) => {
      const all = (byValue.get(value) ?? []).map(
        ({ seed, costs }) => costs[id].whole - (full.get(seed)?.costs[id].whole ?? Number.NaN),
      );
      return all.reduce((sum, effect) => sum + effect / all.length, 0);
    }),
  );
  return { values, seeds: byValue.get(values[0])?.length ?? 0, effects };
}

/**
 * How shares by several methods agree with what leaving out shows. Intervals are over prompts, whose items are drawn
 * together. Source: Järvelin, Kekäläinen 2002 for NDCG.
 */
export function shareAgreement(
  { effects }: LeftOut,
  items: readonly VerifiedItem[],
  methods: Readonly<Record<string, SharesByItem>>,
): ShareAgreement[] {
  const gaps = effects.map((row) => {
    const [first, second] = [...row].sort((a, b) => b - a);
    return first - second;
  });
  const middle = quantile(
    [...gaps].sort((a, b) => a - b),
    0.5,
  );
  const sources = items.map(({ group }) => group);
  return Object.entries(methods).map(([method, shares]) => {
    const hits = shares.map((row, i) => (largestOf(row) === largestOf(effects[i]) ? 1 : 0));
    const clear = hits.filter((_, i) => gaps[i] > middle);
    return {
      method,
      first: bootstrap(hits, { sources }),
      clear: clear.length === 0 ? undefined : clear.reduce<number>((sum, hit) => sum + hit / clear.length, 0),
      ndcg: bootstrap(
        shares.map((row, i) => ndcgOf(row, effects[i])),
        { sources },
      ),
    };
  });
}

const depth = 3;

function ndcgOf(shares: readonly number[], effects: readonly number[]): number {
  const gains = effects.map((effect) => Math.max(0, effect));
  const sum = (order: readonly number[]) =>
    order.slice(0, depth).reduce((all, value, rank) => all + gains[value] / Math.log2(rank + 2), 0);
  const best = sum(orderOf(gains));
  // Where no value has an effect, every order is as good.
  return best === 0 ? 1 : sum(orderOf(shares)) / best;
}

const orderOf = (row: readonly number[]) => Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b);
const largestOf = (row: readonly number[]) => orderOf(row)[0];

/** The share of each value among the nearest images; of values with equal shares the nearer one comes first. */
export function neighbourShares(nearest: readonly number[], numberOf: Int32Array, values: number): number[] {
  const shares = new Array<number>(values).fill(0);
  for (const [rank, image] of nearest.entries())
    if (numberOf[image] >= 0) shares[numberOf[image]] += (1 + 1e-6 / (rank + 1)) / nearest.length;
  return shares;
}

/** Shares of every value in the data, and shares drawn by chance: what a method has to beat. */
export function shareFloors(numberOf: Int32Array, values: number, items: number): Record<string, SharesByItem> {
  const sizes = new Array<number>(values).fill(0);
  for (const value of numberOf) if (value >= 0) sizes[value] += 1 / numberOf.length;
  const source = random(0, 31);
  return {
    'share of the data': Array.from({ length: items }, () => sizes),
    chance: Array.from({ length: items }, () => sizes.map(() => source.uniform())),
  };
}

import { type BootstrapOptions, quantile } from '../../evaluation/statistics.ts';
import { random } from '../../tensor/random.ts';

/** A number with its 95 % interval over items; undefined where too little varies to have one. */
export interface Estimate {
  readonly value: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly count: number;
}

/** What one rater said about the items; undefined where it said nothing. */
export type Ratings = readonly (string | number | undefined)[];

/**
 * Cohen's κ = (p_o − p_e) / (1 − p_e) of two raters over the items that both rated: p_o is how often they agree, p_e how
 * often they would if each kept its own shares and chose by chance. 1: always, 0: as by chance; undefined where both say
 * one thing only. Source: Cohen 1960.
 */
export function cohensKappa(a: Ratings, b: Ratings): number | undefined {
  const shares = [new Map<string | number, number>(), new Map<string | number, number>()];
  let [count, agreed] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [one, other] = [a[i], b[i]];
    if (one === undefined || other === undefined) continue;
    count++;
    if (one === other) agreed++;
    shares[0].set(one, (shares[0].get(one) ?? 0) + 1);
    shares[1].set(other, (shares[1].get(other) ?? 0) + 1);
  }
  if (count === 0) return undefined;
  let chance = 0;
  for (const [value, times] of shares[0]) chance += (times * (shares[1].get(value) ?? 0)) / count ** 2;
  return chance === 1 ? undefined : (agreed / count - chance) / (1 - chance);
}

/** How far apart two ratings are: equal or not; by their difference; by how many ratings lie between them. */
export type Distance = 'nominal' | 'interval' | 'ordinal';

/**
 * Krippendorff's α = 1 − D_o / D_e over any number of raters, who need not have rated everything: D_o is the mean
 * distance between ratings of one item, D_e that between any two ratings. 1: no disagreement, 0: as by chance; undefined
 * where all ratings are equal. Source: Krippendorff 2004, ch. 11; the ordinal distance is (Σ_{g=c..k} n_g − (n_c + n_k)/2)².
 */
export function krippendorffsAlpha(raters: readonly Ratings[], distance: Distance = 'nominal'): number | undefined {
  const items = itemsOf(raters);
  const totals = new Map<string | number, number>();
  let all = 0;
  for (const ratings of items) {
    for (const rating of ratings) totals.set(rating, (totals.get(rating) ?? 0) + 1);
    all += ratings.length;
  }
  if (all < 2) return undefined;
  const apart = distances[distance](totals);
  let observed = 0;
  for (const ratings of items) {
    let sum = 0;
    for (const [i, one] of ratings.entries()) for (const other of ratings.slice(i + 1)) sum += 2 * apart(one, other);
    observed += sum / (ratings.length - 1);
  }
  let expected = 0;
  for (const [one, times] of totals)
    for (const [other, others] of totals) expected += times * others * apart(one, other);
  expected /= all - 1;
  return expected === 0 ? undefined : 1 - observed / expected;
}

/** Ratings of each item that two raters or more have rated. */
function itemsOf(raters: readonly Ratings[]): (string | number)[][] {
  const length = raters[0]?.length ?? 0;
  return Array.from({ length }, (_, i) => raters.flatMap((ratings) => ratings[i] ?? [])).filter(
    ({ length: rated }) => rated > 1,
  );
}

type Apart = (a: string | number, b: string | number) => number;

const distances: Readonly<Record<Distance, (totals: ReadonlyMap<string | number, number>) => Apart>> = {
  nominal: () => (a, b) => (a === b ? 0 : 1),
  interval: () => (a, b) => (Number(a) - Number(b)) ** 2,
  ordinal: (totals) => (a, b) => {
    const [low, high] = [Math.min(Number(a), Number(b)), Math.max(Number(a), Number(b))];
    let between = 0;
    for (const [value, times] of totals) if (Number(value) >= low && Number(value) <= high) between += times;
    const ends = (totals.get(a) ?? 0) + (totals.get(b) ?? 0);
    return a === b ? 0 : (between - ends / 2) ** 2;
  },
};

/**
 * A statistic of raters with its 95 % percentile bootstrap interval over items.
 * @param statistic of the ratings of some items
 */
export function overItems(
  raters: readonly Ratings[],
  statistic: (raters: readonly Ratings[]) => number | undefined,
  { resamples = 1000, seed = 0, level = 0.95 }: Omit<BootstrapOptions, 'sources'> = {},
): Estimate {
  const length = raters[0]?.length ?? 0;
  const value = statistic(raters);
  const source = random(seed, 1);
  const drawn: number[] = [];
  for (let r = 0; r < resamples && length > 1; r++) {
    const items = Array.from({ length }, () => source.integer(length));
    const again = statistic(raters.map((ratings) => items.map((i) => ratings[i])));
    if (again !== undefined) drawn.push(again);
  }
  const tail = (1 - level) / 2;
  const known = value !== undefined && drawn.length > 0.9 * resamples;
  drawn.sort((a, b) => a - b);
  const count = raters.length === 0 ? 0 : raters[0].filter((rating) => rating !== undefined).length;
  return {
    value,
    low: known ? quantile(drawn, tail) : undefined,
    high: known ? quantile(drawn, 1 - tail) : undefined,
    count,
  };
}

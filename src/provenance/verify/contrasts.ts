import { quantile } from '../../evaluation/statistics.ts';
import { random } from '../../tensor/random.ts';
import type { DoneTraining, VerifiedItem } from './verification.ts';

/** How much an arm, or the difference of two, changed the costs of items. */
export interface Effect {
  /** Positive: the original items became less likely. */
  readonly mean: number;
  /** Ends of the 95 % interval; undefined for fewer than two prompts (or families, where these are known). */
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly seeds: number;
  readonly prompts: number;
}

/** A row of the table: an arm against full data of the same seed, or against another arm. */
export interface Contrast {
  readonly arm: string;
  /** Undefined: full data. */
  readonly against: string | undefined;
  /** By measure, then by stratum. */
  readonly effects: Readonly<Record<string, Readonly<Record<string, Effect>>>>;
}

const resamples = 4000;

/**
 * The mean of seeds × prompts with a 95 % interval by a bootstrap that draws seeds and prompts, both with replacement.
 * One seed is all that is drawn where there is one: the interval then says nothing of other seeds.
 * Source: Efron 1979; crossed factors after Owen 2007 (Ann. Appl. Stat. 1:386).
 */
export function effectOf(values: readonly (readonly number[])[]): Effect {
  const [seeds, prompts] = [values.length, values[0].length];
  let sum = 0;
  for (const row of values) for (const value of row) sum += value;
  const mean = sum / (seeds * prompts);
  if (prompts < 2) return { mean, low: undefined, high: undefined, seeds, prompts };
  const source = random(0, 17);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    const drawn = Array.from({ length: prompts }, () => source.integer(prompts));
    let total = 0;
    for (let s = 0; s < seeds; s++) {
      const row = values[source.integer(seeds)];
      for (const p of drawn) total += row[p];
    }
    means[r] = total / (seeds * prompts);
  }
  means.sort();
  return { mean, low: quantile(means, 0.025), high: quantile(means, 0.975), seeds, prompts };
}

/** All contrasts: every arm against full data of the same seeds, and `traced` against every other arm. */
export function contrastsOf(trainings: readonly DoneTraining[], items: readonly VerifiedItem[]): Contrast[] {
  const full = new Map(trainings.filter(({ arm }) => arm === 'full').map((one) => [one.seed, one]));
  const names = [...new Set(trainings.map(({ arm }) => arm))].filter((arm) => arm !== 'full');
  const measures = [
    ...new Set(trainings.flatMap(({ costs }) => Object.values(costs).flatMap((one) => Object.keys(one)))),
  ];
  const strata = [...new Set(items.map(({ stratum }) => stratum))];
  const rows: Contrast[] = [];
  const add = (arm: string, against: string | undefined, pairs: readonly (readonly [DoneTraining, DoneTraining])[]) => {
    if (pairs.length === 0) return;
    const byMeasure = measures.map((measure) => {
      const byStratum = strata.map((stratum) => {
        const groups = groupsOf(items.filter((item) => item.stratum === stratum));
        return [stratum, effectOf(pairs.map(([a, b]) => groups.map((ids) => meanChange(a, b, ids, measure))))] as const;
      });
      return [measure, Object.fromEntries(byStratum)] as const;
    });
    rows.push({ arm, against, effects: Object.fromEntries(byMeasure) });
  };
  const of = (name: string) => trainings.filter(({ arm }) => arm === name);
  for (const name of names)
    add(
      name,
      undefined,
      of(name).flatMap((one) => (full.has(one.seed) ? [[one, full.get(one.seed) as DoneTraining] as const] : [])),
    );
  for (const name of names) {
    if (name === 'traced') continue;
    const others = new Map(of(name).map((one) => [one.seed, one]));
    add(
      'traced',
      name,
      of('traced').flatMap((one) =>
        others.has(one.seed) ? [[one, others.get(one.seed) as DoneTraining] as const] : [],
      ),
    );
  }
  const seeds = [...full.values()];
  // What another seed alone does to the same items.
  if (seeds.length > 1)
    add(
      'reseeded',
      undefined,
      seeds.map((one, i) => [one, seeds[(i + 1) % seeds.length]] as const),
    );
  return rows;
}

/** Items that are averaged, and drawn together: those of a prompt, or of all prompts of one family, whose images go together. */
function groupsOf(items: readonly VerifiedItem[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const { group, family = group, id } of items) groups.set(family, [...(groups.get(family) ?? []), id]);
  return [...groups.values()];
}

function meanChange(a: DoneTraining, b: DoneTraining, ids: readonly string[], measure: string): number {
  return ids.reduce((sum, id) => sum + (a.costs[id][measure] - b.costs[id][measure]) / ids.length, 0);
}

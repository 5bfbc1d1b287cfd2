import type {
  ComparedRow,
  Comparison,
  MetricFlag,
  MetricVerdict,
  MsiByAlphaMin,
  ScoredExplanation,
} from './comparison.ts';
import { goodness, type ReadyMetric } from './score.ts';
import { bootstrap, chanceOfZero, holm, type Interval, kendall, meanOf } from './statistics.ts';

/** What one row scored on each input; undefined where the method failed. */
export interface RowResults
  extends Pick<ComparedRow, 'id' | 'title' | 'method' | 'control' | 'layer' | 'baseline' | 'parameters'> {
  readonly results: (ScoredExplanation | undefined)[];
}

interface Scores {
  readonly metrics: readonly ReadyMetric[];
  readonly rows: readonly RowResults[];
  /** What each input was drawn from. */
  readonly sources: readonly string[];
  readonly seed: number;
  readonly exampleMetric: string;
}

/** Means with intervals, verdicts on metrics, quality, the front of quality against cost, and examples. */
export function summarise({
  metrics,
  rows,
  sources,
  seed,
  exampleMetric,
}: Scores): Pick<Comparison, 'metrics' | 'rows' | 'verdicts' | 'agreement' | 'notes'> {
  const values = rows.map(({ results }) =>
    Object.fromEntries(metrics.map(({ name }) => [name, results.map((result) => result?.scores[name]?.score)])),
  );
  const means = rows.map((_, r) => {
    const entries = metrics.map(({ name }): [string, Interval] => {
      const [scores, options] = scored(values[r][name], sources, seed);
      return [name, bootstrap(scores, options)];
    });
    return Object.fromEntries(entries.filter(([, interval]) => interval.count > 0));
  });
  const verdicts = metrics.map((ready) => verdictOf(ready, { rows, values, sources, seed }));
  const sound = metrics.filter(({ name }) => verdicts.find(({ metric }) => metric === name)?.sound);
  const compared = rows.map((_, r) => r).filter((r) => !rows[r].control);
  const notes: string[] = [];
  const independent = new Set(sources).size;
  if (independent < fewSources)
    notes.push(
      `${independent === 1 ? 'one independent input: its verdicts are no more than its signs' : `only ${independent} independent inputs: intervals of so few are too narrow, and verdicts on metrics preliminary`}`,
    );
  if (sound.length === 0)
    notes.push('no metric ranked the controls last: quality is taken over all metrics, and says little');
  const judged = sound.length ? sound : metrics;
  const quality = rows.map((row, r) => (row.control ? undefined : qualityOf(r, compared, judged, means)));
  const costs = rows.map((row) => (row.control ? undefined : costOf(row)));
  const example = metrics.find(({ name }) => name === exampleMetric) as ReadyMetric;

  const summaries = rows.map((row, r): ComparedRow => {
    const { results: _, ...identity } = row;
    const ordered = values[r][exampleMetric]
      .map((score, input) => ({ input, score }))
      .filter((one): one is { input: number; score: number } => one.score !== undefined)
      .sort((a, b) => goodness(example, b.score) - goodness(example, a.score));
    return {
      ...identity,
      cost: costs[r],
      scores: means[r],
      values: values[r],
      profile: meanProfile(row),
      quality: quality[r],
      onFront: isOnFront(r, quality, costs),
      best: ordered[0]?.input,
      worst: ordered.at(-1)?.input,
    };
  });
  const order = metrics.map((ready) =>
    compared.map((r) => (means[r][ready.name] ? goodness(ready, means[r][ready.name].mean) : Number.NaN)),
  );
  return { metrics: metrics.map(({ name }) => name), rows: summaries, verdicts, agreement: agreementOf(order), notes };
}

/** Fewer sources than these make percentile intervals noticeably too narrow. */
const fewSources = 10;

/** The scores that there are, with what their inputs were drawn from. */
function scored(
  values: readonly (number | undefined)[],
  sources: readonly string[],
  seed: number,
): [number[], { seed: number; sources: string[] }] {
  const present = values.map((_, i) => i).filter((i) => values[i] !== undefined);
  return [present.map((i) => values[i] as number), { seed, sources: present.map((i) => sources[i]) }];
}

interface Judged extends Pick<Scores, 'rows' | 'sources' | 'seed'> {
  readonly values: readonly Readonly<Record<string, readonly (number | undefined)[]>>[];
}

/** How a method and a control compare on the inputs that both have a score of. */
interface Contest {
  readonly row: string;
  readonly control: string;
  /** Mean of the method's goodness over the control's. */
  readonly mean: number;
  readonly chance: number;
}

/** See {@link MetricVerdict}. */
function verdictOf(ready: ReadyMetric, judged: Judged): MetricVerdict {
  const contests = contestsOf(ready, judged);
  const holds = holm(contests.map(({ chance }) => chance));
  const above = contests.filter(({ mean }, i) => holds[i] && mean > 0);
  const ahead = contests.flatMap(({ mean, row, control }, i): MetricFlag[] => {
    if (mean > 0) return [];
    return [{ why: mean < 0 ? 'control above' : 'control level', control, row, withinChance: !holds[i] }];
  });
  const controls = [...new Set(contests.map(({ control }) => control))];
  const flags: MetricFlag[] = [
    ...ahead,
    ...controls
      .filter((name) => !above.some(({ control }) => control === name))
      .map((control) => ({ why: 'control unbeaten', control }) as const),
    ...(controls.length === 0 ? [{ why: 'no control' } as const] : []),
  ];
  const untold = contests.filter((_, i) => !holds[i]).map(({ row, control }) => ({ row, control }));
  return { metric: ready.name, sound: flags.length === 0, flags, untold };
}

function contestsOf(ready: ReadyMetric, { rows, values, sources, seed }: Judged): Contest[] {
  return rows.flatMap((control, c) => {
    if (!control.control) return [];
    return rows.flatMap((row, r): Contest[] => {
      if (row.control || row.baseline !== control.baseline) return [];
      const [differences, options] = scored(
        values[r][ready.name].map((value, i) => difference(ready, value, values[c][ready.name][i])),
        sources,
        seed,
      );
      if (differences.length === 0) return [];
      const mean = meanOf(differences);
      // A single source has no spread to judge by: its sign stands, and a note says so.
      const chance = chanceOfZero(differences, options) ?? (mean === 0 ? 1 : 0);
      return [{ row: row.id, control: control.id, mean, chance }];
    });
  });
}

/** How much better the first score is; 0 where they differ by rounding alone, undefined where one is missing. */
function difference(ready: ReadyMetric, a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  const gain = goodness(ready, a) - goodness(ready, b);
  return Math.abs(gain) <= rounding * Math.max(1, Math.abs(a)) ? 0 : gain;
}

/** The mean of the curves over the inputs that have one. */
function meanProfile({ results }: RowResults): MsiByAlphaMin | undefined {
  const profiles = results.flatMap((result) => (result?.profile ? [result.profile] : []));
  if (profiles.length === 0) return undefined;
  const mean = (of: (profile: MsiByAlphaMin) => readonly number[]) =>
    of(profiles[0]).map((_, i) => meanOf(profiles.map((profile) => of(profile)[i])));
  return {
    alphaMin: profiles[0].alphaMin,
    literal: mean(({ literal }) => literal),
    tolerant: mean(({ tolerant }) => tolerant),
  };
}

/** Scores of float32 outputs that differ by less are equal. */
const rounding = 1e-5;

/** Mean over metrics of the share of the other methods that it beats, a tie counting half. */
function qualityOf(
  row: number,
  compared: readonly number[],
  metrics: readonly ReadyMetric[],
  means: readonly Readonly<Record<string, Interval>>[],
): number | undefined {
  const shares = metrics.flatMap((ready) => {
    const own = means[row][ready.name];
    const others = compared.filter((r) => r !== row && means[r][ready.name]);
    if (!own || others.length === 0) return [];
    const wins = others.map((r) => {
      const gain = difference(ready, own.mean, means[r][ready.name].mean) as number;
      return gain === 0 ? 0.5 : gain > 0 ? 1 : 0;
    });
    return [meanOf(wins)];
  });
  return shares.length ? meanOf(shares) : undefined;
}

function costOf({ results }: RowResults): ComparedRow['cost'] {
  const costs = results.flatMap((result) => (result ? [result.cost] : []));
  if (costs.length === 0) return undefined;
  return {
    passes: meanOf(costs.map(({ forward, backward }) => forward + backward)),
    seconds: meanOf(costs.map(({ seconds }) => seconds)),
  };
}

function isOnFront(
  row: number,
  quality: readonly (number | undefined)[],
  costs: readonly ComparedRow['cost'][],
): boolean {
  const [own, cost] = [quality[row], costs[row]?.passes];
  if (own === undefined || cost === undefined) return false;
  return !quality.some((other, r) => {
    const passes = costs[r]?.passes;
    if (other === undefined || passes === undefined) return false;
    return other >= own && passes <= cost && (other > own || passes < cost);
  });
}

/** Kendall's τ between every two orders, over the methods that both metrics scored. */
function agreementOf(order: readonly (readonly number[])[]): (number | undefined)[][] {
  return order.map((a) =>
    order.map((b) => {
      const both = a.map((_, i) => i).filter((i) => !Number.isNaN(a[i]) && !Number.isNaN(b[i]));
      return kendall(
        both.map((i) => a[i]),
        both.map((i) => b[i]),
      );
    }),
  );
}

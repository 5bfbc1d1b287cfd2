import type { ComparedRow, Comparison, MetricVerdict, ScoredExplanation } from './comparison.ts';
import { goodness, type ReadyMetric } from './score.ts';
import { bootstrap, type Interval, kendall, meanOf } from './statistics.ts';

/** What one row scored on each input; undefined where the method failed. */
export interface RowResults
  extends Pick<ComparedRow, 'id' | 'title' | 'method' | 'control' | 'layer' | 'baseline' | 'parameters'> {
  readonly results: (ScoredExplanation | undefined)[];
}

interface Scores {
  readonly metrics: readonly ReadyMetric[];
  readonly rows: readonly RowResults[];
  readonly seed: number;
  readonly exampleMetric: string;
}

/** Means with intervals, verdicts on metrics, quality, the front of quality against cost, and examples. */
export function summarise({
  metrics,
  rows,
  seed,
  exampleMetric,
}: Scores): Pick<Comparison, 'metrics' | 'rows' | 'verdicts' | 'agreement' | 'notes'> {
  const values = rows.map(({ results }) =>
    Object.fromEntries(metrics.map(({ name }) => [name, results.map((result) => result?.scores[name]?.score)])),
  );
  const means = rows.map((_, r) => {
    const entries = metrics.map(({ name }): [string, Interval] => [
      name,
      bootstrap(present(values[r][name]), { seed }),
    ]);
    return Object.fromEntries(entries.filter(([, interval]) => interval.count > 0));
  });
  const verdicts = metrics.map((ready) => verdictOf(ready, rows, values, seed));
  const sound = metrics.filter(({ name }) => verdicts.find(({ metric }) => metric === name)?.sound);
  const compared = rows.map((_, r) => r).filter((r) => !rows[r].control);
  const notes: string[] = [];
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

function present(values: readonly (number | undefined)[]): number[] {
  return values.filter((value): value is number => value !== undefined);
}

/**
 * A control beats a method where the paired difference of their scores has a 95 % interval above 0; a metric is sound
 * where that never happens, and where at least one method beats every control in the same sense.
 */
function verdictOf(
  ready: ReadyMetric,
  rows: readonly RowResults[],
  values: readonly Readonly<Record<string, readonly (number | undefined)[]>>[],
  seed: number,
): MetricVerdict {
  const { name } = ready;
  const flags: string[] = [];
  const unbeaten: string[] = [];
  rows.forEach((control, c) => {
    if (!control.control) return;
    let [beaten, scored] = [false, false];
    rows.forEach((row, r) => {
      if (row.control || row.baseline !== control.baseline) return;
      const differences = pairs(values[r][name], values[c][name]).map(
        ([method, other]) => goodness(ready, method) - goodness(ready, other),
      );
      if (differences.length === 0) return;
      scored = true;
      const { low, high } = endsOf(differences, seed);
      if (high < 0) flags.push(`${control.id} above ${row.id}`);
      if (low > 0) beaten = true;
    });
    if (scored && !beaten) unbeaten.push(`no method above ${control.id}`);
  });
  const any = rows.some((row, r) => row.control && values[r][name].some((value) => value !== undefined));
  return {
    metric: name,
    sound: any && flags.length === 0 && unbeaten.length === 0,
    flags: [...flags, ...unbeaten, ...(any ? [] : ['no control could be scored'])],
  };
}

/** The interval of the mean; for a single input the value itself. */
function endsOf(differences: readonly number[], seed: number): { low: number; high: number } {
  const { mean, low = mean, high = mean } = bootstrap(differences, { seed });
  return { low, high };
}

function pairs(a: readonly (number | undefined)[], b: readonly (number | undefined)[]): [number, number][] {
  return a.flatMap((value, i): [number, number][] => {
    const other = b[i];
    return value === undefined || other === undefined ? [] : [[value, other]];
  });
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
      const difference = goodness(ready, own.mean) - goodness(ready, means[r][ready.name].mean);
      return Math.abs(difference) <= rounding * Math.max(1, Math.abs(own.mean)) ? 0.5 : difference > 0 ? 1 : 0;
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

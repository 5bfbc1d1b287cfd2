import { answerOf } from './answer.ts';
import type { ComparedRow, Comparison, MsiByAlphaMin, RowResults } from './comparison.ts';
import { qualityOf } from './quality.ts';
import { goodness, type ReadyMetric } from './score.ts';
import { bootstrap, type Interval, kendall, meanOf } from './statistics.ts';
import { scored, verdictOf } from './verdicts.ts';

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
}: Scores): Pick<Comparison, 'metrics' | 'rows' | 'verdicts' | 'agreement' | 'answer' | 'notes'> {
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
    notes.push(
      'no metric can tell what the methods agree on from the controls: quality is taken over all metrics, and says little',
    );
  // What only describes a map is no judge of it.
  const judged = sound.length ? sound : metrics.filter(({ metric }) => metric.judgedBy !== 'description');
  const scores = means.map((intervals) =>
    Object.fromEntries(Object.entries(intervals).map(([name, { mean }]) => [name, mean])),
  );
  const quality = rows.map((row, r) => (row.control ? undefined : qualityOf(r, compared, judged, scores)));
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
  return {
    metrics: metrics.map(({ name }) => name),
    rows: summaries,
    verdicts,
    agreement: agreementOf(order),
    answer: answerOf({ rows: summaries, metrics: sound, sources, seed }),
    notes,
  };
}

/** Fewer sources than these make percentile intervals noticeably too narrow. */
const fewSources = 10;

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

import { random } from '../tensor/random.ts';
import type { Answer, ComparedRow } from './comparison.ts';
import { qualityOf } from './quality.ts';
import type { ReadyMetric } from './score.ts';
import { meanOf } from './statistics.ts';

interface Asked {
  readonly rows: readonly ComparedRow[];
  /** The metrics that are sound. */
  readonly metrics: readonly ReadyMetric[];
  /** What each input was drawn from. */
  readonly sources: readonly string[];
  readonly seed: number;
}

const resamples = 1000;
/** Share of the resampled sets in which a row is first that makes it a possible best. */
const possible = 0.05;

/**
 * The row of the highest quality, and how often it stays first when the inputs are drawn anew: a bootstrap over sources of
 * the whole ranking (rank uncertainty after Efron, Tibshirani 1993, §10).
 * @returns undefined where no metric is sound or fewer than two methods have a quality
 */
export function answerOf({ rows, metrics, sources, seed }: Asked): Answer | undefined {
  const compared = rows.map((_, r) => r).filter((r) => rows[r].quality !== undefined);
  if (metrics.length === 0 || compared.length < 2) return undefined;
  const best = compared.reduce((top, r) => ((rows[r].quality as number) > (rows[top].quality as number) ? r : top));
  const answer = { best: rows[best].id, metrics: metrics.map(({ name }) => name) };
  const drawn = [...new Set(sources)];
  if (drawn.length < 2) return { ...answer, first: undefined, rival: undefined, cheaper: undefined };

  const members = drawn.map((source) => sources.flatMap((one, i) => (one === source ? [i] : [])));
  const generator = random(seed, 7);
  const first = new Float64Array(rows.length);
  const level = new Float64Array(rows.length);
  for (let k = 0; k < resamples; k++) {
    const chosen = drawn.flatMap(() => members[generator.integer(drawn.length)]);
    const means = rows.map(({ values }) => meansOver(values, metrics, chosen));
    const quality = compared.map((r) => qualityOf(r, compared, metrics, means) ?? -1);
    const most = quality.reduce((a, b) => (b > a ? b : a), -1);
    const leaders = compared.filter((_, i) => quality[i] === most);
    for (const r of leaders) first[r] += 1 / leaders.length / resamples;
    const own = quality[compared.indexOf(best)];
    for (const [i, r] of compared.entries()) if (quality[i] >= own) level[r] += 1 / resamples;
  }
  const others = compared.filter((r) => r !== best);
  const rival = others.reduce((top, r) => (first[r] > first[top] ? r : top));
  const passes = (r: number) => rows[r].cost?.passes ?? Number.POSITIVE_INFINITY;
  const cheaper = others
    .filter((r) => level[r] >= possible && passes(r) < passes(best) / 2)
    .reduce(
      (least: number | undefined, r) => (least === undefined || passes(r) < passes(least) ? r : least),
      undefined,
    );
  return {
    ...answer,
    first: first[best],
    rival: first[rival] > 0 ? { row: rows[rival].id, first: first[rival] } : undefined,
    cheaper: cheaper === undefined ? undefined : rows[cheaper].id,
  };
}

/** Mean score by metric over the chosen inputs, those without a score left out. */
function meansOver(
  values: ComparedRow['values'],
  metrics: readonly ReadyMetric[],
  chosen: readonly number[],
): Record<string, number | undefined> {
  return Object.fromEntries(
    metrics.map(({ name }) => {
      const present = chosen.flatMap((i) => values[name]?.[i] ?? []);
      return [name, present.length ? meanOf(present) : undefined];
    }),
  );
}

/**
 * The answer in one sentence: which one, and how sure.
 * @param count of independent inputs
 */
export function answerText(answer: Answer | undefined, count: number, title: (id: string) => string): string {
  if (!answer)
    return 'No method can be recommended: no metric could tell what the methods agree on from noise. More inputs, another reference (--reference) or larger regions (--regions) may help.';
  const { best, metrics, first, rival, cheaper } = answer;
  const by = `${metrics.length} ${metrics.length === 1 ? 'metric that is' : 'metrics that are'} sound here`;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  if (first === undefined)
    return `${title(best)} is best by ${by}, on one independent input: that says little about others.`;
  const stays = `first in ${percent(first)} of 1,000 resampled sets of the ${count} independent inputs`;
  const next = rival ? `; ${title(rival.row)} in ${percent(rival.first)}` : '';
  const saving = cheaper ? ` ${title(cheaper)} cannot be told from it, for less than half of the passes.` : '';
  if (first >= 0.95) return `Use ${title(best)}: best by ${by}, ${stays}.${saving}`;
  if (first >= 0.5) return `Probably ${title(best)}: best by ${by}, ${stays}${next}.${saving}`;
  return `No clear winner: ${title(best)} leads by ${by}, but is ${stays}${next}.${saving}`;
}

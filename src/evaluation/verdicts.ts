import type { MethodAndControl, MetricFlag, MetricVerdict, RowResults } from './comparison.ts';
import { goodness, type ReadyMetric } from './score.ts';
import { chanceOfZero, holm, meanOf } from './statistics.ts';

/** Scores of float32 outputs that differ by less are equal. */
const rounding = 1e-5;

/** The scores of all rows: by row, then by metric, one an input; undefined where there is none. */
export interface Judged {
  readonly rows: readonly RowResults[];
  readonly values: readonly Readonly<Record<string, readonly (number | undefined)[]>>[];
  /** What each input was drawn from. */
  readonly sources: readonly string[];
  readonly seed: number;
}

/** How two rows compare on the inputs that both have a score of. */
interface Contest extends MethodAndControl {
  /** Mean of the row's goodness over the control's. */
  readonly mean: number;
  readonly chance: number;
}

/** See {@link MetricVerdict}. */
export function verdictOf(ready: ReadyMetric, judged: Judged): MetricVerdict {
  const { name, metric } = ready;
  const { judgedBy } = metric;
  const none = { metric: name, judgedBy, flags: [], indistinguishable: [], below: [] };
  if (judgedBy === 'definition' || judgedBy === 'description') return { ...none, sound: judgedBy === 'definition' };
  const against = judgedBy === 'methods' ? (['random'] as const) : (['random', 'inverted'] as const);
  const of = (isRow: (row: RowResults) => boolean) =>
    against.flatMap((control) => contestsOf(ready, judged, isRow, control));
  const methods = of(({ control }) => !control);
  const consensus = judgedBy === 'consensus' ? of(({ control }) => control === 'consensus') : [];
  const flags = consensus.length > 0 ? consensusFlags(consensus) : methodFlags(methods);
  const holds = holm(methods.map(({ chance }) => chance));
  const pick = (chosen: (contest: Contest, holds: boolean) => boolean): MethodAndControl[] =>
    methods.filter((contest, i) => chosen(contest, holds[i])).map(({ row, control }) => ({ row, control }));
  return {
    ...none,
    sound: flags.length === 0,
    flags,
    indistinguishable: pick((_, isBeyondChance) => !isBeyondChance),
    below: pick(({ mean }, isBeyondChance) => isBeyondChance && mean < 0),
  };
}

function consensusFlags(contests: readonly Contest[]): MetricFlag[] {
  const holds = holm(contests.map(({ chance }) => chance));
  return contests.flatMap(({ mean, control }, i): MetricFlag[] =>
    mean > 0 && holds[i] ? [] : [{ why: 'consensus not above', control, withinChance: !holds[i] }],
  );
}

function methodFlags(contests: readonly Contest[]): MetricFlag[] {
  if (contests.length === 0) return [{ why: 'no control' }];
  const holds = holm(contests.map(({ chance }) => chance));
  const above = new Set(contests.filter(({ mean }, i) => holds[i] && mean > 0).map(({ control }) => control));
  const controls = [...new Set(contests.map(({ control }) => control))];
  return controls
    .filter((control) => !above.has(control))
    .map((control): MetricFlag => ({ why: 'no method above', control }));
}

/** The chosen rows, each with its baseline's control of that kind. */
function contestsOf(
  ready: ReadyMetric,
  { rows, values, sources, seed }: Judged,
  isRow: (row: RowResults) => boolean,
  kind: 'random' | 'inverted',
): Contest[] {
  return rows.flatMap((row, r): Contest[] => {
    const c = rows.findIndex(({ control, baseline }) => control === kind && baseline === row.baseline);
    if (!isRow(row) || c < 0) return [];
    const [differences, options] = scored(
      values[r][ready.name].map((value, i) => difference(ready, value, values[c][ready.name][i])),
      sources,
      seed,
    );
    if (differences.length === 0) return [];
    const mean = meanOf(differences);
    // A single source has no spread to judge by: its sign stands, and a note says so.
    const chance = chanceOfZero(differences, options) ?? (mean === 0 ? 1 : 0);
    return [{ row: row.id, control: rows[c].id, mean, chance }];
  });
}

/** How much better the first score is; 0 where they differ by rounding alone, undefined where one is missing. */
export function difference(ready: ReadyMetric, a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  const gain = goodness(ready, a) - goodness(ready, b);
  return Math.abs(gain) <= rounding * Math.max(1, Math.abs(a)) ? 0 : gain;
}

/** The scores that there are, with what their inputs were drawn from. */
export function scored(
  values: readonly (number | undefined)[],
  sources: readonly string[],
  seed: number,
): [number[], { seed: number; sources: string[] }] {
  const present = values.map((_, i) => i).filter((i) => values[i] !== undefined);
  return [present.map((i) => values[i] as number), { seed, sources: present.map((i) => sources[i]) }];
}

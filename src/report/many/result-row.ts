import { scorecardMetrics } from '../../evaluation/scorecard.ts';
import type { Explained } from '../../explain/explained.ts';
import { featuresOf } from '../../page/features.ts';
import { judge } from '../../page/judgement.ts';
import { numberText } from '../../page/number-text.ts';
import type { Columns, Row } from '../../run/rows.ts';

const columnOfScore = (metric: string): string => `score:${metric}`;

/** What a run of many explanations says of each: one row, in the files `rows.parquet` of its shards. */
export const resultColumns = {
  /** Which input, counted from 0, and which of its explanations. */
  item: 'count',
  part: 'count',
  source: 'text',
  hash: 'text',
  /** What the model said of it first: a class, a token, a value. */
  predicted: 'text',
  predictedValue: 'number',
  target: 'text',
  method: 'text',
  layer: 'text',
  baseline: 'text',
  /** f(x), f(x0), T, ΣA, E and E / |T| */
  value: 'number',
  baselineValue: 'number',
  difference: 'number',
  sum: 'number',
  error: 'number',
  relativeError: 'number',
  converged: 'truth',
  /** good: adds up; poor: does not; open: nothing to add up to. */
  grade: 'text',
  warnings: 'text',
  notes: 'text',
  /** The features with the largest shares, where there is no map. */
  strongest: 'text',
  /** Its cell of the shard's sheet of maps, counted from 0; missing where it has none. */
  cell: 'count',
  /** Why the input could not be explained; everything else but item and source is missing then. */
  failure: 'text',
  ...(Object.fromEntries(scorecardMetrics.map((metric) => [columnOfScore(metric), 'number'])) as Record<
    string,
    'number'
  >),
} as const satisfies Columns;

/** A row as {@link resultColumns} has it; a missing cell is absent. */
export type ResultRow = Row & { readonly item: number; readonly part: number; readonly source: string };

/** The row of an explanation. @param cell Its cell of the sheet of maps, where it has one */
export function resultRow(
  { item, part }: { item: number; part: number },
  explained: Explained,
  cell?: number,
): ResultRow {
  const { document } = explained;
  const [first] = document.prediction?.top ?? [];
  const { grade, warnings } = judge(document);
  const scores = document.scorecard?.entries.map(({ metric, score }) => [columnOfScore(metric), score]) ?? [];
  return {
    item,
    part,
    source: document.input.source,
    hash: document.input.hash,
    predicted:
      first &&
      (first.label ?? (document.prediction?.kind === 'value' ? document.prediction.output : `class ${first.index}`)),
    predictedValue: first?.value,
    target: document.targetDescription,
    method: document.method,
    layer: document.layer.join(' + '),
    baseline: document.baselineDescription ?? undefined,
    value: document.value,
    baselineValue: document.baselineValue ?? undefined,
    difference: document.attributionTarget ?? undefined,
    sum: document.sum,
    error: document.error ?? undefined,
    relativeError: document.relativeError ?? undefined,
    converged: document.converged ?? undefined,
    grade,
    warnings: lines(warnings),
    notes: lines(document.notes),
    strongest: cell === undefined ? strongest(explained) : undefined,
    cell,
    ...Object.fromEntries(scores),
  };
}

/** The row of an input that could not be explained. */
export const failedRow = (item: number, source: string, failure: string): ResultRow => ({
  item,
  part: 0,
  source,
  failure,
});

const lines = (texts: readonly string[]): string | undefined => (texts.length > 0 ? texts.join('\n') : undefined);

/** Features that a row names. */
const mostNamed = 3;

function strongest(explained: Explained): string {
  const { shares } = featuresOf(explained);
  const order = [...shares].sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, mostNamed);
  const told = ({ name, text }: (typeof shares)[number]) =>
    text === undefined || text === name ? name : `${name} = ${text}`;
  return order.map((one) => `${told(one)}: ${one.share > 0 ? '+' : ''}${numberText(one.share)}`).join('; ');
}

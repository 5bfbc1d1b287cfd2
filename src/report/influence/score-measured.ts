import { WhereforeError } from '../../errors.ts';
import { type Matrix64, takeMatrixRows, zeros } from '../../influence/matrix.ts';
import type { Scores } from '../../influence/method.ts';
import { type InfluenceContext, influenceMethodNamed, score } from '../../influence/score.ts';
import type { Contextual } from './influence-context.ts';
import type { SliceQuery } from './slice-query.ts';

/** Queries that are scored together: each holds a number for every row. */
const together = 32;

const ofGradients: ReadonlySet<string> = new Set(['gradients', 'checkpoints']);

/**
 * Scores of one f of many rows. Methods of gradients score its gradient as that of any query; others score every row of
 * the slices, and the scores are added up with the weights that f has.
 * @throws WhereforeError as `score`; `invalid-argument` for a method that knows no queries where a gap is asked about
 */
export async function scoreMeasured(
  name: string,
  { context, each }: Pick<Contextual, 'context' | 'each'>,
  { about, terms }: SliceQuery,
  parameters: unknown,
): Promise<Scores> {
  const method = influenceMethodNamed(name);
  const { embeddings: _, predictions: __, ...ofAll } = context;
  if (method.needs.some((need) => ofGradients.has(need))) return score(name, ofAll, parameters);
  if (!method.readsQuery && about.kind === 'gap')
    throw new WhereforeError('invalid-argument', `"${name}" scores rows alone: it says nothing of a gap`, {
      fix: 'choose a method that reads the query: influence, ek-fac, knn-shapley',
    });
  const all = each as InfluenceContext;
  const total = zeros(1, all.rows);
  let notes: readonly string[] = [];
  for (let from = 0; from < all.queries; from += together) {
    const part = await score(name, partOf(all, from, Math.min(all.queries, from + together)), parameters);
    addWeighted(total, part.values, terms.weights.subarray(from));
    notes = part.notes;
  }
  return { values: total, notes: [...notes, `the mean of the scores for each of ${all.queries} rows`] };
}

/** Some of the queries. */
function partOf({ labels, embeddings, predictions, ...rest }: InfluenceContext, from: number, to: number) {
  const at = Array.from({ length: to - from }, (_, k) => from + k);
  return {
    ...rest,
    queries: at.length,
    ...(labels && { labels: { ...labels, queries: labels.queries.slice(from, to) } }),
    ...(embeddings && { embeddings: { ...embeddings, queries: takeMatrixRows(embeddings.queries, at) } }),
    ...(predictions && { predictions: { ...predictions, queries: takeMatrixRows(predictions.queries, at) } }),
  };
}

function addWeighted(to: Matrix64, part: Matrix64, weights: Float64Array): void {
  for (let q = 0; q < part.rows; q++)
    for (let i = 0; i < part.columns; i++) to.data[i] += weights[q] * part.data[q * part.columns + i];
}

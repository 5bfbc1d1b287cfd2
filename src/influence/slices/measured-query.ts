/** What is measured of the rows of a slice: the mean log-probability of their labels, or the mean probability of a class. */
export const measures = ['log-probability', 'rate'] as const;
export type Measure = (typeof measures)[number];

/** `f = Σ_q w_q h(p_q)`, p_q the probability of a query's class: one f of many queries. */
export interface MeasuredTerms {
  /** w, one for each query. */
  readonly weights: Float64Array;
  /** h: the logarithm, or the probability itself. */
  readonly of: 'log-probability' | 'probability';
}

/** One slice, and what is measured there. */
export interface MeasuredSlice {
  /** The filter, in the words of {@link sliceRows}. */
  readonly filter: string;
  readonly rows: number;
  /** The measured quantity by the model in hand. */
  readonly value: number;
  /** Share of right predictions, where the labels are known. */
  readonly accuracy?: number;
}

/**
 * A query about many rows. Of a slice f is what is measured there. Of a gap f is what is measured in the first slice, the
 * lower one, less that in the second: at most 0, and 0 where there is no gap, so that a row with a positive score narrows
 * it.
 */
export interface MeasuredQuery {
  readonly kind: 'slice' | 'gap';
  /** Where the rows come from. */
  readonly from: string;
  readonly measure: Measure;
  /** The class whose probability a rate is. */
  readonly class?: number;
  /** One slice, or of a gap two, the lower first. */
  readonly slices: readonly MeasuredSlice[];
}

/** Weights of the rows of slices that stand one behind the other: a mean over the first, less one over the second. */
export function sliceWeights(counts: readonly number[]): Float64Array {
  const weights = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  for (const [k, count] of counts.entries()) {
    weights.fill((k === 0 ? 1 : -1) / count, at, at + count);
    at += count;
  }
  return weights;
}

/** Σ_q w_q h(p_q). @param logs log p of every query */
export function measuredValue({ weights, of }: MeasuredTerms, logs: ArrayLike<number>): number {
  let sum = 0;
  for (let q = 0; q < weights.length; q++) sum += weights[q] * (of === 'probability' ? Math.exp(logs[q]) : logs[q]);
  return sum;
}

/** The unit of what is measured. */
export const unitOf = ({ measure }: Pick<MeasuredQuery, 'measure'>): string =>
  measure === 'rate' ? 'probability' : 'nats';

/** What is measured, in words. */
export const measureText = ({ measure, class: k }: MeasuredQuery, classes: readonly string[]): string =>
  measure === 'rate' ? `mean probability of ${classes[k as number]}` : 'mean log-probability of the label';

/** f in words, as it stands in a sentence. */
export function measuredText(query: MeasuredQuery, classes: readonly string[]): string {
  const what = measureText(query, classes);
  const [first, second] = query.slices;
  return query.kind === 'slice'
    ? `${what} where ${first.filter}`
    : `${what} where ${first.filter}, less that where ${second.filter}`;
}

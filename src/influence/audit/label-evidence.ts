import { filled, mapped } from '../../tensor/filled.ts';
import { labelMargins } from '../label-margins.ts';
import { type Matrix, type Matrix64, rowOf, zeros } from '../matrix.ts';
import { lossesOf } from '../methods/controls.ts';
import type { Neighbours } from '../neighbours.ts';

/** Evidence for and against the label of every row. Arrays are by row. */
export interface LabelEvidence {
  /** `−log p(given label)`, nats. */
  readonly losses: Float64Array;
  /** Confident learning's margin of the given label from the probabilities alone; negative: another class is more at home. */
  readonly margins: Float64Array;
  /** The class that is more at home than the given one, by probabilities and neighbours together; −1 where there is one class only. */
  readonly suggested: Int32Array;
  /** 1 where confident learning, from probabilities and neighbours together, counts the row as a label error. */
  readonly flagged: Uint8Array;
  /** Share of the neighbours that have the row's label, nearer ones counting more; NaN without neighbours. */
  readonly agreement: Float64Array;
  /** How suspicious the label is: the share of the rows, from 0 to 1, that are less so by the mean of two orders, loss and disagreement of the neighbours. */
  readonly suspicion: Float64Array;
}

/**
 * Evidence of wrong labels from probabilities and, where representations are known, from neighbours.
 * @param neighbours of the rows among the rows, no row its own
 */
export function labelEvidence(
  probabilities: Matrix,
  labels: Int32Array,
  neighbours: Neighbours | undefined,
): LabelEvidence {
  const losses = lossesOf(probabilities, labels);
  const { margins } = labelMargins(probabilities, labels);
  const known = neighbours?.count ? neighbours : undefined;
  const votes = known ? neighbourVotes(known, labels, probabilities.columns) : undefined;
  const { others, confident } = labelMargins(votes ? meanOfBoth(probabilities, votes) : probabilities, labels);
  const agreement = mapped(Float64Array, labels, (label, i) => (votes ? rowOf(votes, i)[label] : Number.NaN));
  const byLoss = shareBelow(losses);
  const byNeighbours = votes ? shareBelow(agreement.map((share) => -share)) : byLoss;
  return {
    losses,
    margins,
    suggested: others,
    flagged: mapped(Uint8Array, confident, (k, i) => (k >= 0 && k !== labels[i] ? 1 : 0)),
    agreement,
    suspicion: shareBelow(byLoss.map((share, i) => share + byNeighbours[i])),
  };
}

/** `v_k = Σ_j w_j 1[y_j = k]/Σ_j w_j` over the neighbours of each row, `w_j = 1/(1 + d_j/mean d)`: rows × classes. */
export function neighbourVotes(
  { count, indices, distances }: Neighbours,
  labels: Int32Array,
  classes: number,
): Matrix64 {
  const votes = zeros(labels.length, classes);
  for (let i = 0; i < labels.length; i++) {
    const own = distances.subarray(i * count, (i + 1) * count);
    const mean = own.reduce((sum, d) => sum + d, 0) / count || 1;
    const all = own.reduce((sum, d) => sum + 1 / (1 + d / mean), 0);
    for (let j = 0; j < count; j++)
      votes.data[i * classes + labels[indices[i * count + j]]] += 1 / (1 + own[j] / mean) / all;
  }
  return votes;
}

function meanOfBoth(a: Matrix, b: Matrix): Matrix64 {
  const result = zeros(a.rows, a.columns);
  for (let i = 0; i < result.data.length; i++) result.data[i] = (a.data[i] + b.data[i]) / 2;
  return result;
}

/** For each value the share of the others that are smaller, equal ones counting half. */
export function shareBelow(values: Float64Array): Float64Array {
  const order = filled(new Uint32Array(values.length), (i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + end - 1) / 2 / Math.max(1, order.length - 1);
    start = end;
  }
  return result;
}

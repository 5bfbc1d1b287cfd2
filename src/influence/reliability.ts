import { WhereforeError } from '../errors.ts';
import type { Matrix64 } from './matrix.ts';
import { studentTwoSided } from './student-t.ts';

/**
 * How far a row's score is the same whatever the seed: `stable`: its sign holds when all rows are tried together (false
 * discoveries at most 5 % of those called stable); `weak`: it would hold if the row were the only one tried; `noise`: the
 * seeds do not agree on its sign.
 */
export type Reliability = 'stable' | 'weak' | 'noise';

/** Models that a reliability needs: with fewer, spread and mean cannot be told apart. */
export const leastSeeds = 5;

const level = 0.05;

export interface Judged {
  /** Mean over the models: queries × rows. */
  readonly mean: Matrix64;
  /** Standard error of the mean. */
  readonly error: Float64Array;
  readonly reliability: readonly Reliability[];
}

/**
 * Judges scores of models that differ by their seed alone: per row the t statistic of its scores, and over the rows of a
 * query the step-up of Benjamini and Hochberg (1995).
 * @throws WhereforeError `invalid-argument` for fewer than five models
 */
export function judgeScores(scores: readonly Matrix64[]): Judged {
  const count = scores.length;
  if (count < leastSeeds)
    throw new WhereforeError('invalid-argument', 'too few models to tell a stable score from noise', {
      got: `${count}`,
      expected: `at least ${leastSeeds}, trained the same way from other seeds`,
    });
  const [{ rows, columns }] = scores;
  const mean = new Float64Array(rows * columns);
  const error = new Float64Array(rows * columns);
  const chance = new Float64Array(rows * columns);
  for (let j = 0; j < mean.length; j++) {
    for (const { data } of scores) mean[j] += data[j] / count;
    let squares = 0;
    for (const { data } of scores) squares += (data[j] - mean[j]) ** 2;
    error[j] = Math.sqrt(squares / (count - 1) / count);
    // Equal scores of all models: certain where they are not 0.
    chance[j] = error[j] > 0 ? studentTwoSided(mean[j] / error[j], count - 1) : mean[j] === 0 ? 1 : 0;
  }
  const reliability = new Array<Reliability>(mean.length);
  for (let q = 0; q < rows; q++) {
    const own = chance.subarray(q * columns, (q + 1) * columns);
    const threshold = stepUp(own);
    for (let i = 0; i < columns; i++)
      reliability[q * columns + i] = own[i] <= threshold ? 'stable' : own[i] <= level ? 'weak' : 'noise';
  }
  return { mean: { rows, columns, data: mean }, error, reliability };
}

/** The largest p that is at most `level · rank/m`; −1 where none is. */
function stepUp(chances: Float64Array): number {
  const sorted = Float64Array.from(chances).sort();
  for (let k = sorted.length; k >= 1; k--) if (sorted[k - 1] <= (level * k) / sorted.length) return sorted[k - 1];
  return -1;
}

import { WhereforeError } from '../../errors.ts';
import type { Question } from '../why/question.ts';

/** What is looked at behind the last token of a text: F = Σ weight · logit, by token. */
export type LogitWeights = ReadonlyMap<number, number>;

/**
 * The logit of the first token of an answer, less that of another answer.
 * @throws WhereforeError `invalid-argument` where both begin alike
 */
export function logitWeights({ answer, against }: Question): LogitWeights {
  const weights = new Map([[answer.ids[0], 1]]);
  if (against) weights.set(against.ids[0], -1);
  if (against && weights.size < 2) {
    throw new WhereforeError('invalid-argument', 'both answers begin with the same token', {
      got: answer.texts[0],
      fix: 'move what they share to the prompt',
    });
  }
  return weights;
}

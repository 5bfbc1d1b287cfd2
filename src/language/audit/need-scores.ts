import { WhereforeError } from '../../errors.ts';
import type { TextModel } from '../text-model.ts';

/** @throws WhereforeError `unsupported-model` where a model does not tell the probability of a given answer */
export function needScores({ name, access }: TextModel): void {
  if (access.scores) return;
  throw new WhereforeError('unsupported-model', 'the model does not tell the probability of a given answer', {
    where: name,
    fix: 'use a local model, or a server that echoes log-probabilities',
  });
}

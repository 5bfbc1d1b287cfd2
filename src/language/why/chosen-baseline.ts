import { WhereforeError } from '../../errors.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { integratedGradients, relativeError, type TokenAttribution } from './gradient-methods.ts';
import type { Question } from './question.ts';
import { alternativeBaseline, baselineCandidates, type TokenBaseline } from './token-baselines.ts';
import type { MeasuredBaseline } from './why-document.ts';

/** Points at which baselines are compared. */
const comparedAt = 32;

export interface BaselineRequest {
  /** Word of the prompt → what could stand there. */
  readonly alternatives?: ReadonlyMap<string, string>;
  /** Name of a candidate. */
  readonly baseline?: string;
}

/**
 * The baseline that alternatives make or that is named, else the one with the least error at 32 points; with what was found
 * from it there, and how near each came.
 * @throws WhereforeError `unknown-name` for a name that no candidate has, and as {@link alternativeBaseline}
 */
export async function chosenBaseline(
  language: LanguageModel,
  program: EmbeddingProgram,
  question: Question,
  { alternatives, baseline: named }: BaselineRequest,
): Promise<{
  readonly baseline: TokenBaseline;
  readonly known: TokenAttribution;
  readonly measured: readonly MeasuredBaseline[];
}> {
  const candidates = alternatives?.size
    ? [await alternativeBaseline(language, program, question, alternatives)]
    : await baselineCandidates(language, program, question);
  const wanted = named === undefined ? candidates : candidates.filter(({ name }) => name === named);
  if (wanted.length === 0) {
    throw new WhereforeError('unknown-name', 'there is no such baseline', {
      got: named,
      expected: candidates.map(({ name }) => name).join(', '),
      fix: 'give one of these names, or leave --baseline away: the one with the least error is taken',
    });
  }
  const tried: { baseline: TokenBaseline; error: number; known: TokenAttribution }[] = [];
  for (const baseline of wanted) {
    const known = await integratedGradients(program, baseline, { points: comparedAt, mostPoints: comparedAt });
    tried.push({ baseline, error: relativeError(known), known });
  }
  const best = tried.reduce((least, one) => (one.error < least.error ? one : least));
  const measured = tried.map((one) => ({
    name: one.baseline.name,
    points: comparedAt,
    relativeError: one.error,
    target: one.known.target,
    chosen: one === best,
  }));
  return { ...best, measured };
}

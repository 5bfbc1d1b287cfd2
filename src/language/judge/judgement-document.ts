import { WhereforeError } from '../../errors.ts';
import { cohensKappa, type Estimate, overItems } from './agreement.ts';
import type { AnswerPair, Judgement, PairVerdict } from './judge-pairs.ts';
import { type CorrectedMean, predictionPowered } from './prediction-powered.ts';

/** Which answer of a pair a person found better. */
export type PersonsChoice = 'a' | 'b' | 'tie';

/** How a judge compares with people who rated some of the pairs. */
export interface AgainstPeople {
  readonly rated: number;
  /** Cohen's κ between the judge and people over the pairs that both rated; a verdict that is none counts as a tie. */
  readonly kappa: Estimate;
  /** Share of pairs that a wins by people's judgement, over all pairs: the judge corrected by people's labels. */
  readonly winRate: CorrectedMean | undefined;
  /** Why there is no corrected win rate. */
  readonly without?: string;
}

const worth: Readonly<Record<PersonsChoice, number>> = { a: 1, b: 0, tie: 0.5 };
const choiceOf = (verdict: PairVerdict): PersonsChoice => (verdict === 'a' || verdict === 'b' ? verdict : 'tie');

/**
 * Sets a judge against what people said about some of the pairs, which must have been drawn at random.
 * @param people by id of the pair
 * @throws WhereforeError `invalid-data` for ids that are no pair
 */
export function againstPeople(judgement: Judgement, people: ReadonlyMap<string, PersonsChoice>): AgainstPeople {
  const known = new Set(judgement.pairs.map(({ id }) => id));
  const stray = [...people.keys()].find((id) => !known.has(id));
  if (stray !== undefined)
    throw new WhereforeError('invalid-data', 'people rated a pair that is not there', { got: stray });
  const judged = judgement.pairs.map(({ verdict }) => choiceOf(verdict));
  const said = judgement.pairs.map(({ id }) => people.get(id));
  const rated = judgement.pairs.flatMap(({ id }, i) => (people.has(id) ? [i] : []));
  const rest = judgement.pairs.flatMap(({ id }, i) => (people.has(id) ? [] : [i]));
  const enough = rated.length >= 3 && rest.length >= 3;
  return {
    rated: rated.length,
    kappa: overItems([judged.map((choice, i) => (said[i] ? choice : undefined)), said], ([a, b]) => cohensKappa(a, b)),
    winRate: enough
      ? predictionPowered(
          rated.map((i) => worth[said[i] as PersonsChoice]),
          rated.map((i) => worth[judged[i]]),
          rest.map((i) => worth[judged[i]]),
        )
      : undefined,
    ...(enough ? {} : { without: 'people must have rated three pairs at least, and left three to the judge' }),
  };
}

/** Everything that a judgement says, as it is written. */
export interface JudgementDocument {
  readonly format: 'wherefore/judgement';
  readonly version: 1;
  readonly created: string;
  readonly versions: { readonly wherefore: string };
  readonly judge: { readonly name: string; readonly url?: string };
  readonly rubric: string;
  /** What the two sides are called. */
  readonly sides: { readonly a: string; readonly b: string };
  readonly pairs: readonly AnswerPair[];
  readonly judgement: Judgement;
  readonly people?: AgainstPeople;
  readonly used?: unknown;
  readonly command?: string;
}

/** The result in a sentence: who is better and how sure that is, or that it cannot be said, and why. */
export function judgementSentence({
  sides,
  judgement,
  people,
}: Pick<JudgementDocument, 'sides' | 'judgement' | 'people'>): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const corrected = people?.winRate;
  if (corrected) {
    const { mean, low, high } = corrected;
    const range = `${percent(mean)} of the pairs, 95 % interval ${percent(Math.max(0, low))} to ${percent(Math.min(1, high))}`;
    if (low > 0.5) return `${sides.a} is better by people's judgement: it wins ${range}.`;
    if (high < 0.5) return `${sides.b} is better by people's judgement: ${sides.a} wins ${range}.`;
    return `By people's judgement neither is better for sure: ${sides.a} wins ${range}.`;
  }
  const { verdict, winRate, orderBias, counts } = judgement;
  const { mean = 0.5, low, high } = winRate ?? {};
  const range = low === undefined || high === undefined ? '' : `, 95 % interval ${percent(low)} to ${percent(high)}`;
  if (verdict)
    return `The judge finds ${sides[verdict]} better: ${sides.a} wins ${percent(mean)} of the pairs${range}.`;
  const bias = orderBias?.low !== undefined && (orderBias.low > 0.5 || (orderBias.high ?? 0) < -0.5);
  if (bias)
    return `No verdict: the judge mostly takes the answer that stands ${(orderBias?.mean ?? 0) > 0 ? 'first' : 'second'}.`;
  const unread = counts.unreadable > judgement.pairs.length / 2;
  if (unread) return 'No verdict: most replies of the judge are no choice.';
  return `No verdict: ${sides.a} wins ${percent(mean)} of the pairs${range}, which may be chance.`;
}

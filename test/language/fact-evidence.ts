import type { FactData, FactQuestion } from '../../examples/language/facts.ts';
import { splitIds } from '../../src/language/generate/local-text-model.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { logitsAt } from '../../src/language/model/run.ts';
import { rowLogProbabilities } from '../../src/language/taught/row-probabilities.ts';

/** What is measured of the scores of all rows for one question. */
export interface FactEvidence {
  /** Share of the four sources among the first ten of all rows, and among the first four rows with the name. */
  readonly recall10: number;
  readonly recall4: number;
  /** The best source above both rows with the same words that state nothing. */
  readonly aboveEmpty: number;
  /** Share of pairs of a source and such a row in which the source is above. */
  readonly pairs: number;
}

const share = (values: readonly boolean[]) => values.filter((one) => one).length / values.length;

export function factEvidence(
  { rows }: FactData,
  { name, relation }: FactQuestion,
  scores: ArrayLike<number>,
): FactEvidence {
  const at = rows.map((_, i) => i);
  const ofFact = at.filter((i) => rows[i].name === name && rows[i].relation === relation);
  const sources = ofFact.filter((i) => rows[i].kind === 'stated');
  const empty = ofFact.filter((i) => rows[i].kind === 'empty');
  const first = (among: readonly number[], count: number) =>
    new Set(among.toSorted((a, b) => scores[b] - scores[a]).slice(0, count));
  const [ten, four] = [
    first(at, 10),
    first(
      at.filter((i) => rows[i].name === name),
      4,
    ),
  ];
  const best = (among: readonly number[]) =>
    among.reduce((high, i) => Math.max(high, scores[i]), Number.NEGATIVE_INFINITY);
  return {
    recall10: share(sources.map((i) => ten.has(i))),
    recall4: share(sources.map((i) => four.has(i))),
    aboveEmpty: Number(best(sources) > best(empty)),
    pairs: share(sources.flatMap((i) => empty.map((j) => scores[i] > scores[j]))),
  };
}

/** Of each question, log p of its answer, and whether the model gives it. */
export async function answersOf(language: LanguageModel, questions: readonly FactQuestion[]) {
  const rows = questions.map(({ prompt, answer }) => {
    const [start, own] = splitIds(language, prompt, ` ${answer}`);
    return { ids: [...start, ...own], from: start.length };
  });
  const right: boolean[] = [];
  for (const { ids, from } of rows) {
    const logits = await logitsAt(language, ids.slice(0, from));
    const last = logits.subarray(logits.length - language.tokenizer.size);
    right.push(last.every((logit) => logit <= last[ids[from]]));
  }
  return { logProbabilities: await rowLogProbabilities(language, rows), right };
}

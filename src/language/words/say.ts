import type { TextModel } from '../text-model.ts';
import { bySize, type ExplanationFacts, sizeText, totalText } from './facts.ts';
import type { Audience } from './tell.ts';
import { type CheckedSentence, verifyText } from './verify.ts';

/** A text about an explanation that a model wrote, checked. */
export interface SaidInWords {
  readonly sentences: readonly CheckedSentence[];
  /** What is left when the struck sentences are taken out. */
  readonly text: string;
}

const readers: Readonly<Record<Audience, string>> = {
  developer: 'a developer of machine learning models, who wants method, baseline, error and numbers',
  'domain-user': 'somebody who works with the results of the model and knows the subject, but no machine learning',
  'end-user': 'the person whom the result concerns; use no numbers where words do',
};

/**
 * Lets a model put an explanation into words, or answer a question about it, and checks every sentence: what the
 * explanation does not state is struck. One request.
 * @param question what a reader wants to know; default: the explanation as a whole
 */
export async function sayInWords(
  model: TextModel,
  facts: ExplanationFacts,
  audience: Audience,
  { question, signal }: { readonly question?: string; readonly signal?: AbortSignal } = {},
): Promise<SaidInWords> {
  const { text } = await model.generate(wordsPrompt(facts, audience, question), { maxTokens: 400, signal });
  const sentences = verifyText(text, facts);
  const kept = sentences.filter(({ status }) => status !== 'struck');
  return { sentences, text: kept.map((sentence) => sentence.text).join(' ') };
}

/** The words that a model is asked with. */
export function wordsPrompt(facts: ExplanationFacts, audience: Audience, question?: string): string {
  const quoted = (name: string) => (facts.kind === 'words' ? `“${name}”` : name);
  const lines = bySize(facts.features).map(
    ({ name, text, share }) =>
      `- ${quoted(name)}${text === undefined ? '' : ` (value: ${text})`}: ${share < 0 ? 'lowers' : 'raises'} it by ${sizeText(facts, share)}`,
  );
  const { baselineValue, difference, baseline, relativeError } = facts;
  return [
    question === undefined
      ? `Put this explanation of a model's result into words for ${readers[audience]}, in at most six short sentences.`
      : `Answer a question about this explanation of a model's result, for ${readers[audience]}, in at most three short sentences. If the explanation does not hold the answer, say only: “The explanation does not say this.”`,
    'State nothing but what stands here. Use names and numbers exactly as they stand here. Each sentence is checked.',
    [
      `The model gives ${totalText(facts, facts.value)} for “${facts.label}”.`,
      baselineValue !== undefined && `For the baseline (${baseline}) it gives ${totalText(facts, baselineValue)}.`,
      difference !== undefined && `The difference: ${difference < 0 ? '−' : '+'}${sizeText(facts, difference)}.`,
      relativeError !== undefined && `The error of the account: ${Number((100 * relativeError).toPrecision(2))} %.`,
      `Method: ${facts.method}.`,
      'What raises or lowers it:',
      ...lines,
    ]
      .filter(Boolean)
      .join('\n'),
    question !== undefined && `Question: ${question}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

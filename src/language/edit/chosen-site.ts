import type { LanguageModel } from '../model/language-model.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { type EditSite, editSite } from './edit-site.ts';
import { textsDivergence } from './next-tokens.ts';
import { answerValue, type FactInTokens, keyDirection, keyMoment, keyOf, withRankOne } from './rank-one.ts';

/** A layer and a token at which an edit was tried. */
export interface TriedSite {
  readonly layer: number;
  /** The token. */
  readonly at: string;
  /** log p of the answer with the best value there. */
  readonly logProbability: number;
  /** Mean of KL(before ‖ after) of the next token over the texts, in nats; null where the value does not bring the answer. */
  readonly textsKl: number | null;
  readonly chosen: boolean;
}

interface Candidate {
  readonly site: EditSite;
  readonly position: number;
  readonly value: Float64Array;
  readonly key: Float64Array;
  readonly logProbability: number;
  readonly direction: Float64Array;
  /** Whether the answer is more probable than not. */
  readonly brings: boolean;
  readonly textsKl?: number;
}

export interface SiteRequest {
  readonly layer?: number;
  readonly at?: 'subject' | 'last';
  readonly texts: readonly (readonly number[])[];
  readonly signal?: AbortSignal;
}

/** Texts over which candidates are compared. */
const comparedTexts = 64;

/**
 * Where to edit: at the last token of the subject, in the layer that is named or any; at the last token of the prompt only
 * where no layer brings the answer from the subject, since that changes an answer and not what is known. Of the edits that
 * bring the answer the one is taken that changes least of what the model says in the texts; where none does, the one that
 * makes the answer most probable.
 */
export async function chosenSite(
  language: LanguageModel,
  fact: FactInTokens,
  request: SiteRequest,
  onProgress: (what: string) => void,
): Promise<{ readonly found: readonly Candidate[]; readonly chosen: Candidate }> {
  const { layer, at } = request;
  const { contributions } = await anatomyOf(language);
  const all = contributions.flatMap(({ kind, layer }) => (kind === 'mlp' && layer !== undefined ? [layer] : []));
  const last = fact.prompt.length - 1;
  const places = at === 'subject' ? [fact.position] : at === 'last' ? [last] : [...new Set([fact.position, last])];
  const found: Candidate[] = [];
  for (const position of places) {
    for (const one of layer === undefined && all.length > 0 ? all : [layer ?? 0]) {
      onProgress(`what layer ${one} has to add`);
      found.push(await candidateAt(language, await editSite(language, one), { ...fact, position }, request));
    }
    if (found.some(({ brings }) => brings)) break;
  }
  const brings = found.filter((one) => one.brings);
  const chosen =
    brings.length > 0
      ? brings.reduce((a, b) => ((b.textsKl as number) < (a.textsKl as number) ? b : a))
      : found.reduce((a, b) => (b.logProbability > a.logProbability ? b : a));
  return { found, chosen };
}

/** Some of the texts, from all over them: those that stand together may be about one thing. */
const spreadOver = <T>(texts: readonly T[]): T[] => {
  const step = Math.ceil(texts.length / comparedTexts);
  return texts.filter((_, i) => i % step === 0);
};

async function candidateAt(
  language: LanguageModel,
  site: EditSite,
  fact: FactInTokens,
  { texts, signal }: SiteRequest,
): Promise<Candidate> {
  const { value, logProbability } = await answerValue(language, site, fact, signal);
  const key = await keyOf(language, site, fact);
  const direction = keyDirection(await keyMoment(language, site, texts, signal), key);
  const { position } = fact;
  if (logProbability <= Math.log(0.5)) return { site, position, value, key, logProbability, direction, brings: false };
  const edited = withRankOne(language, site, { direction, value });
  const textsKl = await textsDivergence(language, edited, spreadOver(texts), signal);
  return { site, position, value, key, logProbability, direction, brings: true, textsKl };
}

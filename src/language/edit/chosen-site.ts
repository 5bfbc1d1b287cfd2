import { WhereforeError } from '../../errors.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { type EditSite, editSite } from './edit-site.ts';
import { promises } from './layer-promise.ts';
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
  /** Whether the answer is more probable than not. */
  readonly brings: boolean;
  /** Where it does. */
  readonly direction?: Float64Array;
  readonly textsKl?: number;
}

/** A layer, or the first and the last of several. */
export type EditLayers = number | readonly [first: number, last: number];

export interface SiteRequest {
  readonly layer?: EditLayers;
  readonly at?: 'subject' | 'last';
  readonly texts: readonly (readonly number[])[];
  readonly signal?: AbortSignal;
}

/** Texts over which candidates are compared. */
const comparedTexts = 64;

/** Layers that are tried at a token where none is named: each takes many passes. */
const mostTried = 4;

/** Where it was tried, where it is done, and which layers were left out. */
interface ChosenSite {
  readonly found: readonly Candidate[];
  readonly chosen: Candidate;
  readonly direction: Float64Array;
  readonly notes: readonly string[];
}

/**
 * Where to edit: at the last token of the subject, in the layers that are named or any; at the last token of the prompt only
 * where no layer brings the answer from the subject, since that changes an answer and not what is known. Of many layers
 * some are tried of those whose MLP can change the answer (see {@link promises}). Of the edits that bring the answer the one
 * is taken that changes least of what the model says in the texts; where none does, the one that makes the answer most
 * probable.
 */
export async function chosenSite(
  language: LanguageModel,
  fact: FactInTokens,
  request: SiteRequest,
  onProgress: (what: string) => void,
): Promise<ChosenSite> {
  const { at, texts, signal } = request;
  const last = fact.prompt.length - 1;
  const places = at === 'subject' ? [fact.position] : at === 'last' ? [last] : [...new Set([fact.position, last])];
  const layers = await layersAt(language, fact, request);
  const found: Candidate[] = [];
  const notes: string[] = [];
  for (const position of places) {
    const { tried, note } = layers(position);
    for (const one of tried) {
      onProgress(`what layer ${one} has to add`);
      found.push(await candidateAt(language, await editSite(language, one), { ...fact, position }, request));
    }
    if (note) notes.push(`at "${language.tokenizer.textOf(fact.prompt[position]).trim()}": ${note}`);
    if (found.some(({ brings }) => brings)) break;
  }
  const brings = found.filter((one) => one.brings);
  const chosen =
    brings.length > 0
      ? brings.reduce((a, b) => ((b.textsKl as number) < (a.textsKl as number) ? b : a))
      : found.reduce((a, b) => (b.logProbability > a.logProbability ? b : a));
  const direction = chosen.direction ?? (await directionAt(language, chosen.site, chosen.key, { texts, signal }));
  return { found, chosen, direction, notes };
}

/** The layers that are tried at a token. */
async function layersAt(language: LanguageModel, fact: FactInTokens, { layer, signal }: SiteRequest) {
  const { contributions } = await anatomyOf(language);
  const mlps = contributions.filter(({ kind, layer }) => kind === 'mlp' && layer !== undefined);
  const all = mlps.map((one) => one.layer as number);
  if (layer !== undefined || all.length <= mostTried) {
    const named = layer === undefined ? all : layersOf(layer);
    // What is not there is told before the first is tried.
    for (const one of named) await editSite(language, one);
    // A model without MLPs, which is refused where one is looked for.
    return () => ({ tried: named.length > 0 ? named : [0], note: undefined });
  }
  const rises = await promises(
    language,
    fact,
    mlps.map(({ value }) => value),
    signal,
  );
  return (position: number) => {
    const rise = all.map((_, i) => rises[i][position]);
    const tried = spreadLayers(rise).map((i) => all[i]);
    const told = all.map((one, i) => `${one}: ${rise[i].toPrecision(2)}`).join(', ');
    const note = `of ${all.length} layers ${tried.join(', ')} were tried, from all over those whose MLP can change the answer (nats of log p a length of what it adds: ${told})`;
    return { tried, note };
  };
}

/** Layers that promise a tenth of the most at least: some from all over them, the most promising among them. */
export function spreadLayers(rise: readonly number[]): number[] {
  const best = rise.indexOf(rise.reduce((a, b) => Math.max(a, b)));
  const able = rise.flatMap((one, i) => (one >= 0.1 * rise[best] ? [i] : []));
  if (able.length <= mostTried) return able;
  const spread = Array.from(
    { length: mostTried },
    (_, k) => able[Math.round((k * (able.length - 1)) / (mostTried - 1))],
  );
  const nearest = spread.reduce((a, b) => (Math.abs(b - best) < Math.abs(a - best) ? b : a));
  return spread.map((one) => (one === nearest ? best : one));
}

/** @throws WhereforeError `invalid-argument` for a range that ends before it begins */
function layersOf(layer: EditLayers): number[] {
  const [first, last] = typeof layer === 'number' ? [layer, layer] : layer;
  if (last >= first) return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  throw new WhereforeError('invalid-argument', 'layer', {
    got: `${first} to ${last}`,
    expected: 'the first and the last of several layers',
    fix: `write ${last}-${first}`,
  });
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
  const { position } = fact;
  if (logProbability <= Math.log(0.5)) return { site, position, value, key, logProbability, brings: false };
  const direction = await directionAt(language, site, key, { texts, signal });
  const edited = withRankOne(language, site, { direction, value });
  const textsKl = await textsDivergence(language, edited, spreadOver(texts), signal);
  return { site, position, value, key, logProbability, direction, brings: true, textsKl };
}

/** The direction that gives the value to a key, and least to the keys of the texts. */
async function directionAt(
  language: LanguageModel,
  site: EditSite,
  key: Float64Array,
  { texts, signal }: Pick<SiteRequest, 'texts' | 'signal'>,
): Promise<Float64Array> {
  return keyDirection(await keyMoment(language, site, texts, signal), key);
}

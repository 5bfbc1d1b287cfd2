import type { EncodedText } from '../../data/inputs/text-length.ts';
import { WhereforeError } from '../../errors.ts';
import { checkCausal } from '../cache/causal.ts';
import { generate } from '../generate/generate.ts';
import { splitIds } from '../generate/local-text-model.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { checkFills, logsAtMasks, masksIn } from '../model/masks.ts';

/** A text whose probability is explained, and the one that it is compared with. */
export interface WhyRequest {
  readonly prompt: string;
  /** What the model is asked about; default: what it writes itself, greedily. */
  readonly answer?: string;
  /** Another answer: what is explained is then log p(answer) − log p(against). */
  readonly against?: string;
  /** Tokens that are written where no answer is given; default 20. */
  readonly maxTokens?: number;
  /** The one token of the answer that is explained, from 1; default all. */
  readonly token?: number;
  /** A part of the prompt that always stays, such as the question behind a document: nothing is shared out to it. */
  readonly keep?: string;
  readonly signal?: AbortSignal;
}

/** Tokens of one answer. */
export interface AnswerTokens {
  readonly text: string;
  readonly ids: readonly number[];
  readonly texts: readonly string[];
  /** Which of them count, from the first to before the last. */
  readonly counted: readonly [start: number, end: number];
}

/**
 * What is asked, in tokens: `f = Σ_j log p(y_j | x, y_<j)`, less the same of the other answer. Of a model that fills in
 * masks, `f = Σ_j log p(y_j at mask j | x)`.
 */
export interface Question {
  readonly prompt: string;
  readonly encoded: EncodedText;
  /** Of each token of the prompt, whether it always stays: special tokens, and those of the part that is kept. */
  readonly stays: readonly boolean[];
  readonly answer: AnswerTokens;
  readonly against?: AnswerTokens;
  readonly generated: boolean;
  /** Places of the masks that the answer fills, a token each; undefined where it stands behind the prompt. */
  readonly masks?: readonly number[];
}

/**
 * Turns a request into tokens.
 * @throws WhereforeError `invalid-argument` for an empty prompt or answer, or an answer that cannot be told from the
 *   prompt in tokens; `unknown-name` for a kept part that the prompt does not have; `out-of-range` for a token that is not
 *   there
 */
export async function questionOf(language: LanguageModel, request: WhyRequest): Promise<Question> {
  const { prompt, answer, against, token, keep, maxTokens = 20, signal } = request;
  if (prompt.trim() === '') {
    throw new WhereforeError('invalid-argument', 'the prompt is empty: there is nothing that could be the reason', {
      fix: 'give the prompt that the answer came from',
    });
  }
  const whole = language.tokenizer.encode(prompt);
  const masks = await masksIn(language, whole);
  const encoded = masks ? whole : promptOf(language, whole);
  if (answer !== undefined && against !== undefined && answer === against) {
    throw new WhereforeError('invalid-argument', 'the answer is compared with itself', {
      got: answer,
      fix: 'give another answer to compare with, or none',
    });
  }
  const of = (text: string) => (masks ? filling(language, masks, text) : given(language, prompt, text));
  const own = () => (masks ? filled(language, encoded.ids, signal) : written(language, prompt, maxTokens, signal));
  const both = async () => ({
    first: answer === undefined ? await own() : of(answer),
    other: against === undefined ? undefined : of(against),
  });
  const { first, other } = await both().catch(async (error: unknown) => {
    // Of what reads both ways there is more to say than that nothing can stand behind its prompt.
    if (!masks && !language.decoder) await checkCausal(language);
    throw error;
  });
  const explained = { ...first, counted: countedOf(first, token) };
  if (other && token !== undefined) {
    throw new WhereforeError('invalid-argument', 'one token of the answer, against a whole other answer', {
      fix: 'give an answer and another of which the last token differs, without --token',
    });
  }
  return {
    prompt,
    encoded,
    stays: stayingTokens(prompt, encoded, keep),
    answer: explained,
    against: other && { ...other, counted: [0, other.ids.length] },
    generated: answer === undefined,
    masks,
  };
}

/** A prompt without the special token that would end the text; what an encoder reads keeps it. */
function promptOf({ ends, decoder }: LanguageModel, encoded: EncodedText): EncodedText {
  const { ids, tokens, texts, spans, special, words } = encoded;
  const last = ids.length - 1;
  const count = !decoder && special[last] && ends.has(ids[last]) ? last : ids.length;
  const kept = <T>(list: readonly T[]) => list.slice(0, count);
  return {
    ids: kept(ids),
    tokens: kept(tokens),
    texts: kept(texts),
    spans: kept(spans),
    special: kept(special),
    words: kept(words),
  };
}

/** Of each token of a prompt, whether it always stays: special tokens, and those of the part that is kept. */
export function stayingTokens(prompt: string, { spans, special }: EncodedText, keep: string | undefined): boolean[] {
  if (keep === undefined) return [...special];
  const start = keep === '' ? -1 : prompt.lastIndexOf(keep);
  if (start < 0) {
    throw new WhereforeError('unknown-name', 'the prompt has no such part to keep', {
      got: keep,
      fix: 'write it as it stands there',
    });
  }
  const end = start + keep.length;
  const stays = spans.map((span, i) => special[i] || (span !== undefined && span[0] < end && span[1] > start));
  if (stays.includes(false)) return stays;
  throw new WhereforeError('invalid-argument', 'all of the prompt is kept: there is nothing that could be the reason', {
    got: keep,
    fix: 'keep a part of it, such as the question behind a document',
  });
}

async function written(language: LanguageModel, prompt: string, maxTokens: number, signal?: AbortSignal) {
  const { text, ids } = await generate(language, prompt, { maxTokens, signal });
  if (ids.length > 0) return tokensOf(language, text, ids);
  throw new WhereforeError('invalid-argument', 'the model ends the text right behind the prompt', {
    fix: 'give an answer: --answer "…"',
  });
}

/** What the model says at the masks itself. */
async function filled(language: LanguageModel, ids: readonly number[], signal?: AbortSignal) {
  const found = (await logsAtMasks(language, ids, signal)).map((logs) =>
    logs.reduce((best, log, id) => (log > logs[best] ? id : best), 0),
  );
  return tokensOf(language, language.tokenizer.decode(found), found);
}

/** The tokens of an answer that fills the masks; a space before it, as behind a prompt, makes no difference. */
function filling(language: LanguageModel, masks: readonly number[], answer: string) {
  const ids = [answer, answer.trim()]
    .map((text) => language.tokenizer.encode(text, { special: false }).ids)
    .sort((a, b) => Math.abs(a.length - masks.length) - Math.abs(b.length - masks.length))[0];
  const found = tokensOf(language, answer, ids);
  checkFills(masks, found.texts);
  return found;
}

/** @throws WhereforeError `unsupported-model` for a question about masks, of which something else is asked than why */
export function refuseMasks({ masks }: Question, { name }: LanguageModel): void {
  if (masks === undefined) return;
  throw new WhereforeError('unsupported-model', 'this looks into decoders, which write behind a prompt', {
    where: name,
    got: 'a model that fills in masks',
    fix: 'for those there is `language why`',
  });
}

/** The tokens of an answer that is given. */
function given(language: LanguageModel, prompt: string, answer: string) {
  if (!language.decoder) return tokensOf(language, answer, splitIds(language, prompt, answer)[1]);
  const { ids } = language.tokenizer.encode(answer, { special: false });
  if (ids.length > 0) return tokensOf(language, answer, ids);
  throw new WhereforeError('invalid-argument', 'the answer is empty', { fix: 'give a word at least' });
}

function tokensOf({ tokenizer }: LanguageModel, text: string, ids: readonly number[]) {
  return { text, ids, texts: ids.map((id) => tokenizer.textOf(id)) };
}

function countedOf({ ids, texts }: Pick<AnswerTokens, 'ids' | 'texts'>, token: number | undefined): [number, number] {
  if (token === undefined) return [0, ids.length];
  if (Number.isInteger(token) && token >= 1 && token <= ids.length) return [token - 1, token];
  throw new WhereforeError('out-of-range', 'the answer has no such token', {
    got: String(token),
    expected: `1 to ${ids.length}: ${texts.map((text, i) => `${i + 1} "${text}"`).join(', ')}`,
  });
}

import { openDecoder } from '../generate/decoder.ts';
import { openEncoderDecoder } from '../generate/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { logsAtMasks } from '../model/masks.ts';
import type { AnswerTokens, Question } from './question.ts';

/** Says how probable the answers are behind changed prompts; what two prompts share at their beginning is read once. */
export interface PrefixScorer {
  /** f of the question with another prompt; see {@link Question}. */
  score(prompt: readonly number[]): Promise<number>;
  /** f with only some tokens of the prompt, given as truth values. */
  scoreKept(kept: (token: number) => boolean): Promise<number>;
  /** Σ log p of the tokens of one answer that count. */
  logProbability(prompt: readonly number[], answer: AnswerTokens): Promise<number>;
  /** Prompts that were scored, and tokens that were read for them. */
  readonly cost: { readonly calls: number; readonly tokens: number };
  close(): Promise<void>;
}

/** Opens a scorer for a question; prompts may be as long as its own. */
export async function openPrefixScorer(
  language: LanguageModel,
  question: Question,
  signal?: AbortSignal,
): Promise<PrefixScorer> {
  if (language.decoder || question.masks) return encoderScorer(language, question, signal);
  const { answer, against, encoded } = question;
  const most = Math.max(answer.ids.length, against?.ids.length ?? 0);
  const decoder = await openDecoder(language, encoded.ids.length + most);
  let read: readonly number[] = [];
  const cost = { calls: 0, tokens: 0 };
  const summed = async (prompt: readonly number[], { ids, counted: [start, end] }: AnswerTokens) => {
    const all = [...prompt, ...ids.slice(0, end)];
    const shared = Math.min(sharedLength(read, all), prompt.length + start - 1);
    decoder.rewind(shared);
    const scores = await decoder.score(all.slice(shared, -1), ids.slice(start, end), signal);
    read = all.slice(0, -1);
    cost.tokens += all.length - 1 - shared;
    return scores.reduce((sum, score) => sum + score, 0);
  };
  const score = async (prompt: readonly number[]) => {
    cost.calls++;
    return (await summed(prompt, answer)) - (against ? await summed(prompt, against) : 0);
  };
  return {
    score,
    logProbability: summed,
    scoreKept: (kept) => score(encoded.ids.filter((_, i) => kept(i))),
    cost,
    close: () => decoder.close(),
  };
}

/** The same of what reads both ways, an encoder–decoder or a model that fills in masks: each prompt is read anew, since what comes later changes what came before. */
function encoderScorer(language: LanguageModel, question: Question, signal?: AbortSignal): PrefixScorer {
  const { answer, against, encoded, masks } = question;
  const cost = { calls: 0, tokens: 0 };
  const atMasks = async (prompt: readonly number[], { ids, counted: [start, end] }: AnswerTokens) => {
    cost.tokens += prompt.length;
    const logs = await logsAtMasks(language, prompt, signal);
    let sum = 0;
    for (let j = start; j < end; j++) sum += logs[j][ids[j]];
    return sum;
  };
  const behind = async (prompt: readonly number[], { ids, counted: [start, end] }: AnswerTokens) => {
    const decoder = await openEncoderDecoder(language, prompt, end);
    cost.tokens += prompt.length + end;
    const scores = await decoder.score([...prompt, ...ids.slice(0, end)], prompt.length + start, signal);
    return scores.reduce((sum, score) => sum + score, 0);
  };
  const logProbability = masks ? atMasks : behind;
  const score = async (prompt: readonly number[]) => {
    cost.calls++;
    return (await logProbability(prompt, answer)) - (against ? await logProbability(prompt, against) : 0);
  };
  return {
    score,
    logProbability,
    scoreKept: (kept) => score(encoded.ids.filter((_, i) => kept(i))),
    cost,
    close: async () => undefined,
  };
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

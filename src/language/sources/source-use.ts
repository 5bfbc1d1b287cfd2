import { WhereforeError } from '../../errors.ts';
import type { TextModel } from '../text-model.ts';

/** A text that the model was given to answer from. */
export interface Source {
  readonly id: string;
  readonly text: string;
}

export interface SourceQuestion {
  readonly sources: readonly Source[];
  readonly question: string;
  /** Default: what the model says with all sources. */
  readonly answer?: string;
  /** Puts sources and question together. Default: the sources, each in its own paragraph, then the question. */
  readonly prompt?: (sources: readonly Source[], question: string) => string;
}

export interface SourceUseOptions {
  /** Changes of log p below this, in nats, count as none. Default .5. */
  readonly floor?: number;
  /** Tokens of an answer that the model writes, at most. Default 32. */
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a source was for an answer. */
export interface SourceRole {
  readonly id: string;
  /** log p with all sources less log p without this one, in nats: what is lost when it is taken away. */
  readonly necessity: number;
  /**
   * log p with this source alone less the mean of log p with another one alone, in nats. Against no source at all a model
   * that ignores its sources shows a gain, too, because it never saw a question without any.
   */
  readonly sufficiency: number;
  /** Share of the words of the answer, numbers included, that stand in the source: support by its letters alone. */
  readonly overlap: number;
  /** Another source that says the same: without one of both nothing is lost, without both the answer. */
  readonly redundantWith?: string;
  /** `lowers it`: without it the answer is more probable. */
  readonly verdict: 'supports and is used' | 'is used' | 'supports' | 'lowers it' | 'neither';
}

export interface SourceUse {
  readonly answer: string;
  /** log p of the answer with all sources, and with none, in nats. */
  readonly withAll: number;
  readonly withNone: number;
  readonly sources: readonly SourceRole[];
  /** No source is used: the answer comes from elsewhere. */
  readonly ignoresSources: boolean;
  readonly floor: number;
  /** Answers whose probability was asked for. */
  readonly calls: number;
}

/** Sources that are tried in pairs: those that suffice best. */
const mostInPairs = 4;

const paragraphs = (sources: readonly Source[], question: string): string =>
  [...sources.map(({ text }) => text), question].join('\n\n');

/**
 * Which sources an answer was made from, and which only hold its words: what is lost without each, what each is worth
 * alone beside another one alone, and pairs of which either would do. For n sources 2n + 2 probabilities, and at most six
 * for pairs.
 * @throws WhereforeError `unsupported-model` where the model does not tell the probability of a given answer;
 *   `invalid-data` for fewer than two sources, or two of one name
 */
export async function sourceUse(
  model: TextModel,
  { sources, question, answer, prompt = paragraphs }: SourceQuestion,
  options: SourceUseOptions = {},
): Promise<SourceUse> {
  checkSources(model, sources);
  checkQuestion(question, options);
  const { floor = 0.5, maxTokens = 32, signal, onProgress } = options;
  const told = answer ?? (await model.generate(prompt(sources, question), { maxTokens, stop: ['\n'], signal })).text;
  if (told.trim() === '')
    throw new WhereforeError('invalid-data', 'the answer is empty', { where: model.name, fix: 'give one' });
  const total = 2 * sources.length + 2;
  let calls = 0;
  const worth = async (kept: readonly Source[]): Promise<number> => {
    const { logProbability } = await model.score(prompt(kept, question), told, { signal });
    calls++;
    onProgress?.(Math.min(calls, total), total);
    return logProbability;
  };
  const withAll = await worth(sources);
  const withNone = await worth([]);
  const necessity: number[] = [];
  const alone: number[] = [];
  for (const source of sources) {
    necessity.push(withAll - (await worth(sources.filter((other) => other !== source))));
    alone.push(await worth([source]));
  }
  const all = alone.reduce((sum, value) => sum + value, 0);
  const sufficiency = alone.map((value) => value - (all - value) / (sources.length - 1));
  const pairs = await redundantPairs(sources, { necessity, alone: sufficiency, withAll, floor }, worth);
  const roles = sources.map(({ id, text }, i): SourceRole => {
    const redundantWith = pairs.get(id);
    const overlap = overlapOf(told, text);
    const isUsed = necessity[i] > floor || redundantWith !== undefined;
    return {
      id,
      necessity: necessity[i],
      sufficiency: sufficiency[i],
      overlap,
      ...(redundantWith !== undefined && { redundantWith }),
      verdict: necessity[i] < -floor ? 'lowers it' : verdictOf(isUsed, overlap >= 0.5),
    };
  });
  const ignoresSources = roles.every(({ verdict }) => !verdict.endsWith('is used') && verdict !== 'lowers it');
  return { answer: told, withAll, withNone, sources: roles, ignoresSources, floor, calls };
}

function verdictOf(isUsed: boolean, supports: boolean): SourceRole['verdict'] {
  if (isUsed) return supports ? 'supports and is used' : 'is used';
  return supports ? 'supports' : 'neither';
}

/** Pairs of sources of which each may be missing, but not both. */
async function redundantPairs(
  sources: readonly Source[],
  known: {
    readonly necessity: readonly number[];
    readonly alone: readonly number[];
    readonly withAll: number;
    readonly floor: number;
  },
  worth: (kept: readonly Source[]) => Promise<number>,
): Promise<ReadonlyMap<string, string>> {
  const { necessity, alone, withAll, floor } = known;
  const found = new Map<string, string>();
  const candidates = [...sources.keys()]
    .filter((i) => Math.abs(necessity[i]) <= floor && alone[i] > floor)
    .sort((a, b) => alone[b] - alone[a])
    .slice(0, mostInPairs);
  for (const [k, i] of candidates.entries()) {
    for (const j of candidates.slice(k + 1)) {
      const [one, other] = [sources[i], sources[j]];
      const lost = withAll - (await worth(sources.filter((source) => source !== one && source !== other)));
      if (lost <= floor) continue;
      if (!found.has(one.id)) found.set(one.id, other.id);
      if (!found.has(other.id)) found.set(other.id, one.id);
    }
  }
  return found;
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Share of the words of an answer, each once, that stand in a text. */
export function overlapOf(answer: string, text: string): number {
  const words = new Set(wordsOf(answer));
  const there = new Set(wordsOf(text));
  let found = 0;
  for (const word of words) if (there.has(word)) found++;
  return words.size === 0 ? 0 : found / words.size;
}

function checkQuestion(question: string, { floor = 0 }: SourceUseOptions): void {
  if (question.trim() === '')
    throw new WhereforeError('invalid-argument', 'the question is empty', { fix: 'ask what the answer is to' });
  if (floor >= 0) return;
  throw new WhereforeError('invalid-argument', 'floor', {
    got: String(floor),
    expected: 'nats from 0',
    fix: 'give the change of log p that still counts as none',
  });
}

function checkSources({ name, access }: TextModel, sources: readonly Source[]): void {
  if (!access.scores) {
    throw new WhereforeError('unsupported-model', 'the model does not tell the probability of a given answer', {
      where: name,
      fix: 'use a local model, or a server that echoes log-probabilities',
    });
  }
  if (sources.length < 2) {
    throw new WhereforeError('invalid-data', 'too few sources to tell apart', {
      got: String(sources.length),
      expected: 'two at least',
    });
  }
  const seen = new Set<string>();
  for (const { id } of sources) {
    if (seen.has(id)) throw new WhereforeError('invalid-data', 'two sources have one name', { got: id });
    seen.add(id);
  }
}

import { WhereforeError } from '../../errors.ts';
import type { Access, Answer, AnswerOptions, AnswerScore, Message, Prompt, TextModel } from '../text-model.ts';
import { type AnswerCache, memoryCache, questionKey } from './answer-cache.ts';
import { readChatAnswer, readCompletion, readEcho, readModelList, type Usage } from './answers.ts';
import { Budget, type Limits, type Prices, type Used } from './limits.ts';
import { openRequests, RequestRefused, unknownModel } from './request.ts';

export interface EndpointOptions {
  /** Up to and including the version: `http://localhost:11434/v1` for Ollama, `http://localhost:8000/v1` for vLLM. */
  readonly url: string;
  readonly model: string;
  /** The variable of the environment that holds the key. Default `WHEREFORE_API_KEY`; without it no key is sent. */
  readonly keyVariable?: string;
  readonly limits: Limits;
  /** Needed where `limits.cost` is given. */
  readonly prices?: Prices;
  /** Where answers are kept. Default: in memory. */
  readonly cache?: AnswerCache;
  /** Attempts after the first that failed. Default 4. */
  readonly retries?: number;
  /** Milliseconds for one answer. Default 120,000. */
  readonly timeout?: number;
  /** Requests that begin within a minute, at most. Default: no limit. */
  readonly perMinute?: number;
  readonly signal?: AbortSignal;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Waits before another attempt; tests need not. Default: a timer. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** A language model behind an address. */
export interface Endpoint extends TextModel {
  readonly url: string;
  readonly used: () => Used;
}

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly sample?: number;
  readonly signal?: AbortSignal;
}

/**
 * Connects to an endpoint with the API of OpenAI (also Ollama, vLLM, llama.cpp), and finds out in at most seven requests
 * what it lets others see. Answers are kept in the cache, so that nothing is asked twice; what it found out is kept, too.
 * @throws WhereforeError `endpoint` where it cannot be used, `unknown-name` for a model that it does not have,
 * `limit-reached`, `invalid-argument`
 */
export async function connectEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { url, model, keyVariable = 'WHEREFORE_API_KEY', cache = memoryCache(), limits, prices, signal } = options;
  const key = process.env[keyVariable]?.trim() || undefined;
  const budget = new Budget(limits, prices);
  const request = openRequests({ ...options, key, keyVariable, budget });
  const where = url;

  /** An answer, from the cache where it is known. `read` refuses what has another form, which is not kept. */
  async function ask<T>(
    { path, body, sample = 0, signal }: Call,
    read: (json: unknown) => { readonly usage: Usage } & T,
  ): Promise<T> {
    const name = questionKey(url, path, body, sample);
    const known = await cache.get(name);
    if (known !== undefined) {
      budget.addCached();
      return read(known);
    }
    const json = await request(path, body, signal);
    const answer = read(json);
    budget.addTokens(answer.usage?.prompt_tokens ?? 0, answer.usage?.completion_tokens ?? 0);
    await cache.set(name, json);
    return answer;
  }

  const sampling = ({ temperature = 0, maxTokens = 256, stop, seed, sample = 0 }: AnswerOptions) => ({
    model,
    temperature,
    max_tokens: maxTokens,
    ...(stop?.length ? { stop } : {}),
    ...(seed === undefined ? {} : { seed: seed + sample }),
  });

  const chat = async (messages: readonly Message[], options: AnswerOptions, alternatives: number): Promise<Answer> => {
    const logprobs = alternatives > 0 ? { logprobs: true, top_logprobs: alternatives } : {};
    const body = { ...sampling(options), messages, ...logprobs };
    const { sample, signal } = options;
    return (await ask({ path: '/chat/completions', body, sample, signal }, (json) => readChatAnswer(json, where)))
      .answer;
  };

  const complete = async (prompt: string, options: AnswerOptions): Promise<Answer> => {
    const body = { ...sampling(options), prompt, logprobs: 1 };
    const { sample, signal } = options;
    return (await ask({ path: '/completions', body, sample, signal }, (json) => readCompletion(json, where))).answer;
  };

  const echo = async (prompt: string, answer: string, signal?: AbortSignal): Promise<AnswerScore | undefined> => {
    const body = { model, prompt: prompt + answer, max_tokens: 1, temperature: 0, echo: true, logprobs: 1 };
    return (await ask({ path: '/completions', body, signal }, (json) => readEcho(json, { prompt, answer }, where)))
      .score;
  };

  const access = await probe();

  return {
    name: model,
    url,
    access,
    used: () => budget.used,
    generate(prompt, options = {}) {
      if (typeof prompt !== 'string' || !access.completion) {
        if (!access.chat) throw refused('conversations', 'give the prompt as a text');
        const messages: readonly Message[] = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
        return chat(messages, options, access.alternatives);
      }
      return complete(prompt, options);
    },
    async score(prompt, answer, { signal } = {}) {
      if (!access.scores)
        throw refused(
          'the probability of a given answer',
          'use a local model, or a server that echoes log-probabilities',
        );
      const score = await echo(textOf(prompt), answer, signal);
      if (score) return score;
      throw new WhereforeError('endpoint', 'the endpoint did not give the log-probabilities of this text', {
        where,
        got: answer.slice(0, 60),
        fix: /^\s/.test(answer)
          ? 'try again; where it stays so, use a shorter text'
          : `begin the answer with the space that stands before it: " ${answer.slice(0, 20)}"; else try again`,
      });
    },
  };

  function textOf(prompt: Prompt): string {
    if (typeof prompt === 'string') return prompt;
    throw refused('scores of conversations', 'give the prompt as a text, with the turns written out');
  }

  function refused(what: string, fix: string): WhereforeError {
    return new WhereforeError('unsupported-model', `the endpoint does not give ${what}`, { where: model, fix });
  }

  async function probe(): Promise<Access> {
    const name = questionKey(url, 'access', model, 0);
    const known = await cache.get(name);
    if (known !== undefined) return known as Access;
    await checkModel();
    const short = { maxTokens: 8, signal };
    const say: readonly Message[] = [{ role: 'user', content: 'Name the colour of snow.' }];
    const first = await tryOnce(() => chat(say, short, 5));
    const plain = first ?? (await tryOnce(() => chat(say, short, 0)));
    const second = plain && (await tryOnce(() => chat(say, { ...short, sample: 1 }, first ? 5 : 0)));
    const spelling: readonly Message[] = [
      { role: 'user', content: 'Repeat exactly: alpha beta gamma delta' },
      { role: 'assistant', content: 'alpha beta' },
    ];
    const continued = plain && (await tryOnce(() => chat(spelling, short, 0)));
    const echoed = await tryOnce(async () => ({ score: await echo('Snow is', ' white', signal) }));
    const completed = echoed ?? (await tryOnce(() => complete('Snow is', short)));
    if (!plain && !completed) await chat(say, short, 0);
    const access = {
      chat: plain !== undefined,
      completion: completed !== undefined,
      scores: echoed?.score !== undefined,
      alternatives: first?.tokens?.length ? 5 : 0,
      prefill: continued !== undefined && /^\s*gamma/.test(continued.text),
      repeatable: plain !== undefined && plain.text === second?.text,
    };
    await cache.set(name, access);
    return access;
  }

  /** Endpoints that list their models list this one. */
  async function checkModel(): Promise<void> {
    const listed = await tryOnce(() => request('/models', undefined, signal));
    const names = readModelList(listed);
    if (names && names.length > 0 && !names.includes(model)) throw unknownModel(model, names, url);
  }

  /** undefined where the endpoint does not do this at all; what would end every request is thrown. */
  async function tryOnce<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RequestRefused) return undefined;
      throw error;
    }
  }
}

import { WhereforeError } from '../../errors.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import type { AnswerToken, Prompt, TextModel } from '../text-model.ts';
import { generate } from './generate.ts';
import { openRememberingDecoder, type RememberingDecoder } from './remembering-decoder.ts';

/** A language model of this machine as the strategies see it. */
export interface LocalTextModel extends TextModel {
  /** Closes what was opened for it; the language model stays open. */
  close(): Promise<void>;
}

/**
 * A language model of this machine as the strategies see it that also work with endpoints: everything is offered, a
 * conversation where the model has a chat template. Texts with the same beginning share the work for it.
 */
export function localTextModel(language: LanguageModel): LocalTextModel {
  refuseEncoderDecoder(language);
  const { name, tokenizer, chatTemplate } = language;
  let open: RememberingDecoder | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One text at a time: the decoder remembers the last one. */
  function inTurn<T>(length: number, work: (decoder: RememberingDecoder) => Promise<T>): Promise<T> {
    const mine = turn.then(async () => {
      if (open && open.capacity < length) {
        await open.close();
        open = undefined;
      }
      open ??= await openRememberingDecoder(language, length);
      return work(open);
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  const scored = async (
    decoder: RememberingDecoder,
    start: readonly number[],
    answer: readonly number[],
    signal?: AbortSignal,
  ) => {
    const scores = await decoder.score([...start, ...answer], start.length, signal);
    return answer.map((id, i): AnswerToken => ({ text: tokenizer.textOf(id), logProbability: scores[i] }));
  };
  return {
    name,
    access: {
      chat: chatTemplate !== undefined,
      completion: true,
      scores: true,
      alternatives: 0,
      prefill: true,
      repeatable: true,
    },
    async generate(prompt, { temperature = 0, maxTokens = 256, stop, sample = 0, seed = 0, signal } = {}) {
      // Samples of one seed are streams of their own.
      const drawn = { temperature, seed: sample === 0 ? seed : seed + sample / 2 ** 20 };
      const room = promptIds(language, prompt).length + maxTokens;
      return inTurn(room, async (decoder) => {
        const written = await generate(language, prompt, { ...drawn, maxTokens, stops: stop, signal, decoder });
        const { text, prompt: start, ids, stopped } = written;
        const tokens = ids.length === 0 ? [] : await scored(decoder, start, ids, signal);
        return { text, ended: stopped === 'max tokens' ? 'length' : 'stop', tokens };
      });
    },
    async score(prompt, answer, { signal } = {}) {
      const [start, own] = splitIds(language, prompt, answer);
      const tokens = await inTurn(start.length + own.length, (decoder) => scored(decoder, start, own, signal));
      return { logProbability: tokens.reduce((sum, { logProbability }) => sum + logProbability, 0), tokens };
    },
    close: async () => {
      await turn;
      await open?.close();
    },
  };
}

/** The tokens of a prompt and of what comes right behind it. @throws WhereforeError `invalid-argument` where one is both */
export function splitIds(language: LanguageModel, prompt: Prompt, answer: string): [number[], number[]] {
  const start = promptIds(language, prompt);
  const { tokenizer, chatTemplate } = language;
  const whole =
    typeof prompt === 'string'
      ? promptIds(language, prompt + answer)
      : [...tokenizer.encode(`${chatTemplate?.(prompt)}${answer}`, { special: false }).ids];
  if (whole.length > start.length && start.every((id, i) => whole[i] === id)) return [start, whole.slice(start.length)];
  if (answer !== '' && whole.length === start.length && start.every((id, i) => whole[i] === id)) {
    throw new WhereforeError('invalid-argument', 'the answer adds no token to the prompt', {
      got: JSON.stringify(answer),
      fix: 'give a word at least',
    });
  }
  throw new WhereforeError(
    'invalid-argument',
    answer === '' ? 'the answer is empty' : 'the tokenizer joins the end of the prompt and the beginning of the answer',
    {
      got: `…|${answer.slice(0, 12)}…`,
      fix: answer === '' ? 'give a word at least' : 'let the answer begin with a space, or at the beginning of a word',
    },
  );
}

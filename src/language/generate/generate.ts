import { WhereforeError } from '../../errors.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import type { Prompt } from '../text-model.ts';
import { openEncoderDecoder } from './encoder-decoder.ts';
import { openRememberingDecoder, type RememberingDecoder } from './remembering-decoder.ts';
import { createSampler, type SamplingOptions, samplingOf } from './sampling.ts';
import { textStream } from './text-stream.ts';

export interface GenerateOptions extends SamplingOptions {
  /** Tokens that are written at most; default 100. */
  readonly maxTokens?: number;
  /** Texts at which to stop; they are not part of the result. */
  readonly stops?: readonly string[];
  /** Called with each piece of text as soon as it is certain. */
  readonly onText?: (piece: string) => void;
  readonly signal?: AbortSignal;
  /** An open decoder of the model with room for the text, which stays open. Default: one is opened and closed. */
  readonly decoder?: RememberingDecoder;
}

export interface Generated {
  /** What was written behind the prompt. */
  readonly text: string;
  readonly prompt: readonly number[];
  /** Tokens that were written, the one that ended the text left out. */
  readonly ids: readonly number[];
  /** Why it stopped: the model ended the text, a stop string came, the number of tokens, or no room. */
  readonly stopped: 'end' | 'stop string' | 'max tokens';
}

/**
 * Continues a text, or answers a conversation, token by token, each drawn from softmax(logits / temperature) as the settings restrict it; greedy by
 * default. Keys and values of earlier tokens stay with the runtime.
 * @throws WhereforeError `invalid-argument` for settings out of their range, `out-of-range` where the text does not fit
 *   the model, `unsupported-model` for a model that looks at later tokens
 * @example
 * const { text } = await generate(language, 'Once upon a time', { maxTokens: 40 });
 */
export async function generate(
  language: LanguageModel,
  prompt: Prompt,
  options: GenerateOptions = {},
): Promise<Generated> {
  const { maxTokens = 100, stops = [], onText, signal, decoder: _, ...sampling } = options;
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new WhereforeError('invalid-argument', 'the number of tokens to write', {
      got: String(maxTokens),
      expected: 'a whole number from 1',
    });
  }
  if (stops.some((stop) => stop === '')) throw new WhereforeError('invalid-argument', 'a stop string is empty');
  const sampler = createSampler(samplingOf(sampling));
  const start = promptIds(language, prompt);
  const decoder = options.decoder ?? (await openWriter(language, start, maxTokens));
  try {
    const stream = textStream(language.tokenizer, start, stops);
    const ids: number[] = [];
    const finished = (stopped: Generated['stopped']) => {
      const end = stopped === 'stop string' ? '' : stream.end();
      if (end) onText?.(end);
      return { text: stream.text, prompt: start, ids, stopped };
    };
    let logits = await decoder.read(start, signal);
    for (;;) {
      const id = sampler.choose(logits, [...start, ...ids]);
      if (language.ends.has(id)) return finished('end');
      ids.push(id);
      const cut = pushed(stream, id, { stops, onText, tokenizer: language.tokenizer, start, ids });
      if (cut !== undefined) return { text: cut, prompt: start, ids, stopped: 'stop string' };
      if (ids.length === maxTokens) return finished('max tokens');
      logits = await decoder.read([...start, ...ids], signal);
    }
  } finally {
    if (!options.decoder) await decoder.close();
  }
}

/** What tells the logits behind a text: a decoder with a cache, or an encoder–decoder that reads its prompt once. */
const openWriter = (
  language: LanguageModel,
  start: readonly number[],
  maxTokens: number,
): Promise<RememberingDecoder> =>
  language.decoder
    ? openEncoderDecoder(language, start, maxTokens)
    : openRememberingDecoder(language, start.length + maxTokens);

interface Around extends Pick<GenerateOptions, 'onText'> {
  readonly stops: readonly string[];
  readonly tokenizer: LanguageModel['tokenizer'];
  readonly start: readonly number[];
  readonly ids: readonly number[];
}

/** Gives out what is certain; the whole text, where a stop string has come. */
function pushed(stream: ReturnType<typeof textStream>, id: number, around: Around): string | undefined {
  const { stops, onText, tokenizer, start, ids } = around;
  const before = stream.text;
  const piece = stream.push(id);
  const all = stops.length > 0 ? tokenizer.decode([...start, ...ids]).slice(tokenizer.decode(start).length) : '';
  const places = stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
  if (places.length === 0) {
    if (piece) onText?.(piece);
    return undefined;
  }
  const end = all.slice(
    0,
    places.reduce((least, at) => Math.min(least, at)),
  );
  if (end.length > before.length) onText?.(end.slice(before.length));
  return end;
}

import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { WhereforeError } from '../../errors.ts';
import { maxOf } from '../../tensor/extremes.ts';
import type { WithinTime } from '../files/within-time.ts';
import { emptyTokens } from './empty-token.ts';
import { type EncodedText, type TextLimits, truncationOf } from './text-length.ts';
import { alignTokens, wordsOf } from './token-alignment.ts';

/** Turns texts into token ids and back. */
export interface Tokenizer {
  /** @param options.special Whether the special tokens are added that the tokenizer puts around a text; default true. */
  encode(text: string, options?: { readonly special?: boolean }): EncodedText;
  /** The text of tokens, special ones left out. Bytes that end within a letter become U+FFFD. */
  decode(ids: readonly number[]): string;
  /** The token of an id as a person reads it; the id in angle brackets where the vocabulary has none. */
  textOf(id: number): string;
  idOf(token: string): number | undefined;
  /** Ids of tokens that are not made of text: the beginning, the end, padding, masks. */
  readonly special: ReadonlySet<number>;
  /** What words and letters become that the vocabulary lacks; undefined where it lacks none, or refuses them. */
  readonly unknown?: number;
  /** Number of ids: the largest one and 1. */
  readonly size: number;
  /** What its `truncation` says of long texts. */
  readonly limits: TextLimits;
}

/**
 * A tokenizer from the text of a `tokenizer.json` (Hugging Face).
 * @param within Stops what does not end: the regular expressions of the file run for each text.
 * @throws WhereforeError `invalid-data` for another form
 */
export async function parseTokenizer(
  json: string,
  { where = 'tokenizer.json', within }: { readonly where?: string; readonly within: WithinTime },
): Promise<Tokenizer> {
  const refuse = (cause: unknown) =>
    new WhereforeError('invalid-data', 'not a tokenizer', {
      where,
      got: cause instanceof Error ? cause.message : undefined,
      expected: 'a tokenizer.json as Hugging Face writes it',
      cause,
    });
  const limited = <T>(work: () => T) => endingWork(work, within, where);
  let content: { model?: { vocab?: unknown; unk_token?: unknown; unk_id?: unknown } };
  const tokenizers = await import('@huggingface/tokenizers');
  let inner: HuggingFaceTokenizer;
  try {
    content = JSON.parse(json);
    if (!content?.model?.vocab) throw new Error('a file without model.vocab');
    inner = new tokenizers.Tokenizer(content, settingsOf(content.model));
  } catch (cause) {
    throw refuse(cause);
  }
  const added = inner.get_added_tokens_decoder();
  const unknown = unknownId(content.model, (token) => inner.token_to_id(token));
  // A word that the vocabulary lacks was written by somebody, whatever the tokenizer calls its token.
  const special = new Set([...added].filter(([id, token]) => token.special && id !== unknown).map(([id]) => id));
  const size = maxOf(inner.get_vocab(true).values()) + 1;
  return {
    special,
    unknown,
    size,
    limits: truncationOf(content),
    idOf: (token) => inner.token_to_id(token),
    textOf: (id) => {
      const token = inner.id_to_token(id);
      if (token === undefined) return `<${id}>`;
      return special.has(id) ? token : plain(token);
    },
    decode: (ids) => limited(() => inner.decode([...ids], { skip_special_tokens: true })),
    encode: (text, { special: added = true } = {}) => {
      const { ids, tokens } = limited(() => checked(inner.encode(text, { add_special_tokens: added })));
      const isSpecial = ids.map((id) => special.has(id));
      const spans = alignTokens(text, tokens, isSpecial, (i) => ids[i] === unknown);
      return {
        ids,
        tokens,
        texts: tokens.map((token, i) => {
          const span = spans[i];
          return span && span[1] > span[0] ? text.slice(span[0], span[1]) : isSpecial[i] ? token : plain(token);
        }),
        spans,
        special: isSpecial,
        words: wordsOf(text, spans, isSpecial),
      };
    },
  };
}

/** Models of words and their parts ask the model itself for the token of what they do not know, models of whole words the settings. */
const settingsOf = ({ unk_token: token }: { readonly unk_token?: unknown }) =>
  typeof token === 'string' ? { unk_token: token } : {};

/** What the tokenizer's program gave: its vocabulary may hold anything in place of ids. */
function checked({ ids, tokens }: { readonly ids: unknown[]; readonly tokens: unknown[] }) {
  for (const [i, id] of ids.entries()) {
    if (id === undefined)
      throw new Error(`its vocabulary has neither ${JSON.stringify(tokens[i])} nor a token for unknown words`);
    if (!Number.isSafeInteger(id) || (id as number) < 0)
      throw new Error(`the token ${JSON.stringify(tokens[i])} has the id ${JSON.stringify(id)}`);
  }
  return { ids: ids as number[], tokens: tokens.map(String) };
}

/** Id of the token for words that the vocabulary lacks: named by the model, else by one of its usual names. */
function unknownId(
  { unk_token: token, unk_id: id }: { readonly unk_token?: unknown; readonly unk_id?: unknown },
  idOf: (token: string) => number | undefined,
): number | undefined {
  if (typeof id === 'number') return id;
  const names = typeof token === 'string' ? [token] : emptyTokens.unk;
  return names.map(idOf).find((found) => found !== undefined);
}

/** Milliseconds for one text: a pattern of the file may try more ways than there are atoms. */
const patience = 5000;

/** What `work` returns. @throws WhereforeError `invalid-data` when time is up, or when the tokenizer's own program fails */
function endingWork<T>(work: () => T, within: WithinTime, where: string): T {
  let done: { readonly value: T } | undefined;
  try {
    done = within(work, patience);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the tokenizer fails on this text', {
      where,
      got: cause instanceof Error ? cause.message : String(cause),
      fix: 'write the text in words of its vocabulary, or get the tokenizer again',
      cause,
    });
  }
  if (done) return done.value;
  throw new WhereforeError('invalid-data', 'the tokenizer does not end', {
    where,
    got: `more than ${patience / 1000} s for one text`,
    expected: 'patterns that end',
    fix: 'give a shorter text, or fix the regular expressions of the tokenizer',
  });
}

/** A token without the prefix of its tokenizer: a space for the mark of a word's beginning. */
function plain(token: string): string {
  return token
    .replaceAll('▁', ' ')
    .replace(/^##/, '')
    .replace(/^Ġ/, ' ')
    .replace(/<\/w>$/, ' ');
}

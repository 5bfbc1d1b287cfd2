import type { Dataset } from '../../dataset/dataset.ts';
import { datasetOf } from '../../dataset/in-memory.ts';
import { WhereforeError } from '../../errors.ts';
import { noLabel } from '../../influence/gradient-passes.ts';
import { int64 } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** A text in tokens, and from which of them on each is foretold from those before it. */
export interface TokenRow {
  readonly ids: readonly number[];
  /** The first token whose loss counts, from 1: nothing foretells the one before it. */
  readonly from: number;
}

/**
 * Texts as rows of one length: token ids, with the next token as the label of each, {@link noLabel} where it does not
 * count. What fills a row lies behind its text, where a decoder never looks.
 */
export function tokenRows(language: LanguageModel, rows: readonly TokenRow[], length: number, name: string): Dataset {
  const next = new BigInt64Array(rows.length * length).fill(BigInt(noLabel));
  const padded = rows.map(({ ids, from }, i) => {
    for (let t = Math.max(1, from); t < ids.length; t++) next[i * length + t - 1] = BigInt(ids[t]);
    return [...ids, ...new Array<number>(length - ids.length).fill(ids[0])];
  });
  const real = rows.map(({ ids }) => ids.length);
  const inputs = Object.fromEntries(feedsOf(language, padded, real));
  return datasetOf(inputs, { name, labels: int64([rows.length, length], next) });
}

/** Tokens of training texts. @throws WhereforeError `invalid-data` for a text without two tokens, or one that is too long */
export function trainingRows({ tokenizer, longest }: LanguageModel, texts: readonly string[]): TokenRow[] {
  return texts.map((text, i) => {
    const { ids } = tokenizer.encode(text);
    const tooLong = longest !== undefined && ids.length > longest;
    if (ids.length >= 2 && !tooLong) return { ids, from: 1 };
    throw new WhereforeError('invalid-data', tooLong ? 'a training text is too long' : 'a training text is too short', {
      where: `line ${i + 1}`,
      got: `${ids.length} tokens`,
      expected: longest === undefined ? 'two at least' : `2 to ${longest}`,
      fix: 'give the texts as the training cut them, one on each line',
    });
  });
}

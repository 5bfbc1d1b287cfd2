import { emptyToken } from '../../data/inputs/empty-token.ts';
import type { EncodedText } from '../../data/inputs/text-length.ts';
import { WhereforeError } from '../../errors.ts';
import { looksAhead } from '../cache/causal.ts';
import type { LanguageModel } from './language-model.ts';
import { logitsAt } from './run.ts';

/** Places of the masks among some tokens. */
export function masksAmong({ tokenizer }: Pick<LanguageModel, 'tokenizer'>, ids: readonly number[]): number[] {
  const mask = emptyToken(tokenizer, 'mask');
  return ids.flatMap((id, i) => (id === mask?.id ? [i] : []));
}

/**
 * Places of the masks of a text for a model that fills them in, one that reads what stands behind them too; undefined
 * where the text has none, or the model writes from left to right.
 */
export async function masksIn(language: LanguageModel, { ids }: EncodedText): Promise<readonly number[] | undefined> {
  if (language.decoder) return undefined;
  const places = masksAmong(language, ids);
  return places.length > 0 && (await looksAhead(language)) > 0 ? places : undefined;
}

/** log p of every token of the vocabulary at the masks of a text. */
export async function logsAtMasks(
  language: LanguageModel,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Float64Array[]> {
  const logits = await logitsAt(language, ids, signal);
  const width = logits.length / ids.length;
  return masksAmong(language, ids).map((at) => {
    const row = logits.subarray(at * width, (at + 1) * width);
    const most = row.reduce((a, b) => Math.max(a, b));
    const total = most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    const logs = new Float64Array(width);
    for (let i = 0; i < width; i++) logs[i] = row[i] - total;
    return logs;
  });
}

/** @throws WhereforeError `invalid-argument` where an answer does not have a token for each mask */
export function checkFills(masks: readonly number[], texts: readonly string[]): void {
  if (texts.length === masks.length) return;
  throw new WhereforeError('invalid-argument', 'the answer does not fill the masks of the prompt', {
    got: `${texts.length} token${texts.length === 1 ? '' : 's'} (${texts.map((text) => `"${text}"`).join(', ')}) for ${masks.length} mask${masks.length === 1 ? '' : 's'}`,
    expected: 'one token for each mask',
    fix: 'give another word, or as many masks as it has tokens',
  });
}

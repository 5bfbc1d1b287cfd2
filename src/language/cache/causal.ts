import { emptyToken } from '../../data/inputs/empty-token.ts';
import { WhereforeError } from '../../errors.ts';
import { memo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** Tokens of the texts that are compared. */
const tried = 8;

/** Float32 sums in another order differ by less, relative to the largest logit. */
const tolerance = 1e-3;

/** Reads a text, and gives the logits behind its first tokens. */
export type FirstLogits = (ids: readonly number[], count: number) => Promise<Float32Array>;

/**
 * By how much what the model says at a token changes with tokens behind it, relative to the largest logit; 0 where by no
 * more than sums in another order differ. Two texts that begin alike are compared as far as they do, once for each model,
 * at eight tokens.
 * @throws WhereforeError `not-finite` for logits that are no numbers
 */
export const looksAhead = memo(
  (language: LanguageModel): Promise<number> => inOwnSession(language, (read) => changeAhead(language, read)),
);

async function changeAhead(language: LanguageModel, read: FirstLogits): Promise<number> {
  const ids = Array.from({ length: tried }, (_, i) => (7 + 5 * i) % language.tokenizer.size);
  const changed = ids.map((id, i) => (i < tried / 2 ? id : (id + 3) % language.tokenizer.size));
  const [a, b] = [(await read(ids, tried / 2)).slice(), await read(changed, tried / 2)];
  let [most, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(a[i]));
  }
  if (!Number.isFinite(a[0]) || !Number.isFinite(largest)) {
    throw new WhereforeError('not-finite', 'the model gives logits that are no numbers', {
      where: language.name,
      got: String(Number.isFinite(a[0]) ? largest : a[0]),
      fix: 'look for weights that are NaN or infinite, or export the model again',
    });
  }
  return most <= tolerance * largest ? 0 : most / largest;
}

/** Models that were found not to look ahead. */
const causal = new WeakSet<LanguageModel>();

/**
 * @param read an open session to ask, if there is one: none is opened then unless it says no
 * @throws WhereforeError `unsupported-model` where the model looks at later tokens, as encoders do
 */
export async function checkCausal(language: LanguageModel, read?: FirstLogits): Promise<void> {
  if (causal.has(language)) return;
  const change = read && (await changeAhead(language, read)) === 0 ? 0 : await looksAhead(language);
  if (change === 0) {
    causal.add(language);
    return;
  }
  const mask = emptyToken(language.tokenizer, 'mask');
  throw new WhereforeError(
    'unsupported-model',
    'the model looks at tokens that come later, so it cannot write a text',
    {
      where: language.name,
      got: `logits that change by ${(100 * change).toFixed(0)} % of the largest when later tokens do`,
      expected: 'a decoder (GPT-2, Llama and the like)',
      fix: mask
        ? `it fills in words: write ${mask.token} where one is asked for, and ask \`language why\``
        : 'take a model that was exported for text generation',
    },
  );
}

/** Asks in a session that is closed again: its weights are read from the file as they lie there. */
async function inOwnSession(language: LanguageModel, ask: (read: FirstLogits) => Promise<number>): Promise<number> {
  const { model, logits } = language;
  const session = await model.executor.open(model.graph, { optimization: 'none', prepack: false });
  try {
    return await ask(async (ids, count) => {
      const results = await session.run(feedsOf(language, [ids]), [logits]);
      const all = results.get(logits)?.data as Float32Array;
      return all.subarray(0, (count * all.length) / ids.length);
    });
  } finally {
    await session.release();
  }
}

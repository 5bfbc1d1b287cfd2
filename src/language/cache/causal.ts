import { WhereforeError } from '../../errors.ts';
import { memo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';

/** Tokens of the texts that are compared. */
const tried = 8;

/** Float32 sums in another order differ by less, relative to the largest logit. */
const tolerance = 1e-3;

/**
 * Whether what the model says at a token depends on tokens behind it: two texts that begin alike must give the same
 * logits as far as they do. Seen once for each model, at eight tokens.
 * @throws WhereforeError `unsupported-model` where it does, as in encoders
 */
export const checkCausal = memo(async (language: LanguageModel): Promise<void> => {
  const ids = Array.from({ length: tried }, (_, i) => (7 + 5 * i) % language.tokenizer.size);
  const changed = ids.map((id, i) => (i < tried / 2 ? id : (id + 3) % language.tokenizer.size));
  const [a, b] = [await logitsAt(language, ids), await logitsAt(language, changed)];
  let [most, largest] = [0, 0];
  const compared = (tried / 2) * (a.length / tried);
  for (let i = 0; i < compared; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(a[i]));
  }
  if (most <= tolerance * largest) return;
  throw new WhereforeError(
    'unsupported-model',
    'the model looks at tokens that come later, so it cannot write a text',
    {
      where: language.name,
      got: `logits that change by ${most.toPrecision(2)} when later tokens do`,
      expected: 'a decoder (GPT-2, Llama and the like)',
    },
  );
});

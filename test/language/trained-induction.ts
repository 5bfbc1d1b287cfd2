import { inductionVocabulary, inductionWordsOf } from '../../examples/language/induction.ts';
import { type AttentionPattern, attentionPatterns } from '../../src/language/circuit/attention-patterns.ts';
import { componentsOf } from '../../src/language/circuit/components.ts';
import { type HeadPlace, withoutHeads } from '../../src/language/circuit/without-heads.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { logitsAt } from '../../src/language/model/run.ts';
import { readValues } from '../../src/language/where/read-values.ts';
import { largestAt } from '../../src/tensor/extremes.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const form = { before: 4, part: 14 };
const second = 1 + form.before + form.part;

export interface TrainedInduction {
  /** Heads that look one back, or behind equal words, with more than .4 of their weight. */
  readonly found: readonly HeadPlace[];
  /** Of each text the share of the second part's words, but for its first, that are foretold. */
  readonly whole: readonly number[];
  readonly withoutFound: readonly number[];
  readonly withoutOthers: readonly number[];
}

/** What the heads of induction are worth: ablated together, and all others. */
export async function trainedInduction(language: LanguageModel, count: number): Promise<TrainedInduction> {
  const texts = Array.from({ length: count }, (_, i) => inductionWordsOf(99, i, form));
  const heads = await headPatterns(language, texts.slice(0, 8));
  const found = heads.filter(({ layer, previous, induction }) => (layer === 0 ? previous : induction) > 0.4);
  const others = heads.filter((head) => !found.includes(head));
  return {
    found,
    whole: await foretold(language, texts),
    withoutFound: await foretold(await withoutHeads(language, found, texts.slice(0, 8)), texts),
    withoutOthers: await foretold(await withoutHeads(language, others, texts.slice(0, 8)), texts),
  };
}

async function headPatterns(language: LanguageModel, texts: readonly (readonly number[])[]) {
  const { attentions } = await componentsOf(language);
  const heads: (HeadPlace & { previous: number; induction: number })[] = [];
  for (const { layer, weights, heads: count } of attentions) {
    const seen: AttentionPattern[][] = [];
    for (const ids of texts) {
      const { values } = await readValues(language, ids, [weights]);
      seen.push(attentionPatterns(values.get(weights) as Tensor<'float32'>, ids));
    }
    const mean = (of: (text: readonly AttentionPattern[]) => number) =>
      seen.reduce((sum, text) => sum + of(text), 0) / seen.length;
    for (let head = 0; head < count; head++)
      heads.push({
        layer,
        head,
        previous: mean((p) => p[head].previous ?? 0),
        induction: mean((p) => p[head].induction ?? 0),
      });
  }
  return heads;
}

async function foretold(language: LanguageModel, texts: readonly (readonly number[])[]): Promise<number[]> {
  const vocabulary = inductionVocabulary.length;
  const shares: number[] = [];
  for (const ids of texts) {
    const logits = await logitsAt(language, ids);
    let [right, all] = [0, 0];
    for (let t = second; t + 1 < ids.length; t++) {
      if (largestAt(logits.subarray(t * vocabulary, (t + 1) * vocabulary)) === ids[t + 1]) right++;
      all++;
    }
    shares.push(right / all);
  }
  return shares;
}

import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { type AttentionPattern, attentionPatterns } from '../../src/language/circuit/attention-patterns.ts';
import { componentsOf } from '../../src/language/circuit/components.ts';
import { type HeadPlace, withoutHeads } from '../../src/language/circuit/without-heads.ts';
import { largest } from '../../src/language/generate/sampling.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { logitsAt } from '../../src/language/model/run.ts';
import { readValues } from '../../src/language/where/read-values.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { inductionVocabulary, inductionWordsOf } from './induction.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const form = { before: 4, part: 14 };
const second = 1 + form.before + form.part;
const texts = Array.from({ length: 24 }, (_, i) => inductionWordsOf(99, i, form));

/** Share of the second part's words, but for its first, that are foretold. */
async function accuracy(language: LanguageModel): Promise<number> {
  let [right, all] = [0, 0];
  for (const ids of texts) {
    const logits = await logitsAt(language, ids);
    const vocabulary = inductionVocabulary.length;
    for (let t = second; t + 1 < ids.length; t++) {
      if (largest(logits.subarray(t * vocabulary, (t + 1) * vocabulary)) === ids[t + 1]) right++;
      all++;
    }
  }
  return right / all;
}

it('heads that look back or behind equal words cost all when they are ablated together, all others nothing', {
  timeout: 120_000,
}, async () => {
  const language = await openLanguageModel(fileURLToPath(new URL('models/induction', import.meta.url)), { runtime });
  const { attentions } = await componentsOf(language);
  const heads: (HeadPlace & { previous: number; induction: number })[] = [];
  for (const { layer, weights } of attentions) {
    const sums: AttentionPattern[][] = [];
    for (const ids of texts.slice(0, 8)) {
      const { values } = await readValues(language, ids, [weights]);
      sums.push(attentionPatterns(values.get(weights) as Tensor<'float32'>, ids));
    }
    const mean = (of: (text: readonly AttentionPattern[]) => number) =>
      sums.reduce((sum, text) => sum + of(text), 0) / sums.length;
    for (let head = 0; head < 4; head++)
      heads.push({
        layer,
        head,
        previous: mean((p) => p[head].previous ?? 0),
        induction: mean((p) => p[head].induction ?? 0),
      });
  }
  const found = heads.filter(({ layer, previous, induction }) => (layer === 0 ? previous : induction) > 0.4);
  const others = heads.filter((head) => !found.includes(head));
  const whole = await accuracy(language);
  const without = await accuracy(await withoutHeads(language, found, texts.slice(0, 8)));
  const withoutOthers = await accuracy(await withoutHeads(language, others, texts.slice(0, 8)));
  expect(whole).toBeGreaterThan(0.9);
  expect(found.length).toBeGreaterThan(1);
  expect(whole - without).toBeGreaterThanOrEqual(0.9);
  expect(whole - withoutOthers).toBeLessThan(0.02);
  await language.close();
});

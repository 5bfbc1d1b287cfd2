import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { renderWhyPage } from '../../page/language/why-page.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { openPrefixScorer } from './prefix-scorer.ts';
import { questionOf } from './question.ts';
import { why } from './why.ts';
import type { WhyDocument } from './why-document.ts';

const folder = sharedData('stories260k');
const prompt = 'Lily had a red ball. Tom took the ball. Lily was sad. <She> wanted';

describe.skipIf(!folder)('why a language model answers', () => {
  let language: LanguageModel;
  let document: WhyDocument;
  beforeAll(async () => {
    language = await openLanguageModel(folder as string, { threads: 1, isolation: 'thread' });
    document = await why(language, { prompt, maxTokens: 3, sets: 16 });
  }, 60_000);
  afterAll(() => language.close());
  const of = (method: string) =>
    document.attributions.find((one) => one.method === method) as WhyDocument['attributions'][number];

  it('shares out the log-probability of what it wrote', async () => {
    const question = await questionOf(language, { prompt, maxTokens: 3 });
    const { ids } = question.encoded;
    const all = [...ids, ...question.answer.ids];
    const logits = await logitsAt(language, all);
    let sum = 0;
    for (let j = 0; j < question.answer.ids.length; j++) {
      const row = Array.from(logits.subarray((ids.length + j - 1) * 512, (ids.length + j) * 512));
      sum += row[question.answer.ids[j]] - Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0));
    }
    // Float32 logits up to 20, three of them.
    expect(document.value).toBeCloseTo(sum, 3);
    expect(document.answer.logProbability).toBeCloseTo(sum, 3);
    expect(document.answer.generated).toBe(true);
  });

  it('by integrated gradients within 1 % of the difference to the baseline of least error', () => {
    const found = of('integrated-gradients');
    expect(found.relativeError).toBeLessThan(0.01);
    const chosen = document.baselines.find((one) => one.chosen);
    expect(document.baselines.every(({ relativeError }) => relativeError >= (chosen?.relativeError ?? 0))).toBe(true);
    expect(found.values[0]).toBe(0);
    expect(document.baselines.at(-1)?.name).toBe('zero');
  });

  it('by leaving out each sentence, with the beginning of the prompt read once', async () => {
    const question = await questionOf(language, { prompt, answer: document.answer.text });
    const scorer = await openPrefixScorer(language, question);
    const units = document.units.sentence;
    for (const [u, { tokens, special }] of units.entries()) {
      const left = special ? document.value : await scorer.scoreKept((token) => !tokens.includes(token));
      expect(of('leave-one-out').values[u]).toBeCloseTo(document.value - left, 3);
    }
    await scorer.close();
    const naive = document.cost.calls * (question.encoded.ids.length + 2);
    expect(document.cost.tokensRead).toBeLessThan(0.8 * naive);
  });

  it('by leaving out halves of the words, for a part of the tokens that leaving out each would read', async () => {
    const refined = await why(language, { prompt, answer: document.answer.text, unit: 'word', methods: ['refined'] });
    const [{ values, target, notes }] = refined.attributions;
    expect(values).toHaveLength(refined.units.word.length);
    expect(target).toBeCloseTo(refined.value - refined.empty, 6);
    expect(notes.at(-1)).toMatch(/of \d+ measured alone.* % of the tokens/);
    expect(document.attributions.map(({ method }) => method)).not.toContain('refined');
  });

  it('takes nothing away of what is kept, and shares nothing out to it', async () => {
    const keep = 'Lily was sad. <She> wanted';
    const kept = await why(language, {
      prompt,
      answer: document.answer.text,
      keep,
      methods: ['leave-one-out', 'integrated-gradients'],
    });
    const values = kept.attributions[0].values;
    const units = kept.units[kept.unit];
    expect(units.filter(({ special }) => special).length).toBeGreaterThan(1);
    for (const [u, { special }] of units.entries()) if (special) expect(values[u]).toBe(0);
    // Integrated gradients share nothing out to a token that is the same in the baseline.
    const at = kept.units.token.findLastIndex(({ special }) => special);
    expect(kept.attributions[1].values[at]).toBe(0);
    await expect(why(language, { prompt, keep: 'nowhere' })).rejects.toThrow(/no such part to keep/);
    await expect(why(language, { prompt, keep: prompt })).rejects.toThrow(/all of the prompt is kept/);
  });

  it('by Shapley values that sum to what the sentences are worth together', () => {
    const { values, target, sum } = of('shapley');
    expect(sum).toBeCloseTo(target, 6);
    expect(target).toBeCloseTo(document.value - document.empty, 6);
    expect(values).toHaveLength(5);
  });

  it('with curves that begin at f and end without any sentence', () => {
    for (const { values, deleted } of document.curves) {
      expect(values[0]).toBeCloseTo(document.value, 4);
      expect(values.at(-1)).toBeCloseTo(document.empty, 4);
      expect(deleted).toEqual([0, 1, 2, 3, 4]);
    }
    const drop = (name: string) => document.curves.find((curve) => curve.name === name)?.drop ?? Number.NaN;
    expect(drop('KernelSHAP')).toBeGreaterThan(drop('random'));
  });

  it('on a page that shows the prompt as text', () => {
    const page = renderWhyPage(document, 'wherefore language why stories260k');
    expect(page).toContain('&#60;She&#62; wanted');
    expect(page).not.toContain('<She>');
    for (const { title } of document.attributions) expect(page).toContain(title);
    expect(page.match(/class="unit /g)?.length).toBe(5);
  });

  it('and the other way round against another answer', async () => {
    const ask = (answer: string, against: string) =>
      why(language, { prompt, answer, against, methods: ['leave-one-out'], unit: 'sentence', sets: 8 });
    const [one, other] = [await ask(' to', ' the'), await ask(' the', ' to')];
    expect(one.value).toBeCloseTo(-other.value, 4);
    for (const [u, value] of one.attributions[0].values.entries())
      expect(value).toBeCloseTo(-other.attributions[0].values[u], 4);
  });

  it('against an alternative: only the word that has one gets a share', async () => {
    const found = await why(language, {
      prompt: 'Tom had a cat. The cat',
      answer: ' was',
      methods: ['integrated-gradients'],
      alternatives: new Map([['had', 'was']]),
      sets: 8,
      unit: 'word',
    });
    const { values, baseline, relativeError } = found.attributions[0];
    expect(baseline).toBe('half-way between "had" and "was"');
    const own = found.units.word.find(({ text }) => text === 'had')?.tokens ?? [];
    for (const [i, value] of values.entries()) if (!own.includes(i)) expect(value).toBe(0);
    expect(relativeError).toBeLessThan(0.01);
  });

  it.each([
    [{ prompt: ' ' }, /prompt is empty/],
    [{ prompt, answer: '' }, /answer is empty.*a word at least/],
    [{ prompt, answer: ' a', against: ' a' }, /compared with itself/],
    [{ prompt, answer: ' to', token: 4 }, /no such token.*1 to 1/],
    [{ prompt, answer: ' to', baseline: 'none' }, /no such baseline.*zero/],
    [{ prompt, answer: ' to', alternatives: new Map([['Bob', 'Tim']]) }, /no such word.*Bob/],
    [{ prompt, answer: ' to', alternatives: new Map([['ball', 'elephants']]) }, /equally many tokens/],
    [{ prompt, answer: ' to', sets: 2 }, /sets.*whole number from 8/],
    [{ prompt: 'Lily wan', answer: 'ted' }, /joins the end of the prompt/],
  ])('refuses %o', async (request, message) => {
    await expect(why(language, request)).rejects.toThrow(message);
  });
});

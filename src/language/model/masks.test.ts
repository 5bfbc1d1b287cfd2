import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { generate } from '../generate/generate.ts';
import { whereInModel } from '../where/where.ts';
import { openEmbeddingProgram } from '../why/embedding-program.ts';
import { openPrefixScorer } from '../why/prefix-scorer.ts';
import { questionOf } from '../why/question.ts';
import { why } from '../why/why.ts';
import { openLanguageModel } from './language-model.ts';

interface Values {
  readonly prompt: string;
  readonly answer: string;
  readonly against: string;
  readonly logProbability: number;
  readonly score: number;
  readonly says: string;
  readonly gradient: readonly number[];
}

const folder = `${languageFixtures}/masked`;
const cases: readonly Values[] = JSON.parse(readFileSync(`${folder}/values.json`, 'utf8'));

describe('a model that fills in masks', async () => {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openLanguageModel(folder, { runtime });
  afterAll(async () => {
    await language.close();
    await runtime.close();
  });

  it.each(cases)('has the log-probability and the gradient of PyTorch: $prompt', async (values) => {
    const { prompt, answer, against } = values;
    const question = await questionOf(language, { prompt, answer, against });
    expect(question.masks).toHaveLength(answer.split(' ').length);
    const program = await openEmbeddingProgram(language, question);
    const { values: found, gradients } = await program.gradients([program.vectors]);
    expect(found[0]).toBeCloseTo(values.score, 4);
    const most = values.gradient.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
    // Float32 against float64.
    expect(gradients[0].length).toBe(values.gradient.length);
    for (const [i, slope] of values.gradient.entries())
      expect(Math.abs(gradients[0][i] - slope)).toBeLessThan(1e-4 * most);
    const scorer = await openPrefixScorer(language, question);
    expect(await scorer.score(question.encoded.ids)).toBeCloseTo(values.score, 4);
    expect(await scorer.logProbability(question.encoded.ids, question.answer)).toBeCloseTo(values.logProbability, 4);
    expect((await questionOf(language, { prompt })).answer.text).toBe(values.says);
  });

  it('is asked why a word stands there, by every method', async () => {
    const [{ prompt, answer, against }] = cases;
    const asked = { prompt, answer: ` ${answer}`, against, sets: 8, samples: 128 };
    const document = await why(language, asked);
    expect(document.attributions.map(({ method }) => method)).toEqual([
      'integrated-gradients',
      'lrp',
      'attn-lrp',
      'gradient',
      'leave-one-out',
      'surrogate',
      'shapley',
    ]);
    // The mask, the beginning and the end always stay.
    const staying = document.units.token.filter(({ special }) => special).map(({ text }) => text);
    expect(staying).toEqual(['[CLS]', '[MASK]', '[SEP]']);
    const [integrated, , , , , , shapley] = document.attributions;
    expect(integrated.relativeError).toBeLessThan(0.005);
    expect(shapley.sum).toBeCloseTo(shapley.target, 5);
    // Leaving a word out is reading the text without it.
    const out = document.attributions[4].values[1];
    const kept = await why(language, { ...asked, prompt: prompt.replace('the ', ''), methods: ['leave-one-out'] });
    expect(out).toBeCloseTo(document.value - kept.value, 4);
  });

  it.each<[string, object, RegExp]>([
    ['an answer of more tokens', { answer: 'gingerbread' }, /2 tokens \("ginger", "bread"\) for 1 mask.*as many masks/],
    ['a prompt without a mask', { prompt: 'the cat sat', answer: 'on' }, /it fills in words: write \[MASK\]/],
    ['an answer that is nothing', { answer: '' }, /does not fill the masks/],
  ])('refuses %s', async (_, changed, message) => {
    await expect(why(language, { ...cases[0], against: undefined, ...changed })).rejects.toThrow(message);
  });

  it('says what else it is not for', async () => {
    const { prompt, answer } = cases[0];
    await expect(whereInModel(language, { prompt, answer })).rejects.toThrow(/fills in masks.*`language why`/);
    await expect(generate(language, 'the cat', { maxTokens: 2 })).rejects.toThrow(/cannot write a text/);
  });
});

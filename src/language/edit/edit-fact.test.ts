import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { canaries } from '../../../examples/language/canaries.ts';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { generate } from '../generate/generate.ts';
import { splitIds } from '../generate/local-text-model.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { readValues } from '../where/read-values.ts';
import { spreadLayers } from './chosen-site.ts';
import { type EditFactOptions, editFact } from './edit-fact.ts';
import { editSite } from './edit-site.ts';
import { promises } from './layer-promise.ts';
import { keyDirection, keyMoment, scaledTo } from './rank-one.ts';

const stories = sharedData('stories260k');

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('the direction of an edit', () => {
  it('gives the value to the key, and least to the keys of the sample', () => {
    // Keys lie along the second axis: the direction turns away from it.
    const moment = Float64Array.of(1, 0, 0, 100);
    const u = keyDirection(moment, Float64Array.of(1, 1));
    expect(u[0] + u[1]).toBeCloseTo(1, 12);
    // C + .01 · 50.5: u ∝ (1 / 1.505, 1 / 100.505).
    expect(u[1] / u[0]).toBeCloseTo(1.505 / 100.505, 12);
    expect(Array.from(scaledTo(Float64Array.of(2, 0), Float64Array.of(1, 5)))).toEqual([1, 0]);
  });
});

describe('the layers that are tried', () => {
  it('are from all over those that can change the answer, the most promising among them', () => {
    expect(spreadLayers([1, 0.5, 0])).toEqual([0, 1]);
    // Of 0 to 9 every third; the most promising, 4, in place of its neighbour 3.
    expect(spreadLayers([1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 0.4, 0.01])).toEqual([0, 4, 6, 9]);
  });
});

describe.skipIf(!stories)('a model of more layers than are tried', async () => {
  const language = stories && (await openLanguageModel(stories, { runtime }));
  afterAll(() => (language as LanguageModel).close());
  const options = { prompt: 'Tom saw a', subject: 'Tom', answer: ' tree', texts: ['Tom saw a dog.', 'The cat sat.'] };

  it('is tried in those that can change the answer from there', async () => {
    const of = language as LanguageModel;
    const [prompt, answer] = splitIds(of, options.prompt, options.answer);
    const { contributions } = await anatomyOf(of);
    const values = contributions.filter(({ kind }) => kind === 'mlp').map(({ value }) => value);
    const rises = await promises(of, { prompt, answer }, values);
    // The last layer hands nothing on from one token to another.
    expect(rises[4][1]).toBe(0);
    expect(rises[4][prompt.length - 1]).toBeGreaterThan(0);
    const { document } = await editFact(of, { ...options, at: 'subject', controls: 0 });
    expect(document.sites.map(({ layer }) => layer)).toEqual([0, 1, 2, 3]);
    expect(document.notes.join()).toMatch(/of 5 layers 0, 1, 2, 3 were tried/);
  });

  it('is edited in the layers that are named', async () => {
    const of = language as LanguageModel;
    const { document } = await editFact(of, { ...options, at: 'last', layer: [2, 3], controls: 0 });
    expect(document.sites.map(({ layer }) => layer)).toEqual([2, 3]);
    await expect(editFact(of, { ...options, layer: [3, 2] })).rejects.toThrow(/write 2-3/);
    await expect(editFact(of, { ...options, layer: [3, 9] })).rejects.toThrow(/no MLP in this layer.*0 to 4/);
  });
});

it('sums the keys of texts as they are: C = Σ k kᵀ / n', async () => {
  const language = await openLanguageModel(`${languageFixtures}/llama`, { tokenizer: byteTokenizerPath, runtime });
  const site = await editSite(language, 0);
  const texts = [
    [3, 4, 5],
    [6, 7],
    [8, 3, 4],
  ];
  const keys: Float32Array[] = [];
  let inner = 0;
  for (const ids of texts) {
    const { data } = (await readValues(language, ids, [site.key])).values.get(site.key) as Tensor<'float32'>;
    inner = data.length / ids.length;
    for (let t = 0; t < ids.length; t++) keys.push(data.subarray(t * inner, (t + 1) * inner));
  }
  const moment = await keyMoment(language, site, texts);
  expect(moment).toHaveLength(inner * inner);
  const largest = moment.reduce((a, b) => Math.max(a, Math.abs(b)));
  for (let i = 0; i < inner; i++)
    for (let j = 0; j < inner; j++) {
      const mean = keys.reduce((sum, key) => sum + key[i] * key[j], 0) / keys.length;
      // Sums of float32.
      expect(Math.abs(moment[i * inner + j] - mean)).toBeLessThan(1e-6 * largest);
    }
  await language.close();
});

describe('a fact of a trained model', async () => {
  const path = fileURLToPath(new URL('../../../examples/language/models/canaries', import.meta.url));
  const language = await openLanguageModel(path, { runtime });
  afterAll(() => language.close());
  // Codes that the model has learnt by heart, 64 times each.
  const known = canaries(1).filter(({ copies }) => copies === 64);
  const [one, ...others] = known;
  const answer = one.secret.startsWith(' green') ? ' white' : ' green';
  const options: EditFactOptions = {
    prompt: one.prefix,
    subject: one.prefix.split(' ')[3],
    answer,
    texts: canaries(1).map(({ prefix, secret }) => `${prefix}${secret} .`),
    neighbours: others.map(({ prefix }) => prefix),
    controls: 2,
  };

  it('is changed, and what changes besides is told', async () => {
    const { edited, document } = await editFact(language, options);
    const [before, edit, plain, ...controls] = document.effects;
    expect([before.efficacy, edit.efficacy]).toEqual([0, 1]);
    const random = controls.filter(({ name }) => name.startsWith('random direction'));
    expect(random).toHaveLength(2);
    // The same value reaches the prompt by other directions, and more of all else.
    for (const control of [plain, ...random]) {
      expect(control.neighboursKl).toBeGreaterThan(edit.neighboursKl as number);
      expect(control.perplexity).toBeGreaterThan(edit.perplexity);
    }
    for (const { efficacy } of controls.filter(({ name }) => name.startsWith('random value'))) expect(efficacy).toBe(0);
    expect((await generate(edited, one.prefix, { maxTokens: 1 })).text).toBe(answer);
    // The model itself is as it was.
    expect((await generate(language, one.prefix, { maxTokens: 1 })).text).toBe(document.before);
  });

  it('is nearer to one subject alone where it is edited at the subject', async () => {
    const { document } = await editFact(language, { ...options, at: 'subject', controls: 1 });
    const [before, edit, plain, random] = document.effects;
    expect(edit.logProbability).toBeGreaterThan(before.logProbability + 0.3);
    expect(edit.neighboursChanged).toBe(0);
    expect(edit.neighboursKl).toBeLessThan(0.001);
    expect(plain.neighboursKl).toBeGreaterThan(0.01);
    expect(random.neighboursKl).toBeGreaterThan(1);
    // The heads behind hand on too little of it to bring the answer, and the document says so.
    expect(edit.efficacy).toBe(0);
    expect(document.notes.join()).toMatch(/no value that is added in one MLP brings the answer/);
  });

  it.each<[string, Partial<EditFactOptions>, RegExp]>([
    ['a subject that is not there', { subject: 'nobody' }, /does not hold the subject/],
    ['a layer that is not there', { layer: 7 }, /no MLP in this layer.*0 to 1/],
    ['no texts', { texts: [] }, /no texts/],
  ])('refuses %s', async (_, changed, message) => {
    await expect(editFact(language, { ...options, ...changed })).rejects.toThrow(message);
  });
});

it('is an addition to the weights, of models in any form', async () => {
  const language = await openLanguageModel(`${languageFixtures}/llama-4bit`, { tokenizer: byteTokenizerPath, runtime });
  const { edited } = await editFact(language, {
    prompt: 'the b',
    subject: 'b',
    answer: ' a',
    texts: ['the b c a', 'a b'],
    controls: 1,
  });
  const ids = language.tokenizer.encode('the b').ids;
  expect(await logitsAt(edited, ids)).not.toEqual(await logitsAt(language, ids));
  await language.close();
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { conceptTexts, knownConceptList, knownConcepts } from '../../../test/language/known-concepts.ts';
import { startStub } from '../../../test/stub-endpoint.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { connectEndpoint } from '../endpoint/endpoint.ts';
import type { LabelledText } from '../shortcut/swapped-copies.ts';
import { fitConceptModel, predictByConcepts } from './concept-model.ts';
import { parseConcept, proposeConcepts } from './propose-concepts.ts';
import { type Concept, type ConceptScorer, modelScorer, wordScorer } from './score-concepts.ts';
import { selectConcepts } from './select-concepts.ts';
import { logitsOf, sparseLogistic } from './sparse-logistic.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-concepts-'));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a concept model', { timeout: 60_000 }, () => {
  const texts = conceptTexts(700, 1);
  const exact = wordScorer(knownConceptList);

  it('finds true concepts with their signs, and is within three points of a network', async () => {
    const { sure, unsure } = await knownConcepts(folder, { seed: 1, count: 700, runtime });
    for (const { right, trueSizes, otherSizes, fit } of [sure, unsure]) {
      expect(right).toBeGreaterThanOrEqual(5);
      for (const size of otherSizes) expect(size).toBeLessThan(0.5 * trueSizes[1]);
      expect(fit.soft.mean).toBeGreaterThan(fit.constant + 0.2);
      expect(Math.abs(fit.leakage)).toBeLessThan(0.05);
    }
    expect(sure.fit.soft.mean).toBeGreaterThanOrEqual((sure.fit.blackBox?.mean ?? 1) - 0.03);
  });

  it('is changed by a person: a concept set, or taken away', async () => {
    const { model } = await fitConceptModel(texts, knownConceptList, exact);
    const has = (names: readonly string[]) => model.concepts.map(({ name }) => Number(names.includes(name)));
    expect(predictByConcepts(model, has(['true 0', 'true 1'])).says).toBe('yes');
    expect(
      predictByConcepts(model, has(['true 0', 'true 1']), { set: { 'true 0': 0, 'true 1': 0, 'true 5': 1 } }).says,
    ).toBe('no');
    expect(predictByConcepts(model, has(['true 5']), { without: ['true 5'] }).logits).toEqual(
      predictByConcepts(model, has([])).logits,
    );
    expect(() => predictByConcepts(model, has([]), { without: ['warmth'] })).toThrow(/no such concept.*warmth/);
  });

  it('leaks where scores say more than whether a concept is there', async () => {
    // One concept that every text has, and whose score is the label in disguise.
    const disguised: ConceptScorer = async (text) =>
      0.6 + (texts.find((one) => one.text === text)?.label === 'yes' ? 0.3 : 0);
    const { leakage } = await fitConceptModel(texts, [{ name: 'tone' }], disguised);
    expect(leakage).toBeGreaterThan(0.3);
  });

  it.each<[{ texts?: LabelledText[]; concepts?: Concept[] }, RegExp]>([
    [{ texts: texts.slice(0, 20) }, /too few texts/],
    [{ concepts: [...knownConceptList, knownConceptList[0]] }, /two concepts have one name/],
    [{ concepts: [] }, /no concept/],
    [{ texts: texts.map((text) => ({ ...text, label: 'no' })) }, /one label/],
  ])('refuses %#', async (wrong, message) => {
    await expect(fitConceptModel(wrong.texts ?? texts, wrong.concepts ?? knownConceptList, exact)).rejects.toThrow(
      message,
    );
    expect(() => wordScorer([{ name: 'warmth' }])).toThrow(/no words to look for.*warmth/);
  });

  it('is scored and proposed by a model behind an endpoint', async () => {
    const stub = await startStub({
      name: 'stub',
      answer: (prompt) =>
        prompt.startsWith('Texts of class') ? '- true 0\n2. true 5\n\ntrue 0' : /c0[a-d]/.test(prompt) ? 'Yes.' : 'No.',
      logProbability: (prompt, word) => ((word.trim() === 'yes') === /c0[a-d]/.test(prompt) ? -0.1 : -3),
    });
    const endpoint = await connectEndpoint({ url: stub.url, model: 'stub', limits: { calls: 200 } });
    const proposed = await proposeConcepts(endpoint, texts, 6);
    expect(proposed.map(({ name }) => name)).toEqual(['true 0', 'true 5']);
    const score = modelScorer(endpoint);
    expect(await score('w1 c0b', proposed[0])).toBeCloseTo(1 / (1 + Math.exp(-2.9)), 6);
    stub.moods = { silent: true };
    const silent = await connectEndpoint({ url: stub.url, model: 'stub', limits: { calls: 200 } });
    expect([await modelScorer(silent)('c0a', proposed[0]), await modelScorer(silent)('w1', proposed[0])]).toEqual([
      1, 0,
    ]);
    await stub.close();
  });
});

describe('parts of it', () => {
  it('a sparse fit keeps what tells and drops what does not', () => {
    const rows = Array.from({ length: 200 }, (_, i) => [i % 2, Math.floor(i / 2) % 2]);
    const labels = rows.map(([a]) => a);
    const { weights, bias } = sparseLogistic(rows, labels, 2, { penalty: 0.05 });
    expect(weights.map((row) => row[1])).toEqual([0, 0]);
    expect(weights[1][0]).toBeGreaterThan(0.5);
    expect(logitsOf({ weights: [[1, 2]], bias: [3] }, [10, 100])).toEqual([213]);
    expect(bias).toHaveLength(2);
    // With a penalty above the largest slope at 0, ¼ here, nothing is left.
    expect(sparseLogistic(rows, labels, 2, { penalty: 0.3 }).weights.flat()).toEqual([0, 0, 0, 0]);
  });

  it('a second concept in the same texts waits for one in others', () => {
    const labels = [1, 1, 1, 1, 0, 0, 0, 0];
    const scores = [
      [1, 1, 0],
      [1, 1, 0],
      [1, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    expect(selectConcepts(scores, labels, 3).map(({ index }) => index)).toEqual([0, 1, 2]);
    const alike = scores.map(([a, , c], i) => [a, a, i === 2 ? 1 : c]);
    // Concept 1 is concept 0 again: half of what it tells counts, and concept 2 comes before.
    expect(selectConcepts(alike, labels, 2).map(({ index }) => index)).toEqual([0, 2]);
  });

  it('reads lines of a file', () => {
    expect(parseConcept('polite: please, thank you')).toEqual({ name: 'polite', words: ['please', 'thank you'] });
    expect(parseConcept(' warm ')).toEqual({ name: 'warm' });
  });
});

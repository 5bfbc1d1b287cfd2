import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { random } from '../../src/tensor/random.ts';
import { type Evidence, type LookupItems, lookupEvidence } from '../../test/language/lookup-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { decoderModel } from './decoder.ts';
import { drawLookup, lookupShape, lookupStages, lookupText, lookupWords } from './lookup.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const isFull = process.env.WHEREFORE_FULL !== undefined;
const folder = fileURLToPath(new URL('models/lookup/', import.meta.url));

it('asks in hard texts by a name that only a sentence about somebody else has, for a word of several sentences', () => {
  expect(new Set(lookupWords).size).toBe(lookupWords.length);
  const counts: number[] = [];
  for (let i = 1; i <= 50; i++) {
    const { sentences, facts, asked } = drawLookup(random(3, i), 16, 'hard');
    for (const [k, { thing }] of facts.entries()) {
      const own = sentences[k].split(' ');
      expect(own).toContain(thing);
      expect(own).not.toContain(asked[k]);
      counts.push(sentences.filter((one) => one.split(' ').includes(thing)).length);
    }
    expect(facts.some((_, k) => sentences.some((one, j) => j !== k && one.split(' ').includes(asked[k])))).toBe(true);
  }
  // Sixteen sentences about six things.
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  expect(mean).toBeGreaterThan(2.67);
  expect(mean).toBeLessThan(4.5);
  const { tokens, weights } = lookupText(lookupStages[3], 1, 1);
  expect(weights.filter((weight) => weight === 1).length).toBeGreaterThan(5);
  expect(tokens.length).toBe(weights.length);
  expect(tokens.length).toBeLessThanOrEqual(lookupStages[3].length);
});

describe('the sentence that an answer is from', { timeout: isFull ? 1_200_000 : 240_000 }, () => {
  const mean = (found: readonly Evidence[], key: 'hit' | 'beatsRandom' | 'top3') =>
    found.reduce((sum, one) => sum + one[key], 0) / found.length;
  const trivial = ['answer-word', 'overlap'];
  const [cheap, all] = [
    ['leave-one-out', 'surrogate-32', 'lrp'],
    ['leave-one-out', 'surrogate-32', 'lrp', 'ig-pad-against'],
  ];

  async function measured(language: LanguageModel, items: Omit<LookupItems, 'seed'>) {
    const found = await lookupEvidence(language, { ...items, seed: 51 });
    return { ...found, recall: (name: string) => mean(found.methods[name], 'hit') };
  }

  it.each([16, ...(isFull ? [30] : [])])('is found among %i where the answer word stands in several', async (K) => {
    const language = await openLanguageModel(folder, { runtime });
    const {
      confidence,
      recall,
      methods: found,
    } = await measured(language, {
      count: isFull ? 30 : 5,
      sentences: K,
      methods: [...all, ...trivial],
    });
    await language.close();
    // Only answered questions are explained: a wrong answer comes from no sentence.
    expect(confidence.filter((p) => p > 0.5).length / confidence.length).toBeGreaterThanOrEqual(0.95);
    // Within 32 prompts; by 32 gradients; by one backward pass.
    expect(Math.max(recall('leave-one-out'), recall('surrogate-32'))).toBeGreaterThanOrEqual(0.95);
    expect(recall('ig-pad-against')).toBeGreaterThanOrEqual(0.9);
    expect(recall('lrp')).toBeGreaterThanOrEqual(0.9);
    expect(mean(found['leave-one-out'], 'beatsRandom')).toBeGreaterThanOrEqual(0.95);
    // What knows nothing of the model does not find it.
    expect(recall('answer-word')).toBeLessThanOrEqual(isFull ? 0.35 : 0.5);
    expect(recall('overlap')).toBeLessThanOrEqual(0.1);
  });

  it('is not found with random weights, where nothing is lost either', async () => {
    const language = await openDecoderModel(lookupShape, decoderModel(lookupShape, 7), runtime);
    const count = isFull ? 40 : 8;
    const methods = isFull ? all : cheap;
    const { recall, methods: found } = await measured(language, { count, sentences: 16, least: 0, methods });
    await language.close();
    // Chance is 1/16; with 16 texts one more hit is within its spread.
    for (const name of methods) {
      expect(recall(name)).toBeLessThanOrEqual(isFull ? 2 / 16 : 3 / 16);
      expect(mean(found[name], 'top3')).toBeLessThan(0.05);
    }
  });
});

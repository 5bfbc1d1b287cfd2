import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { random } from '../../src/tensor/random.ts';
import {
  type AgreementKind,
  agreementEvidence,
  agreementItems,
  preference,
  promptOf,
  turned,
} from '../../test/language/agreement-evidence.ts';
import { agreementOf, perplexities } from '../../test/language/english-quality.ts';
import { drawStory, grammarWords, storyTokens } from './grammar.ts';
import { specialWords } from './tokenizer.ts';

const isFull = process.env.WHEREFORE_FULL !== undefined;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

it('draws stories of five hundred words, of which each verb agrees with its own subject', () => {
  expect(grammarWords.length - specialWords.length).toBeGreaterThanOrEqual(500);
  expect(new Set(grammarWords).size).toBe(grammarWords.length);
  let [firsts, all] = [0, 0];
  for (let i = 1; i <= 200; i++) {
    const story = drawStory(random(5, i));
    expect(storyTokens(story).every((id) => id > 0)).toBe(true);
    expect(story.logProbability).toBeLessThan(0);
    for (const { words, subject, verb } of story.agreements) {
      expect(verb).toBeGreaterThan(subject);
      all++;
      if (/^(In|Near|Behind|At) (the|a|an|every|some|many)$/.test(words.slice(0, 2).join(' '))) firsts++;
    }
  }
  // A place stands before the subject in 30 % of sentences, so that the first noun is not always the subject.
  expect(firsts / all).toBeGreaterThan(0.2);
});

describe('the English of the grammar', { timeout: isFull ? 1_200_000 : 240_000 }, () => {
  const runtime = createNodeRuntime({ threads: 1 });
  let language: LanguageModel;
  beforeAll(async () => {
    language = await openLanguageModel(fileURLToPath(new URL('models/english/', import.meta.url)), { runtime });
  });
  afterAll(async () => {
    await language.close();
    await runtime.close();
  });
  const kinds: readonly AgreementKind[] = ['one attractor', 'two attractors', 'relative clause'];

  it('is written nearly as well as the grammar itself allows', async () => {
    const { ratio } = await perplexities(language, isFull ? 400 : 100, 999);
    expect(ratio).toBeLessThanOrEqual(1.1);
    // Less than the entropy itself would mean that the grammar's is not counted right.
    expect(ratio).toBeGreaterThan(1);
  });

  it('has verbs that agree with their subjects whatever stands between them', async () => {
    for (const [kind, right] of await agreementOf(language, isFull ? 200 : 40, 77))
      expect(mean(right), kind).toBeGreaterThanOrEqual(isFull ? 0.99 : 0.975);
  });

  it.runIf(isFull)('owes the number of a verb to its subject, asked with the other form of each noun', async () => {
    const items = [...agreementItems(50, kinds, 78).values()].flat();
    const ours = 'IG, nouns half-way between their forms';
    const found = await agreementEvidence(language, items, [ours, 'IG from zero', 'word left out', 'first noun']);
    expect(mean(found[ours].hits)).toBeGreaterThanOrEqual(0.95);
    for (const name of ['IG from zero', 'word left out'])
      expect(mean(found[name].hits), name).toBeLessThan(mean(found[ours].hits));
    expect(mean(found['first noun'].hits)).toBeLessThan(0.9);
  });

  it('turns the verb with the subject', async () => {
    const turns: number[] = [];
    for (const item of [...agreementItems(isFull ? 60 : 8, kinds, 79).values()].flat()) {
      const other = turned(item);
      const verb = item.words[item.verb];
      if (other === undefined) continue;
      turns.push(
        Number((await preference(language, promptOf(item), verb)) > 0 && (await preference(language, other, verb)) < 0),
      );
    }
    expect(mean(turns)).toBeGreaterThanOrEqual(0.99);
  });
});

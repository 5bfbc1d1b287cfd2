import { afterAll, describe, expect, it } from 'vitest';
import { score } from '../../src/influence/score.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { askedRows, taughtScores } from '../../src/language/taught/taught-scores.ts';
import { trainingRows } from '../../src/language/taught/token-rows.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { answersOf, type FactEvidence, factEvidence } from '../../test/language/fact-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { drawFacts, factLength, factShape, factText, factWords, trainFacts } from './facts.ts';

const data = drawFacts();

it('asks for a fact by words of which its sources have the name alone', () => {
  expect(new Set(factWords).size).toBe(factWords.length);
  expect(data.rows.length).toBeGreaterThan(2000);
  expect(data.questions.length).toBeGreaterThan(70);
  for (const { name, relation, prompt, answer } of data.questions) {
    const sources = data.rows.filter((row) => row.name === name && row.relation === relation && row.kind === 'stated');
    expect(sources).toHaveLength(4);
    const asked = new Set([...prompt.split(' '), answer]);
    for (const { text } of sources) expect(text.split(' ').filter((word) => asked.has(word))).toEqual([name]);
    expect(data.rows.some((row) => row.text.startsWith(prompt))).toBe(false);
  }
  for (const row of data.rows) expect(factText(row).tokens.length).toBeLessThanOrEqual(factLength);
});

// A training of a minute and influence over all rows at three moments of it.
describe.skipIf(!process.env.WHEREFORE_FULL)('which rows taught a fact', { timeout: 1_200_000 }, () => {
  const runtime = createNodeRuntime({ threads: 1 });
  const moments: LanguageModel[] = [];
  afterAll(async () => {
    for (const moment of moments) await moment.close();
    await runtime.close();
  });

  it('is told by moments from the middle of the training, and not by words', async () => {
    const model = await trainFacts(data.rows, 1, {
      runtime,
      onMoment: async (moment) => {
        moments.push(await openDecoderModel(factShape, moment, runtime));
      },
    });
    const end = await openDecoderModel(factShape, model, runtime);
    const { right } = await answersOf(end, data.questions);
    // Chance is one of eight values.
    expect(right.filter((one) => one).length / right.length).toBeGreaterThanOrEqual(0.75);
    const asked = data.questions.filter((_, q) => right[q]);
    const texts = data.rows.map(({ text }) => text);
    const questions = asked.map(({ prompt, answer }) => askedRows(end, { prompt, answer: ` ${answer}` }));
    const mean = (scores: Float64Array, key: keyof FactEvidence) => {
      const of = asked.map((question, q) =>
        factEvidence(data, question, scores.subarray(q * texts.length, (q + 1) * texts.length)),
      );
      return of.reduce((sum, one) => sum + one[key], 0) / of.length;
    };
    const influence = (await taughtScores({ moments, rows: trainingRows(end, texts), questions })).data;
    await end.close();
    const queries = asked.map(({ prompt, answer }) => `${prompt} ${answer}`);
    const context = { rows: texts.length, queries: queries.length, seed: 0, texts: { rows: texts, queries } };
    const words = (await score('bm25', context)).values.data;
    expect(mean(influence, 'recall4')).toBeGreaterThanOrEqual(0.45);
    expect(mean(influence, 'aboveEmpty')).toBeGreaterThanOrEqual(0.95);
    expect(mean(words, 'recall4')).toBeLessThanOrEqual(0.15);
  });
});

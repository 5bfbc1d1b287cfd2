import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { openEncoderDecoder } from '../generate/encoder-decoder.ts';
import { generate } from '../generate/generate.ts';
import { localTextModel } from '../generate/local-text-model.ts';
import { whereInModel } from '../where/where.ts';
import { openEmbeddingProgram } from '../why/embedding-program.ts';
import { openPrefixScorer } from '../why/prefix-scorer.ts';
import type { Question } from '../why/question.ts';
import { why } from '../why/why.ts';
import { openLanguageModel } from './language-model.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

interface Values {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
  readonly score: number;
  readonly gradient: readonly number[];
  readonly written: readonly number[];
}

/** The question of a fixture, which is in tokens. */
function questionOf({ prompt, answer }: Values): Question {
  const texts = prompt.map(String);
  const special = prompt.map(() => false);
  const spans = prompt.map(() => undefined);
  const encoded = { ids: prompt, tokens: texts, texts, spans, special, words: prompt.map((_, i) => i) };
  const given = { text: '', ids: answer, texts: answer.map(String), counted: [0, answer.length] as const };
  return { prompt: '', encoded, stays: special, answer: given, generated: false };
}

describe.each([
  ['t5', 0],
  // Its decoder for first and later tokens lies in the branches of an If.
  ['bart', 2],
])('an encoder–decoder: %s', (name, caches) => {
  const folder = `${languageFixtures}/seq2seq/${name}`;
  const values: Values = JSON.parse(readFileSync(`${folder}/values.json`, 'utf8'));
  const opened = openLanguageModel(folder, { tokenizer: byteTokenizerPath, runtime });
  afterAll(async () => (await opened).close());

  it('is opened with its encoder', async () => {
    const { roles, decoder, model, notes } = await opened;
    expect(roles).toMatchObject({ ids: 'input_ids', mask: 'attention_mask', positions: undefined });
    expect(decoder).toMatchObject({ ids: 'decoder/input_ids', hidden: 'last_hidden_state' });
    expect(model.graph.inputs.map((input) => input.name)).toEqual(['input_ids', 'attention_mask', 'decoder/input_ids']);
    expect(notes).toHaveLength(caches > 0 ? 1 : 0);
  });

  it("has PyTorch's log-probability, and its gradient at the encoder's vectors", async () => {
    const question = questionOf(values);
    const program = await openEmbeddingProgram(await opened, question);
    const { values: found, gradients } = await program.gradients([program.vectors]);
    expect(found[0]).toBeCloseTo(values.score, 4);
    const most = values.gradient.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
    // Float32 against float64.
    for (const [i, slope] of values.gradient.entries())
      expect(Math.abs(gradients[0][i] - slope)).toBeLessThan(1e-4 * most);
    const scorer = await openPrefixScorer(await opened, question);
    expect(await scorer.score(values.prompt)).toBeCloseTo(values.score, 4);
  });

  it('writes what PyTorch writes', async () => {
    const decoder = await openEncoderDecoder(await opened, values.prompt, 8);
    const written: number[] = [];
    while (written.length < values.written.length)
      written.push(largestAt(await decoder.read([...values.prompt, ...written])));
    expect(written).toEqual(values.written);
  });

  it('is asked why, and writes texts', async () => {
    const language = await opened;
    const { prompt, ids } = await generate(language, 'the b c', { maxTokens: 5 });
    expect(ids.length).toBeLessThanOrEqual(5);
    expect(prompt).toEqual(language.tokenizer.encode('the b c').ids);
    const document = await why(language, { prompt: 'the b c a', answer: ' b c', against: ' a', sets: 8, samples: 16 });
    expect(document.attributions.map(({ method }) => method)).toEqual([
      'integrated-gradients',
      'gradient',
      'leave-one-out',
      'surrogate',
      'shapley',
    ]);
    const shapley = document.attributions[4];
    expect(shapley.sum).toBeCloseTo(shapley.target, 6);
    await expect(why(language, { prompt: 'the b', answer: ' c', methods: ['lrp'] })).rejects.toThrow(
      /not offered for encoder–decoders/,
    );
  });

  it('is refused where something else is asked', async () => {
    const language = await opened;
    expect(() => localTextModel(language)).toThrow(/looks into decoders.*language why/);
    await expect(whereInModel(language, { prompt: 'the b', answer: ' c' })).rejects.toThrow(/an encoder–decoder/);
  });
});

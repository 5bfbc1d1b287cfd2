import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { openDecoder } from '../generate/decoder.ts';
import { decoderProgram } from '../generate/decoder-program.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { directAttribution } from '../where/direct-attribution.ts';
import { openEmbeddingProgram } from '../why/embedding-program.ts';
import type { Question } from '../why/question.ts';
import { transformerRelevance } from '../why/transformer-relevance.ts';
import { openLanguageModel } from './language-model.ts';
import { logitsAt } from './run.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

interface Values {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
  readonly score: number;
  readonly lastLogits: readonly number[];
  readonly gradient: readonly number[];
  readonly written: readonly number[];
  readonly logit?: number;
  readonly relevance?: Readonly<Record<'held' | 'half', readonly number[]>>;
}

const valuesOf = (name: string): Values => JSON.parse(readFileSync(`${languageFixtures}/${name}/values.json`, 'utf8'));
const opened = (name: string) =>
  openLanguageModel(`${languageFixtures}/${name}`, { tokenizer: byteTokenizerPath, runtime });

/** The question of a fixture, which is in tokens. */
function questionOf({ prompt, answer }: Pick<Values, 'prompt' | 'answer'>): Question {
  const none = prompt.map(() => undefined);
  const texts = prompt.map(String);
  const special = prompt.map(() => false);
  const encoded = { ids: prompt, tokens: texts, texts, spans: none, special, words: prompt.map((_, i) => i) };
  const given = { text: '', ids: answer, texts: answer.map(String), counted: [0, answer.length] as const };
  return { prompt: '', encoded, stays: special, answer: given, generated: false };
}

/** The largest difference, as a share of the largest expected number. */
function relativeDifference(found: ArrayLike<number>, expected: readonly number[]): number {
  let [most, size] = [0, 0];
  for (const [i, value] of expected.entries()) {
    most = Math.max(most, Math.abs(found[i] - value));
    size = Math.max(size, Math.abs(value));
  }
  return most / size;
}

describe.each([
  ['llama', { mask: 'attention_mask' }, 2],
  ['llama-4bit', { mask: 'attention_mask' }, 1],
  ['qwen', { mask: 'attention_mask', positions: 'position_ids' }, 1],
  ['gemma', { mask: 'attention_mask' }, 1],
  ['phi', { positions: 'position_ids' }, 1],
  ['gpt2', { mask: 'attention_mask', positions: 'position_ids' }, 1],
  ['int8', { mask: 'attention_mask', positions: 'position_ids' }, 2],
])('a decoder with a cache and operators of the runtime: %s', (name, roles, layers) => {
  const values = valuesOf(name);
  const language = opened(name);
  afterAll(async () => (await language).close());

  it('is opened without its cache, its inputs found', async () => {
    const { roles: found, notes, model } = await language;
    expect(found).toEqual({
      types: undefined,
      mask: undefined,
      positions: undefined,
      ...roles,
      ids: 'input_ids',
      embedding: found.embedding,
    });
    expect(notes[0]).toMatch(`the file's ${2 * layers} inputs`);
    expect(model.graph.inputs.map((input) => input.name).sort()).toEqual(['input_ids', ...Object.values(roles)].sort());
  });

  it('has the logits and the gradients of PyTorch', async () => {
    const { prompt, answer, score, lastLogits, gradient } = values;
    const ids = [...prompt, ...answer];
    const logits = await logitsAt(await language, ids);
    // Float32 against float64, in networks of one or two layers.
    expect(relativeDifference(logits.slice(-264), lastLogits)).toBeLessThan(2e-6);
    const program = await openEmbeddingProgram(await language, questionOf(values));
    const found = await program.gradients([program.vectors]);
    expect(found.values[0]).toBeCloseTo(score, 4);
    expect(relativeDifference(found.gradients[0], gradient)).toBeLessThan(1e-5);
  });

  it('writes what PyTorch writes, with a cache of its own', async () => {
    const decoder = await openDecoder(await language, 40);
    const written: number[] = [];
    let logits = await decoder.read(values.prompt);
    for (let i = 0; i < 12; i++) {
      written.push(largestAt(logits));
      logits = await decoder.read([written[i]]);
    }
    await decoder.close();
    expect(written).toEqual(values.written);
  });

  it('computes the vocabulary, and more of the last layer, at the tokens alone that are asked about', async () => {
    const { cached, positions } = await decoderProgram(await language, 64);
    const behind = new Set([positions]);
    const products: boolean[] = [];
    for (const { op, inputs, outputs } of cached.graph.nodes) {
      const isNarrow = inputs.some((input) => behind.has(input));
      if (isNarrow) for (const output of outputs) behind.add(output);
      if (op.startsWith('MatMul') || op === 'Gemm') products.push(isNarrow);
    }
    // Of the last layer at least attention, its output, two of the MLP, and the vocabulary; keys and values are of all.
    expect(products.at(-1)).toBe(true);
    expect(products.filter(Boolean).length).toBeGreaterThanOrEqual(5);
    expect(products).toContain(false);
  });

  it('has its blocks found, and their sum is the logit', async () => {
    const { layers: count, contributions } = await anatomyOf(await language);
    expect(count).toBe(layers);
    expect(contributions.filter(({ kind }) => kind === 'mlp')).toHaveLength(layers);
    const position = values.prompt.length - 1;
    const token = values.answer[0];
    const found = await directAttribution(await language, values.prompt, { position, weights: new Map([[token, 1]]) });
    expect(found.error).toBeLessThan(1e-4);
    expect(found.notes).toHaveLength(name === 'gemma' ? 1 : 0);
  });
});

describe('relevance of tokens (LRP)', () => {
  const { prompt, answer, relevance, logit } = valuesOf('llama');

  it.each(['held', 'half'] as const)('is that of a float64 reference, attention %s', async (attention) => {
    const language = await opened('llama');
    const program = await openEmbeddingProgram(language, questionOf({ prompt, answer: answer.slice(0, 1) }));
    const { value, tokens } = await program.relevance((graph) => transformerRelevance(graph, attention));
    expect(value).toBeCloseTo(logit as number, 4);
    expect(relativeDifference(tokens, relevance?.[attention] ?? [])).toBeLessThan(1e-5);
    // Without biases all relevance arrives where attention is held.
    const sum = tokens.reduce((total, one) => total + one, 0);
    if (attention === 'held') expect(Math.abs(sum - value)).toBeLessThan(1e-3);
    await language.close();
  });
});

import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { readValues } from '../../src/language/where/read-values.ts';
import type { EmbeddingProgram } from '../../src/language/why/embedding-program-type.ts';
import { gradientTimesEmbedding, integratedGradients, relativeError } from '../../src/language/why/gradient-methods.ts';
import type { Question } from '../../src/language/why/question.ts';
import type { TokenBaseline } from '../../src/language/why/token-baselines.ts';
import { type AttentionRelevance, transformerRelevance } from '../../src/language/why/transformer-relevance.ts';
import { filled, mapped } from '../../src/tensor/filled.ts';

/** A question that methods are tried on. */
export interface OpenQuestion {
  readonly language: LanguageModel;
  readonly question: Question;
  readonly program: EmbeddingProgram;
}

/** What a method says of each token, with the error of its sum where it promises one. */
export interface TokenScores {
  readonly values: Float64Array;
  readonly error?: number;
}

/** LRP; its error is how far the relevance of all tokens is from the logits. */
export async function relevance({ program }: OpenQuestion, attention: AttentionRelevance): Promise<TokenScores> {
  const { tokens, value } = await program.relevance((graph) => transformerRelevance(graph, attention));
  const sum = tokens.reduce((total, one) => total + one, 0);
  return { values: tokens, error: Math.abs(sum - value) / Math.abs(value) };
}

/** Points at which integrated gradients look. */
export const points = 32;

/** Integrated gradients from a baseline. */
export async function integratedFrom({ program }: OpenQuestion, baseline: TokenBaseline): Promise<TokenScores> {
  const found = await integratedGradients(program, baseline, { points, mostPoints: points });
  return { values: found.values, error: relativeError(found) };
}

/** The same with points where f jumps, until the sum is within .1 %. */
export async function integratedUntil({ program }: OpenQuestion, baseline: TokenBaseline): Promise<TokenScores> {
  const found = await integratedGradients(program, baseline, { points, tolerance: 0.001 });
  return { values: found.values, error: relativeError(found) };
}

/** One vector (of a token, the mean of all, zero) in place of each token that does not stay. */
export async function everywhere(open: OpenQuestion, name: string): Promise<TokenBaseline> {
  const { program, question } = open;
  const vector = await vectorNamed(open, name);
  const vectors = program.vectors.slice();
  for (const [i, stays] of question.stays.entries()) if (!stays) vectors.set(vector, i * program.width);
  return { name, vectors };
}

async function vectorNamed({ language, program }: OpenQuestion, name: string): Promise<Float32Array> {
  if (name === 'zero') return new Float32Array(program.width);
  const { tokenizer } = language;
  if (name !== 'mean') return program.vectorsOf([tokenizer.idOf(name) as number]);
  const all = await program.vectorsOf(Array.from({ length: tokenizer.size }, (_, id) => id));
  const mean = new Float32Array(program.width);
  for (let i = 0; i < all.length; i++) mean[i % program.width] += all[i] / tokenizer.size;
  return mean;
}

export async function gradientTimes({ program }: OpenQuestion, sign: 'signed' | 'absolute'): Promise<TokenScores> {
  const values = await gradientTimesEmbedding(program);
  return { values: sign === 'signed' ? values : mapped(Float64Array, values, Math.abs) };
}

/** Attention of the last token: of the last layer, or multiplied through the layers with half of each kept (rollout). */
export async function attentionOf(
  { language, question }: OpenQuestion,
  layers: number,
  way: 'last layer' | 'rollout',
): Promise<TokenScores> {
  const names = Array.from({ length: layers }, (_, layer) => `layer${layer}.attention`);
  const { ids } = question.encoded;
  const { values } = await readValues(language, ids, names);
  const weights = names.map((name) => meanOverHeads(values.get(name)?.data as Float32Array, ids.length));
  const last = ids.length - 1;
  if (way === 'last layer') return { values: weights[layers - 1].slice(last * ids.length, (last + 1) * ids.length) };
  let row: Float64Array = filled(new Float64Array(ids.length), (j) => Number(j === last));
  for (const layer of weights.toReversed()) row = halfThrough(row, layer);
  return { values: row };
}

function meanOverHeads(weights: Float32Array, length: number): Float64Array {
  const heads = weights.length / length ** 2;
  const mean = new Float64Array(length ** 2);
  for (let i = 0; i < weights.length; i++) mean[i % mean.length] += weights[i] / heads;
  return mean;
}

/** `½ r + ½ r A`. */
function halfThrough(row: Float64Array, layer: Float64Array): Float64Array {
  const length = row.length;
  const next = mapped(Float64Array, row, (value) => value / 2);
  for (let i = 0; i < length; i++) for (let j = 0; j <= i; j++) next[j] += (row[i] * layer[i * length + j]) / 2;
  return next;
}

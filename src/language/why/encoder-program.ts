import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import { WhereforeError } from '../../errors.ts';
import type { Graph } from '../../onnx/graph.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { DecoderPart } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf, wholeNumbers } from '../model/run.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { fitsWhole } from './gradient-memory.ts';
import { inBatches } from './point-batches.ts';
import type { AnswerTokens, Question } from './question.ts';
import { scoreGraph, tokenVectors } from './score-graph.ts';

/** Points that go through the model together. */
const mostRows = 16;

/**
 * f of a question to what reads a prompt both ways, and its gradient at the vectors of the prompt's tokens. Of an
 * encoder–decoder the gradient goes through both graphs, and the answer is given to the decoder as it stands: its own
 * vectors are not explained. A model that fills in masks reads the prompt alone.
 * @throws WhereforeError `limit-reached` where the gradient would not fit into the memory
 */
export async function openEncoderProgram(
  language: LanguageModel,
  question: Question,
  { signal, memory }: { readonly signal?: AbortSignal; readonly memory: number },
): Promise<EmbeddingProgram> {
  const { model, roles } = language;
  const { encoded, answer, against, masks } = question;
  const length = encoded.ids.length;
  const graph = scoreGraph(language, 'log-probability');
  const vectorsOf = (ids: readonly number[]) => tokenVectors(language, ids, signal);
  const vectors = await vectorsOf(encoded.ids);
  const width = vectors.length / length;
  const cost = { backward: 0, forward: 0 };

  const feedsAt = ({ ids, counted: [start, end] }: AnswerTokens, points: readonly Float32Array[]) => {
    const rows = points.length;
    const { read, places } = masks ? { places: masks } : readBy(language.decoder as DecoderPart, ids);
    const count = read?.length ?? length;
    const next = new Array<number>(count).fill(0);
    for (const [j, place] of places.entries()) next[place] = ids[j];
    const embedded = new Float32Array(rows * vectors.length);
    for (const [r, point] of points.entries()) embedded.set(point, r * vectors.length);
    const each = <T>(values: readonly T[]) => points.flatMap(() => values);
    const weights = new Float32Array(rows * count);
    for (let r = 0; r < rows; r++) for (const place of places.slice(start, end)) weights[r * count + place] = 1;
    const feeds = new Map<string, Tensor>([
      ...feedsOf(language, each([encoded.ids])),
      [roles.embedding, float32([rows, length, width], embedded)],
      ['why/next', int64([rows, count, 1], each(next))],
      ['why/weights', tensor('float32', [rows, count], weights)],
    ]);
    const written = language.decoder?.ids;
    if (read && written) feeds.set(written, wholeNumbers(model, written, [rows, count], each(read)));
    return new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
  };
  const fit = await fitsWhole(language, graph, feedsAt(answer, [vectors]), memory);

  /** log p of one answer at each point, and its gradient, with a sign. */
  async function add(
    of: AnswerTokens,
    sign: number,
    points: readonly Float32Array[],
    into: Float32Array[],
  ): Promise<number[]> {
    const seeds = new Map([['why/score', float32([points.length], new Float32Array(points.length).fill(sign))]]);
    const request = { inputs: feedsAt(of, points), seeds, wrt: [roles.embedding], signal };
    const { gradients, outputs } = await gradientsOf({ ...model, graph }, request);
    cost.backward += points.length;
    const slopes = gradients.get(roles.embedding)?.data as Float32Array;
    for (const [p, gradient] of into.entries())
      for (let i = 0; i < gradient.length; i++) gradient[i] += slopes[p * gradient.length + i];
    const scores = outputs.get('why/score') as Tensor<'float32'>;
    return Array.from(scores.data.subarray(0, into.length), (score) => sign * score);
  }
  /** Relevance of every token by the logits at the masks, less those of the other answer. */
  async function relevanceAtMasks(rules: (graph: Graph) => RuleOverrides) {
    const on = scoreGraph(language, 'logit');
    const tokens = new Float64Array(length);
    let value = 0;
    for (const [of, sign] of [[answer, 1] as const, ...(against ? [[against, -1] as const] : [])]) {
      const seeds = new Map([['why/score', float32([1], [sign])]]);
      const request = { inputs: feedsAt(of, [vectors]), seeds, wrt: [roles.embedding], overrides: rules(on), signal };
      const { gradients, outputs } = await gradientsOf({ ...model, graph: on }, request);
      cost.backward++;
      value += sign * Number(outputs.get('why/score')?.data[0]);
      const slopes = gradients.get(roles.embedding)?.data as Float32Array;
      for (let i = 0; i < vectors.length; i++) tokens[Math.floor(i / width)] += vectors[i] * slopes[i];
    }
    return { value, tokens };
  }
  return {
    width,
    vectors,
    vectorsOf,
    fit,
    cost,
    async relevance(rules) {
      if (masks) return relevanceAtMasks(rules);
      throw new WhereforeError('unsupported-model', 'relevance (LRP) is not offered for encoder–decoders', {
        where: language.name,
        got: 'relevance would lie on what the decoder has written as well',
        fix: 'use integrated gradients or leave-one-out: --method integrated-gradients,leave-one-out',
      });
    },
    async values(points) {
      cost.forward += points.length;
      const of = async (answer: AnswerTokens, some: readonly Float32Array[]) => {
        const results = await model.executor.run(graph, feedsAt(answer, some), ['why/score'], { signal });
        return Array.from(results.get('why/score')?.data as Float32Array);
      };
      const found = await inBatches(points, mostRows, async (some) => {
        const own = await of(answer, some);
        const other = against ? await of(against, some) : own.map(() => 0);
        return own.map((value, p) => value - other[p]);
      });
      return Float64Array.from(found);
    },
    async gradients(points) {
      const found = await inBatches(points, mostRows, async (some) => {
        const gradients = some.map(() => new Float32Array(vectors.length));
        const own = await add(answer, 1, some, gradients);
        const other = against ? await add(against, -1, some, gradients) : own.map(() => 0);
        return gradients.map((gradient, p) => ({ value: own[p] + other[p], gradient }));
      });
      return { values: found.map(({ value }) => value), gradients: found.map(({ gradient }) => gradient) };
    },
  };
}

/** What the decoder reads before the last token of an answer, and at which places it foretells its tokens. */
function readBy({ start }: DecoderPart, ids: readonly number[]) {
  return { read: [...start, ...ids.slice(0, -1)], places: ids.map((_, j) => start.length - 1 + j) };
}

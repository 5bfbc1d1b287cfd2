import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import { WhereforeError } from '../../errors.ts';
import type { Graph } from '../../onnx/graph.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { capacityFor } from '../generate/decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { openEncoderProgram } from './encoder-program.ts';
import { defaultMemory, gradientFit } from './gradient-memory.ts';
import { gradientInPieces } from './piece-gradient.ts';
import type { AnswerTokens, Question } from './question.ts';
import { scoreGraph, tokenVectors } from './score-graph.ts';

/** Rows that go through the model together: a batch pays for what a run costs at all. */
const mostRows = 16;
const mostTokensAtOnce = 4096;

/**
 * Prepares a question for methods that look at token vectors.
 * @param options.memory bytes that one run may hold; gradients that would hold more are taken in pieces of the text
 * @throws WhereforeError `limit-reached` where not even pieces fit
 */
export async function openEmbeddingProgram(
  language: LanguageModel,
  question: Question,
  { signal, memory = defaultMemory }: { readonly signal?: AbortSignal; readonly memory?: number } = {},
): Promise<EmbeddingProgram> {
  if (language.decoder) return openEncoderProgram(language, question, { signal, memory });
  const { model, roles } = language;
  const { encoded, answer, against } = question;
  const length = encoded.ids.length;
  const graph = scoreGraph(language, 'log-probability');
  const vectorsOf = (ids: readonly number[]) => tokenVectors(language, ids, signal);
  const vectors = await vectorsOf(encoded.ids);
  const width = vectors.length / length;
  const sequences = [answer, ...(against ? [against] : [])];
  const longest = sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const capacity = capacityFor(length + longest, language.longest);
  const rows = await Promise.all(sequences.map((one, i) => rowOf(one, i === 0 ? 1 : -1)));

  async function rowOf({ ids, counted: [start, end] }: AnswerTokens, sign: number) {
    const all = [...encoded.ids, ...ids];
    const padded = [...all, ...new Array<number>(capacity - all.length).fill(encoded.ids[0])];
    const weights = new Float32Array(capacity);
    for (let j = start; j < end; j++) weights[length - 1 + j] = sign;
    const next = [...padded.slice(1), padded[0]];
    return { padded, real: all.length, weights, next, vectors: await vectorsOf(padded) };
  }

  const fit = await gradientFit(language, { graph, tokens: capacity, memory, width, feedsAt: sampleFeeds });
  const cost = { backward: 0 };
  const atOnce = Math.max(1, Math.min(mostRows, Math.floor(mostTokensAtOnce / capacity / rows.length)));
  const feedsAt = (points: readonly (Float32Array | undefined)[]) => {
    const all = points.flatMap((point) => rows.map((row) => ({ ...row, point })));
    const embedded = new Float32Array(all.length * capacity * width);
    for (const [r, row] of all.entries()) {
      embedded.set(row.vectors, r * capacity * width);
      if (row.point) embedded.set(row.point, r * capacity * width);
    }
    const ids = all.map(({ padded }) => padded);
    const real = all.map((row) => row.real);
    return new Map<string, Tensor>([
      ...feedsOf(language, ids, real),
      [roles.embedding, float32([all.length, capacity, width], embedded)],
      [
        'why/next',
        int64(
          [all.length, capacity, 1],
          all.flatMap(({ next }) => next),
        ),
      ],
      ['why/weights', float32([all.length, capacity], joined(all.map(({ weights }) => weights)))],
    ]);
  };
  const differentiated = async (
    points: readonly (Float32Array | undefined)[],
    on: Graph,
    overrides?: RuleOverrides,
  ) => {
    const feeds = feedsAt(points);
    const count = points.length * rows.length;
    const inputs = new Map(on.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
    const seeds = new Map([['why/score', float32([count], new Float32Array(count).fill(1))]]);
    const request = { inputs, seeds, wrt: [roles.embedding], overrides, signal };
    const { gradients, outputs } = await gradientsOf({ ...model, graph: on }, request);
    cost.backward += count;
    return {
      scores: outputs.get('why/score')?.data as Float32Array,
      slopes: gradients.get(roles.embedding)?.data as Float32Array,
    };
  };
  function sampleFeeds(tokens: number) {
    const ids = new Array<number>(tokens).fill(encoded.ids[0]);
    return new Map<string, Tensor>([
      ...feedsOf(language, [ids]),
      [roles.embedding, tensor('float32', [1, tokens, width])],
      ['why/next', int64([1, tokens, 1], ids)],
      ['why/weights', tensor('float32', [1, tokens])],
    ]);
  }
  const inPieces = async (point: Float32Array, piece: number) => {
    const gradient = new Float32Array(length * width);
    let value = 0;
    for (const row of rows) {
      const vectors = row.vectors.slice(0, row.real * width);
      vectors.set(point);
      const text = { ids: row.padded.slice(0, row.real), vectors, weights: row.weights, next: row.next };
      const found = await gradientInPieces(language, text, { length: piece, capacity, signal });
      cost.backward++;
      value += found.value;
      for (let i = 0; i < gradient.length; i++) gradient[i] += found.gradient[i];
    }
    return { value, gradient };
  };
  const some = async (points: readonly Float32Array[]) => {
    const { scores, slopes } = await differentiated(points, graph);
    return points.map((_, p) => {
      const gradient = new Float32Array(length * width);
      let value = 0;
      for (let r = p * rows.length; r < (p + 1) * rows.length; r++) {
        value += scores[r];
        for (let i = 0; i < gradient.length; i++) gradient[i] += slopes[r * capacity * width + i];
      }
      return { value, gradient };
    });
  };
  return {
    width,
    vectors,
    vectorsOf,
    fit,
    cost,
    async relevance(rules) {
      if (fit.piece !== undefined) {
        throw new WhereforeError('limit-reached', 'relevance is not taken in pieces of a text', {
          got: `about ${Math.ceil(fit.bytes / 2 ** 20)} MB as a whole`,
          expected: `${Math.floor(memory / 2 ** 20)} MB`,
          fix: 'allow more (--memory), or use the gradient: --method gradient,refined',
        });
      }
      const on = scoreGraph(language, 'logit');
      const { scores, slopes } = await differentiated([undefined], on, rules(on));
      const tokens = new Float64Array(length + longest);
      let value = 0;
      for (const [r, row] of rows.entries()) {
        value += scores[r];
        for (let i = 0; i < row.real * width; i++)
          tokens[Math.floor(i / width)] += row.vectors[i] * slopes[r * capacity * width + i];
      }
      return { value, tokens };
    },
    async gradients(points) {
      const found: { value: number; gradient: Float32Array }[] = [];
      const { piece } = fit;
      if (piece !== undefined) for (const point of points) found.push(await inPieces(point, piece));
      const whole = piece === undefined ? points : [];
      for (let at = 0; at < whole.length; at += atOnce) {
        // Every batch has one size, the last filled up: one graph serves them all.
        const part = whole.slice(at, at + atOnce);
        const filled =
          whole.length < atOnce ? part : [...part, ...new Array<Float32Array>(atOnce - part.length).fill(part[0])];
        for (const one of (await some(filled)).slice(0, part.length)) found.push(one);
      }
      return { values: found.map(({ value }) => value), gradients: found.map(({ gradient }) => gradient) };
    },
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.length * parts[0].length);
  for (const [i, part] of parts.entries()) all.set(part, i * part.length);
  return all;
}

import { knownAtPositions } from '../../attribution/pruning/at-positions.ts';
import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import { WhereforeError } from '../../errors.ts';
import type { Graph } from '../../onnx/graph.ts';
import { type Specialised, weightBytes } from '../../runtime/executor.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { type AnswerRow, answerFeeds, answerRows } from './answer-feeds.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { openEncoderProgram } from './encoder-program.ts';
import { defaultMemory, gradientFit } from './gradient-memory.ts';
import { gradientInPieces } from './piece-gradient.ts';
import { inBatches } from './point-batches.ts';
import type { Question } from './question.ts';
import { answerGraph, tokenVectors } from './score-graph.ts';

/** Rows that go through the model together: a batch pays for what a run costs at all. */
const mostRows = 16;
const mostTokensAtOnce = 4096;
/** Weights times tokens of a batch: from so much work on, what a run costs at all is nothing beside it. */
const mostWorkAtOnce = 2 ** 31;
/** Runs of a session from which on it pays to rearrange weights, where these have so many bytes (GPT-2 small: 9). */
const packedRuns = 9;
const largeWeights = 2 ** 26;
/** Runs, and weights times tokens of all of them: for fewer or less, fusing operators takes longer than it saves. */
const optimizedRuns = 3;
const optimizedWork = 2 ** 27;

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
  if (language.decoder || question.masks) return openEncoderProgram(language, question, { signal, memory });
  const { model, roles } = language;
  const { ids: prompt } = question.encoded;
  const length = prompt.length;
  const vectorsOf = (ids: readonly number[]) => tokenVectors(language, ids, signal);
  const vectors = await vectorsOf(prompt);
  const asked = await answerRows(question, language.longest, vectorsOf);
  const { rows, capacity, width } = asked;
  const graph = answerGraph(language, 'log-probability');
  const fit = await gradientFit(language, {
    tokens: capacity,
    memory,
    width,
    whole: await narrowed(language, graph, answerFeeds(language, asked, [undefined])),
  });
  const cost = { backward: 0, forward: 0 };
  const atOnce = pointsAtOnce();

  function pointsAtOnce(): number {
    const perPoint = capacity * rows.length;
    const most = Math.min(
      mostTokensAtOnce / perPoint,
      mostWorkAtOnce / (perPoint * (weightBytes(model.graph) / 4 + 1)),
      memory / (fit.bytes * rows.length),
    );
    return Math.max(1, Math.min(mostRows, Math.floor(most)));
  }

  const differentiated = async (
    points: readonly (Float32Array | undefined)[],
    of: Graph,
    { runs, rules }: { readonly runs: number; readonly rules?: Rules },
  ) => {
    const feeds = answerFeeds(language, asked, points);
    const specialised = await narrowed(language, of, feeds);
    const { graph: on } = specialised;
    const count = points.length * rows.length;
    const inputs = new Map(on.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
    const seeds = new Map([['why/score', float32([count], new Float32Array(count).fill(1))]]);
    const bytes = weightBytes(model.graph);
    const speed = {
      prepack: runs >= packedRuns || bytes < largeWeights,
      optimize: runs >= optimizedRuns && (bytes / 4) * runs * count * capacity >= optimizedWork,
    };
    const request = { inputs, seeds, wrt: [roles.embedding], overrides: rules?.(on), specialised, ...speed, signal };
    const { gradients, outputs } = await gradientsOf({ ...model, graph: on }, request);
    cost.backward += count;
    return {
      scores: outputs.get('why/score')?.data as Float32Array,
      slopes: gradients.get(roles.embedding)?.data as Float32Array,
    };
  };
  const scored = async (points: readonly Float32Array[]) => {
    const feeds = answerFeeds(language, asked, points);
    const { graph: on } = await narrowed(language, graph, feeds);
    const inputs = new Map(on.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
    const results = await model.executor.run(on, inputs, ['why/score'], { signal });
    const scores = results.get('why/score')?.data as Float32Array;
    return points.map((_, p) => scores.subarray(p * rows.length, (p + 1) * rows.length).reduce((a, b) => a + b, 0));
  };
  const inPieces = async (point: Float32Array, piece: number) => {
    const gradient = new Float32Array(length * width);
    let value = 0;
    for (const row of rows) {
      const found = await gradientInPieces(language, textOf(row, point), { length: piece, capacity, signal });
      cost.backward++;
      value += found.value;
      for (let i = 0; i < gradient.length; i++) gradient[i] += found.gradient[i];
    }
    return { value, gradient };
  };
  function textOf({ ids, real, next, weights, vectors: own }: AnswerRow, point: Float32Array) {
    const embedded = own.slice(0, real * width);
    embedded.set(point);
    const text = { ids: ids.slice(0, real), vectors: embedded, weights: new Float32Array(real), next: ids.slice() };
    for (const [j, position] of asked.positions.entries()) {
      if (position >= real) continue;
      text.weights[position] = weights[j];
      text.next[position] = next[j];
    }
    return text;
  }
  const some = async (points: readonly Float32Array[], runs: number) => {
    const { scores, slopes } = await differentiated(points, graph, { runs });
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
          fix: 'allow more (--memory), or use the gradient: --method gradient,guided',
        });
      }
      const { scores, slopes } = await differentiated([undefined], answerGraph(language, 'logit'), { runs: 1, rules });
      const tokens = new Float64Array(capacity);
      let value = 0;
      for (const [r, row] of rows.entries()) {
        value += scores[r];
        for (let i = 0; i < row.real * width; i++)
          tokens[Math.floor(i / width)] += row.vectors[i] * slopes[r * capacity * width + i];
      }
      return { value, tokens };
    },
    ...(fit.piece === undefined && {
      async values(points: readonly Float32Array[]) {
        cost.forward += points.length;
        return Float64Array.from(await inBatches(points, atOnce, scored));
      },
    }),
    async gradients(points) {
      const found: { value: number; gradient: Float32Array }[] = [];
      const { piece } = fit;
      if (piece !== undefined) for (const point of points) found.push(await inPieces(point, piece));
      else {
        const runs = Math.ceil(points.length / atOnce);
        for (const one of await inBatches(points, atOnce, (part) => some(part, runs))) found.push(one);
      }
      return { values: found.map(({ value }) => value), gradients: found.map(({ gradient }) => gradient) };
    },
  };
}

type Rules = (graph: Graph) => RuleOverrides;

/** The graph for some feeds that computes its last layer at the scored positions alone; shapes are followed. */
async function narrowed(
  { model }: LanguageModel,
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
): Promise<Specialised> {
  const inputs = new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
  const whole = await model.executor.specialise(graph, inputs, { frugal: true });
  return leanGraphs(whole.graph, '', () => knownAtPositions(whole.graph, whole.facts));
}

const leanGraphs = namedMemo<Graph, Specialised>();

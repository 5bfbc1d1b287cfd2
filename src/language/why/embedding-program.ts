import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { memo, namedMemo } from '../../tensor/memo.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import { capacityFor } from '../generate/decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { AnswerTokens, Question } from './question.ts';

/** f of a question and its gradient, at any vectors in place of those of the prompt's tokens. */
export interface EmbeddingProgram {
  /** Numbers of each vector. */
  readonly width: number;
  /** The vectors of the prompt's tokens, `tokens × width`. */
  readonly vectors: Float32Array;
  /** Vectors of some tokens, `count × width`. */
  vectorsOf(ids: readonly number[]): Promise<Float32Array>;
  /** f, and `∂f/∂vectors` for each point; points are `tokens × width` each. */
  gradients(points: readonly Float32Array[]): Promise<{ values: number[]; gradients: Float32Array[] }>;
  /**
   * Relevance of every token, those of the answer behind those of the prompt, by rules that take the place of derivatives;
   * it starts at the summed logits, `value`, less those of the other answer.
   */
  relevance(rules: (graph: Graph) => RuleOverrides): Promise<{ value: number; tokens: Float64Array }>;
  readonly cost: { backward: number };
}

/** Rows that go through the model together: a batch pays for what a run costs at all. */
const mostRows = 16;
const mostTokensAtOnce = 4096;

/** What is summed over the tokens of an answer: log p, or the logits themselves. */
export type ScoreKind = 'log-probability' | 'logit';

/** The graph from token vectors to the summed scores of given tokens, one number a row. */
const scoreGraph = (language: LanguageModel, kind: ScoreKind): Graph =>
  scoreGraphs(language, kind, () => makeScoreGraph(language, kind));

const scoreGraphs = namedMemo<LanguageModel, Graph>();

function makeScoreGraph(language: LanguageModel, kind: ScoreKind): Graph {
  const { model, logits, roles } = language;
  const builder = new GraphBuilder({ ...model.graph, outputs: [] }, { prefix: 'why/' });
  const next = builder.input('why/next', 'int64', ['batch', 'sequence', 1]);
  const weights = builder.input('why/weights', 'float32', ['batch', 'sequence']);
  const scores = kind === 'logit' ? logits : builder.op('LogSoftmax', [logits], { axis: -1 });
  const each = builder.op('GatherElements', [scores, next], { axis: -1 });
  const flat = builder.op('Squeeze', [each, builder.ints([-1])]);
  const score = builder.op(
    'ReduceSum',
    [builder.op('Mul', [flat, weights]), builder.ints([1])],
    { keepdims: 0 },
    {
      outputs: ['why/score'],
    },
  );
  builder.output(score, 'float32', ['batch']);
  const vectors = { name: roles.embedding, type: 'float32', shape: ['batch', 'sequence', undefined] } as const;
  return extractSubgraph(builder.build(), { inputs: [vectors], outputs: [score] });
}

const vectorGraph = memo(
  ({ model, roles }: LanguageModel): Graph => extractSubgraph(model.graph, { inputs: [], outputs: [roles.embedding] }),
);

/** Prepares a question for methods that look at token vectors. */
export async function openEmbeddingProgram(
  language: LanguageModel,
  question: Question,
  signal?: AbortSignal,
): Promise<EmbeddingProgram> {
  const { model, roles } = language;
  const { encoded, answer, against } = question;
  const length = encoded.ids.length;
  const graph = scoreGraph(language, 'log-probability');
  const vectorsOf = async (ids: readonly number[]) => {
    const feeds = feedsOf(language, [ids]);
    const results = await model.executor.run(vectorGraph(language), feeds, [roles.embedding], { signal });
    return results.get(roles.embedding)?.data as Float32Array;
  };
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
    cost,
    async relevance(rules) {
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
      for (let at = 0; at < points.length; at += atOnce) {
        // Every batch has one size, the last filled up: one graph serves them all.
        const part = points.slice(at, at + atOnce);
        const filled =
          points.length < atOnce ? part : [...part, ...new Array<Float32Array>(atOnce - part.length).fill(part[0])];
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

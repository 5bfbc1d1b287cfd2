import { WhereforeError } from '../../errors.ts';
import { cholesky, solveCholesky } from '../../linear-algebra/cholesky.js';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { random } from '../../tensor/random.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import { readValues } from '../where/read-values.ts';
import { scoreGraph } from '../why/score-graph.ts';
import type { EditSite } from './edit-site.ts';

/** What the model is to say. */
export interface FactInTokens {
  readonly prompt: readonly number[];
  /** The last token of the subject: where the MLP is asked for what it knows of it. */
  readonly position: number;
  readonly answer: readonly number[];
}

/** `ΔW = direction · valueᵀ`: wherever a key has a share of the direction, the value is added. */
export interface RankOneEdit {
  /** `u`, with ⟨u, key⟩ = 1. */
  readonly direction: Float64Array;
  readonly value: Float64Array;
}

/** Steps of the value, and its length relative to what the MLP wrote there, at most. */
const steps = 80;
const mostLength = 32;
/** The share of the mean variance that is added to every direction: a small sample does not know all of them. */
const ridge = 1e-2;

/** Texts of one length go through the model together, so many at most. */
const mostRows = 32;

/** Adds `Kᵀ K` of all tokens to a graph that gives keys. */
const momentGraph = namedMemo<Graph, Graph>();

/** The second moment of the keys of an MLP at every token of some texts, `C = Σ k kᵀ / n`: the model sums over a batch. */
export async function keyMoment(
  { model, ...language }: LanguageModel,
  { key }: EditSite,
  texts: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<Float64Array> {
  const graph = momentGraph(model.graph, key, () => {
    const part = extractSubgraph(model.graph, { inputs: [], outputs: [key] });
    const builder = new GraphBuilder({ ...part, outputs: [] }, { prefix: 'edit/' });
    // batch × tokens × inner → inner × (batch · tokens), and back.
    const shape = builder.op('Shape', [key], { start: -1 });
    const rows = builder.op('Reshape', [key, builder.op('Concat', [builder.ints([-1]), shape], { axis: 0 })]);
    const columns = builder.op('Transpose', [rows], { perm: [1, 0] });
    builder.op('MatMul', [columns, rows], {}, { outputs: ['edit/moment'] });
    builder.output('edit/moment', 'float32');
    return builder.build();
  });
  let moment = new Float64Array(0);
  let count = 0;
  for (const rows of batchesByLength(texts)) {
    const results = await model.executor.run(graph, feedsOf({ model, ...language }, rows), ['edit/moment'], { signal });
    const found = results.get('edit/moment')?.data as Float32Array;
    if (moment.length === 0) moment = new Float64Array(found.length);
    for (let i = 0; i < found.length; i++) moment[i] += found[i];
    count += rows.length * rows[0].length;
  }
  return moment.map((sum) => sum / count);
}

/** Texts of one length together, a few at a time. */
function batchesByLength(texts: readonly (readonly number[])[]): (readonly (readonly number[])[])[] {
  const groups = new Map<number, (readonly number[])[]>();
  for (const ids of texts) groups.set(ids.length, [...(groups.get(ids.length) ?? []), ids]);
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / mostRows) }, (_, i) => group.slice(i * mostRows, (i + 1) * mostRows)),
  );
}

/** The key of a fact at the last token of its subject. */
export async function keyOf(
  language: LanguageModel,
  { key }: EditSite,
  { prompt, position }: FactInTokens,
): Promise<Float64Array> {
  const { values } = await readValues(language, prompt, [key]);
  const { data } = values.get(key) as Tensor<'float32'>;
  const inner = data.length / prompt.length;
  return Float64Array.from(data.subarray(position * inner, (position + 1) * inner));
}

/** `u = C⁻¹ k / (kᵀ C⁻¹ k)`: of all directions that give the value to this key, the one that gives least to the keys of the sample. */
export function keyDirection(moment: Float64Array, key: Float64Array): Float64Array {
  const n = key.length;
  const matrix = Float64Array.from(moment);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += moment[i * n + i];
  for (let i = 0; i < n; i++) matrix[i * n + i] += (ridge * trace) / n;
  const { factor } = cholesky(matrix, n);
  if (!factor) throw new WhereforeError('invalid-data', 'the keys of the sample are not finite, or all zero');
  return scaledTo(solveCholesky(factor, key), key);
}

/** A direction with ⟨direction, key⟩ = 1. */
export function scaledTo(direction: Float64Array, key: Float64Array): Float64Array {
  const share = dot(direction, key);
  return direction.map((one) => one / share);
}

/** A random direction that gives the value to the key as fully. */
export function randomDirection(key: Float64Array, seed: number): Float64Array {
  const source = random(seed, 3);
  return scaledTo(
    key.map(() => source.normal()),
    key,
  );
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/**
 * What the MLP has to add at the subject so that the answer follows: steps along the gradient of log p(answer) from
 * nothing on, until the answer has .95, no longer than 32 times what the MLP wrote there.
 * @returns the value, and log p of the answer with it
 */
export async function answerValue(
  language: LanguageModel,
  { value: name }: EditSite,
  { prompt, position, answer }: FactInTokens,
  signal?: AbortSignal,
): Promise<{ value: Float64Array; logProbability: number }> {
  const { model } = language;
  const ids = [...prompt, ...answer];
  const count = ids.length;
  const cut = { name, type: 'float32', shape: ['batch', 'sequence', undefined] } as const;
  const whole = scoreGraph(language, 'log-probability');
  const { roles } = language;
  const vectors = (await readValues(language, ids, [roles.embedding, name])).values;
  const graph = extractSubgraph(whole, { inputs: [cut], outputs: ['why/score'] });
  const written = vectors.get(name) as Tensor<'float32'>;
  const width = written.data.length / count;
  const size = Math.sqrt(dot(rowOf(written.data), rowOf(written.data)));
  const weights = new Float32Array(count).fill(1, prompt.length - 1, count - 1);
  const feeds = new Map<string, Tensor>([
    ...feedsOf(language, [ids]),
    ...vectors,
    ['why/next', int64([1, count, 1], [...ids.slice(1), 0])],
    ['why/weights', float32([1, count], weights)],
  ]);
  const value = new Float64Array(width);
  for (let step = 0; ; step++) {
    const data = written.data.slice();
    for (let i = 0; i < width; i++) data[position * width + i] += value[i];
    const inputs = new Map(graph.inputs.map((input) => [input.name, feeds.get(input.name) as Tensor]));
    inputs.set(name, float32(written.shape, data));
    const seeds = new Map([['why/score', float32([1], [1])]]);
    const { gradients, outputs } = await gradientsOf({ ...model, graph }, { inputs, seeds, wrt: [name], signal });
    const logProbability = outputs.get('why/score')?.data[0] as number;
    if (step === steps || logProbability > Math.log(0.95)) return { value, logProbability };
    const slope = rowOf(gradients.get(name)?.data as Float32Array);
    const length = Math.sqrt(dot(slope, slope));
    if (length === 0) return { value, logProbability };
    for (let i = 0; i < width; i++) value[i] += (0.5 * size * slope[i]) / length;
    const own = Math.sqrt(dot(value, value));
    if (own > mostLength * size) for (let i = 0; i < width; i++) value[i] *= (mostLength * size) / own;
  }

  function rowOf(data: Float32Array): Float32Array {
    return data.subarray(position * width, (position + 1) * width);
  }
}

/**
 * The model with `ΔW` added to the weights of the site, written as what it does: `value + (key · u) vᵀ`. The file stays as
 * it is, and weights of any form can be edited.
 */
export function withRankOne(
  language: LanguageModel,
  { key, value: name }: EditSite,
  { direction, value }: RankOneEdit,
): LanguageModel {
  const { model } = language;
  const { graph } = model;
  const builder = new GraphBuilder({ ...graph, nodes: [], values: new Map() }, { prefix: 'edit/' });
  for (const node of graph.nodes) {
    if (!node.outputs.includes(name)) {
      builder.append(node);
      continue;
    }
    builder.append({ ...node, outputs: node.outputs.map((one) => (one === name ? `${name}/unedited` : one)) });
    const u = builder.constant(float32([direction.length, 1], Float32Array.from(direction)));
    const v = builder.constant(float32([1, value.length], Float32Array.from(value)));
    const added = builder.op('MatMul', [builder.op('MatMul', [key, u]), v]);
    builder.op('Add', [`${name}/unedited`, added], {}, { outputs: [name], name: `${name}/edit` });
  }
  return { ...language, model: { ...model, graph: builder.build() } };
}

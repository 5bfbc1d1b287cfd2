import { buildRowProgram, type RowProgram, type RowProgramRequest } from '../autodiff/gradient-program.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { type Tensors, throwIfCancelled } from '../runtime/runtime.ts';
import { filled, mapped } from '../tensor/filled.ts';
import { float32, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { withRowLoss } from '../train/row-loss.ts';
import { classScores } from './class-scores.ts';
import { withFormulaLoss } from './formula-loss.ts';
import type { Block, EigenPair } from './gradient-material.ts';
import { type Matrix64, zeros } from './matrix.ts';
import { withOutput } from './represent.ts';
import { partsOfWidth } from './side-parts.ts';
import type { MeasuredTerms } from './slices/measured-query.ts';
import { weightsOf } from './weights-of.ts';

export interface ModelGradientsOptions {
  /**
   * A classifier whose output holds scores (logits) of the classes, or one number, the log-odds of the second of two: the
   * loss is their cross-entropy.
   */
  readonly model: Model;
  readonly output: string;
  readonly classes: number;
  /**
   * Training rows, with labels of classes: one for each row, or one for each token of it, {@link noLabel} where a token
   * does not count. The loss of a row is the sum over its tokens.
   */
  readonly rows: Dataset;
  readonly queries: Dataset;
  /** One f of all queries together. Default: each has its own, the log-probability of its label. */
  readonly measured?: MeasuredTerms;
  /** Weights that count. Default: {@link weightsOf}. */
  readonly parameters?: readonly string[];
  /** Loss of a row as a formula, see `withFormulaLoss`. Default: the cross-entropy. */
  readonly loss?: string;
  /** λ of the training. Default 0. */
  readonly weightDecay?: number;
  /** Width of a layer's side up to which one covariance is taken of it. Default 4,096; wider ones are cut into parts. */
  readonly widest?: number;
  /** Rows in a run. Default: as many as `byteBudget` holds, a power of two up to 64. */
  readonly batch?: number;
  /** Bytes that the values of a run may take. Default 256 MiB. */
  readonly byteBudget?: number;
  /** Where eigenvectors are computed. Default: here. */
  readonly eigen?: (matrix: Float64Array, size: number) => Promise<EigenPair>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/** Label of a token whose loss does not count. */
export const noLabel = -1;

export type Side = 'rows' | 'queries';

export type Results = ReadonlyMap<string, Tensor>;

/** The rows `from` … `to` − 1. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export interface PassFeeds {
  /** What flows into a row's loss: 1 for its gradient. */
  readonly seed: (row: number) => number;
  /** The class that the loss is of. Default: the label of the row. */
  readonly target?: (row: number) => number;
  readonly feeds?: Tensors;
}

/** Rows of a run, where memory allows: more of them gain nothing. */
const mostTogether = 64;

/** Rows whose values, with those of the backward pass, fit a budget: a power of two. */
async function fittingRows({ model, rows, byteBudget = 256 * 2 ** 20 }: ModelGradientsOptions): Promise<number> {
  const { inputs } = await rows.read([0]);
  const { graph, facts } = await model.executor.specialise(model.graph, new Map(Object.entries(inputs)));
  let numbers = 0;
  for (const { outputs } of graph.nodes) for (const name of outputs) numbers += sizeOf(facts.shapes.get(name) ?? []);
  // What flows back is as large as what went forward, and a layer's inputs are unfolded besides.
  const fitting = byteBudget / (4 * 4 * Math.max(1, numbers));
  return Math.min(mostTogether, 2 ** Math.max(0, Math.floor(Math.log2(fitting))));
}

/** What all passes share: the graph with the loss of every row, its layers, and batches of one size. */
export async function openPasses(given: ModelGradientsOptions) {
  const scores = await classScores(given);
  const options = { ...given, model: { ...given.model, graph: scores.graph }, output: scores.output };
  const { model, output, signal, onProgress } = options;
  const sides: Readonly<Record<Side, Dataset>> = { rows: options.rows, queries: options.queries };
  const batch = Math.min(
    model.rowsAtMost ?? mostTogether,
    options.batch ?? (await fittingRows(options)),
    Math.max(options.rows.length, options.queries.length),
  );
  const perToken = (options.rows.labels?.shape ?? []).slice(1);
  const loss = { kind: 'cross-entropy', ...(perToken.length > 0 && { ignore: noLabel }) } as const;
  if (options.loss !== undefined && perToken.length > 0)
    throw new WhereforeError('unsupported-model', 'a loss as a formula needs one label a row', {
      where: options.rows.name,
      got: 'one a token',
      fix: 'leave out the formula: the cross-entropy of all tokens is taken',
    });
  const row =
    options.loss === undefined
      ? withRowLoss(model.graph, loss, output, { type: 'int64', shape: [batch, ...perToken] })
      : withFormulaLoss(model.graph, options.loss, output, { batch, classes: options.classes });
  const oneLabel = () => {
    if (perToken.length === 0) return;
    throw new WhereforeError('unsupported-model', 'what is asked needs one label a row, and these have one a token', {
      where: options.rows.name,
      fix: 'choose a method that takes the labels of the data, e.g. ek-fac with labels "given"',
    });
  };
  const feedsOf = async (side: Side, at: Uint32Array, { seed, target, feeds = new Map() }: PassFeeds) => {
    const padded = new Uint32Array(batch).fill(at[at.length - 1]);
    padded.set(at);
    const { inputs, labels } = await sides[side].read(padded);
    if (target) oneLabel();
    const classes = target ? Array.from(padded, target) : Array.from((labels as Tensor<'int64'>).data, Number);
    // A row that only fills the batch has a gradient of 0.
    const seeds = mapped(Float32Array, padded, (index, b) => (b < at.length ? seed(index) : 0));
    return new Map<string, Tensor>([
      ...Object.entries(inputs),
      [row.target, int64([batch, ...perToken], classes)],
      [row.seed, float32([batch], seeds)],
      ...feeds,
    ]);
  };
  const example = await feedsOf('rows', Uint32Array.of(0), { seed: () => 1 });
  const { graph, facts } = await model.executor.specialise(row.graph, example);
  const wrt = options.parameters ?? weightsOf(graph, output);
  const inputs = [...model.graph.inputs.map(({ name }) => name), row.target, row.seed];
  const request = (reduce: RowProgramRequest['reduce']) =>
    buildRowProgram(graph, facts, {
      seeds: new Map([[row.loss, row.seed]]),
      wrt,
      rows: { inputs, count: batch },
      reduce,
    });
  const { layers } = request({ kind: 'quadratic' });
  const blocks: Block[] = [];
  let offset = 0;
  for (const { name, outputs, inputs: columns, oneHot } of layers) {
    const parts = {
      ...(oneHot !== 'inputs' && { inputs: partsOfWidth(columns, options.widest) }),
      ...(oneHot !== 'outputs' && { outputs: partsOfWidth(outputs, options.widest) }),
    };
    const isParted = parts.inputs !== undefined || parts.outputs !== undefined;
    blocks.push({ name, rows: outputs, columns, offset, ...(oneHot && { oneHot }), ...(isParted && { parts }) });
    offset += outputs * columns;
  }
  /** Batches of a range, with what a program reads of each. */
  async function* feedsOver(side: Side, program: RowProgram, feeds: PassFeeds, range?: RowRange) {
    const { from, to } = range ?? { from: 0, to: sides[side].length };
    const wanted = new Set(program.graph.inputs.map(({ name }) => name));
    for (let first = from; first < to; first += batch) {
      throwIfCancelled(signal);
      const at = filled(new Uint32Array(Math.min(batch, to - first)), (b) => first + b);
      const all = await feedsOf(side, at, feeds);
      yield { at, own: new Map([...all].filter(([name]) => wanted.has(name))) };
      onProgress?.('gradients', first - from + at.length, to - from);
    }
  }
  const over = async (
    side: Side,
    program: RowProgram,
    feeds: PassFeeds,
    use: (results: Results, at: Uint32Array) => void,
    range?: RowRange,
  ) => {
    for await (const { at, own } of feedsOver(side, program, feeds, range))
      use(await model.executor.run(program.graph, own, program.outputs, { signal }), at);
  };
  /** Sums over the rows of a range: they stay with the runtime from batch to batch. */
  const openSums = async (program: RowProgram) => {
    const session = await model.executor.open(program.graph);
    return {
      async of(feeds: PassFeeds, range: RowRange): Promise<Results> {
        let before: Tensors | undefined = program.initial;
        for await (const { own } of feedsOver('rows', program, feeds, range)) {
          for (const name of program.initial.keys()) own.delete(name);
          for (const [name, zero] of before ?? []) own.set(name, zero);
          before = undefined;
          await session.run(own, [], { carry: program.carry, signal });
        }
        const read = await session.read([...program.carry.values()]);
        return new Map([...program.carry].map(([output, input]) => [output, read.get(input) as Tensor]));
      },
      close: () => session.release(),
    };
  };
  const known = probabilitiesOf(options, sides, feedsOf, batch);
  const probabilities = (side: Side, range?: RowRange) => {
    oneLabel();
    return known(side, range);
  };
  const labels = (side: Side) =>
    mapped(Int32Array, (sides[side].labels as Tensor<'int64'>).data as BigInt64Array, Number);
  const shapeOf = (name: string) => graph.initializers.get(name)?.shape ?? [];
  /** Losses of the rows of a side by the graph with other weights. */
  const losses = async (side: Side, moved: Graph, use: (losses: Float32Array, at: Uint32Array) => void) => {
    for (let first = 0; first < sides[side].length; first += batch) {
      throwIfCancelled(signal);
      const at = filled(new Uint32Array(Math.min(batch, sides[side].length - first)), (b) => first + b);
      const feeds = await feedsOf(side, at, { seed: () => 1 });
      use(((await model.executor.run(moved, feeds, [row.loss])).get(row.loss) as Tensor<'float32'>).data, at);
    }
  };
  return { batch, row, layers, blocks, graph, open: request, over, openSums, losses, probabilities, labels, shapeOf };
}

export type Passes = Awaited<ReturnType<typeof openPasses>>;

/** Probabilities of the rows of a range: those of a whole side are computed once. */
function probabilitiesOf(
  { model, output, classes }: ModelGradientsOptions,
  sides: Readonly<Record<Side, Dataset>>,
  feedsOf: (side: Side, at: Uint32Array, feeds: PassFeeds) => Promise<Map<string, Tensor>>,
  batch: number,
): (side: Side, range?: RowRange) => Promise<Matrix64> {
  // Scores before a softmax are no output of the model.
  const graph = withOutput(model.graph, output);
  const known = new Map<Side, Promise<Matrix64>>();
  const compute = async (side: Side, { from, to }: RowRange) => {
    const result = zeros(to - from, classes);
    for (let first = from; first < to; first += batch) {
      const at = filled(new Uint32Array(Math.min(batch, to - first)), (b) => first + b);
      const feeds = await feedsOf(side, at, { seed: () => 1 });
      const scores = (await model.executor.run(graph, feeds, [output])).get(output) as Tensor<'float32'>;
      for (const [b, i] of at.entries())
        softmaxInto(scores.data.subarray(b * classes, (b + 1) * classes), result, i - from);
    }
    return result;
  };
  return (side, range) => {
    if (range) return compute(side, range);
    const found = known.get(side) ?? compute(side, { from: 0, to: sides[side].length });
    known.set(side, found);
    return found;
  };
}

function softmaxInto(scores: Float32Array, to: Matrix64, row: number): void {
  let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
  for (const score of scores) most = Math.max(most, score);
  for (const score of scores) sum += Math.exp(score - most);
  for (let k = 0; k < scores.length; k++) to.data[row * to.columns + k] = Math.exp(scores[k] - most) / sum;
}

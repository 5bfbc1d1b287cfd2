import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { packageVersion } from '../../explain/version.ts';
import { exactDuplicates } from '../../influence/audit/duplicates.ts';
import { chooseRows } from '../../influence/choose-rows.ts';
import type { GradientMaterial } from '../../influence/gradient-material.ts';
import { groupInfluences } from '../../influence/groups.ts';
import type { InfluenceDocument, InfluenceList, InfluentialRow } from '../../influence/influence-document.ts';
import { type Matrix64, rowOf } from '../../influence/matrix.ts';
import { lossesOf } from '../../influence/methods/controls.ts';
import { similarities } from '../../influence/methods/similarity.ts';
import { modelGradients } from '../../influence/model-gradients.ts';
import { type Judged, judgeScores } from '../../influence/reliability.ts';
import { represent } from '../../influence/represent.ts';
import { costOf, type InfluenceContext, influenceMethodNamed, score } from '../../influence/score.ts';
import { spearman } from '../../tensor/correlation.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type ClassReader, classNames, classReader, scoresValue } from '../audit/class-reader.ts';

export interface InfluenceDataOptions {
  readonly model: LoadedModel;
  readonly data: Dataset;
  /** One row: the query. */
  readonly query: Dataset;
  /** Class whose log-probability is f. Default: the one that the model predicts. */
  readonly target?: number;
  /** Default: the most exact that the model allows, see `defaultMethod`. */
  readonly method?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Models trained the same way from other seeds: with at least four the reliability of each row is told. */
  readonly seeds?: readonly LoadedModel[];
  /** λ of the training's ½ λ ‖θ‖². Default 0. */
  readonly weightDecay?: number;
  /** Rows of each list; default 10. */
  readonly count?: number;
  readonly layer?: string;
  /** Output of the model; default: the first of floats. */
  readonly output?: string;
  readonly seed: number;
  readonly command?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  /** Told before the scores are computed: how many gradients of rows, and products of numbers. */
  readonly onCost?: (text: string) => void;
}

/** Weights up to which the whole curvature is taken by default: its factor takes seconds. */
const wholeCurvature = 2000;

/** Which method answers by default: the whole curvature where it is small, EK-FAC where it is not, votes without gradients. */
function defaultMethod(gradients: GradientMaterial | undefined): string {
  if (!gradients) return 'knn-shapley';
  return gradients.parameters <= wholeCurvature ? 'influence' : 'ek-fac';
}

/**
 * Which training rows are behind what a model says of a query.
 * @throws WhereforeError as `score`; `wrong-type` where the labels are values; `unsupported-model` for weights of less
 *   than 32 bits, whose gradients would be noise; `invalid-argument` for fewer than four other seeds
 */
export async function influenceData(options: InfluenceDataOptions): Promise<InfluenceDocument> {
  const { model, data, query, seeds = [], count = 10, command } = options;
  checkLabels(data);
  const asked = new Map(Object.entries((await query.read([0])).inputs));
  const classes = await classNames(data, model, asked, options);
  if (options.target !== undefined && options.target >= classes.length)
    throw new WhereforeError('out-of-range', 'there is no such class', {
      got: `${options.target}`,
      expected: `0 to ${classes.length - 1}`,
    });
  const labels = Int32Array.from((data.labels as Tensor<'int64'>).data as BigInt64Array, Number);
  const first = await contextOf(options, model, classes, labels, options.target);
  const { context, target, predicted, notes } = first;
  const name = options.method ?? defaultMethod(context.gradients);
  const method = influenceMethodNamed(name);
  options.onCost?.(costText(name, context, options.parameters));
  const scores = await score(name, context, options.parameters);
  const others: Matrix64[] = [];
  for (const other of seeds) {
    const again = await contextOf(options, other, classes, labels, target);
    others.push((await score(name, again.context, options.parameters)).values);
  }
  const judged = others.length > 0 ? judgeScores([scores.values, ...others]) : undefined;
  const values = judged?.mean ?? scores.values;
  const likeness = similarities(
    (context.embeddings as NonNullable<typeof context.embeddings>).queries,
    (context.embeddings as NonNullable<typeof context.embeddings>).rows,
    'cosine',
  ).data;
  const all = range(0, data.length);
  const rowFacts: RowFacts = {
    data,
    labels,
    values,
    likeness,
    judged,
    losses: lossesOf((context.predictions as NonNullable<typeof context.predictions>).rows, labels),
  };
  const copies = exactDuplicates(await data.hashes(all), labels).map(({ rows }) => rows);
  const listOf = async (among?: (row: number) => boolean): Promise<InfluenceList> => {
    const chosen = chooseRows(rowOf(values, 0), count, copies, among);
    return {
      proponents: await describe(chosen.proponents, rowFacts),
      opponents: await describe(chosen.opponents, rowFacts),
    };
  };
  const probabilities = (context.predictions as NonNullable<typeof context.predictions>).queries;
  const queryLabel = query.labels ? Number((query.labels as Tensor<'int64'>).data[0]) : undefined;
  return {
    format: 'wherefore-influence',
    version: 1,
    wherefore: packageVersion,
    ...(command && { command }),
    model: { name: model.name, hash: model.hash },
    data: { name: data.name, key: await data.key(), rows: data.length },
    classes,
    query: {
      from: query.describe(0),
      predicted,
      probability: rowOf(probabilities, 0)[predicted],
      target,
      targetProbability: rowOf(probabilities, 0)[target],
      ...(queryLabel !== undefined && { label: queryLabel }),
    },
    method: {
      name,
      title: method.title,
      source: method.source,
      unit: method.unit === 'unit of f' ? 'nats' : method.unit,
      sign: method.sign,
      question: method.question,
      additive: method.additive,
      parameters: method.parameters.parse(options.parameters ?? {}) as Record<string, unknown>,
    },
    models: 1 + others.length,
    all: await listOf(),
    sameClass: await listOf((row) => labels[row] === target),
    nearest: await describe(nearestOf(likeness, count), rowFacts),
    groups: method.additive ? groupInfluences(values, 0, await columnsOf(data, all, labels, classes)).slice(0, 50) : [],
    ...(spearman(rowOf(values, 0), likeness) !== undefined && { likeSimilarity: spearman(rowOf(values, 0), likeness) }),
    notes: [
      ...notes,
      ...scores.notes,
      ...(judged ? [] : ['one model: nothing is known of how much the scores depend on its seed']),
      ...(method.unit === 'unit of f'
        ? ['uncalibrated: read the scores as an order; effects measured by retraining were 1.4 to 4.6 times as large']
        : []),
    ],
  };
}

function checkLabels({ labels, name }: Dataset): void {
  if (!labels)
    throw new WhereforeError('invalid-data', 'the training rows have no labels', {
      where: name,
      fix: 'name the column, or the file, of labels',
    });
  if (labels.type !== 'int64')
    throw new WhereforeError('wrong-type', 'the labels are values, not classes', {
      where: name,
      got: labels.type,
      fix: 'name a column of classes',
    });
}

interface Contextual {
  readonly context: InfluenceContext;
  readonly target: number;
  readonly predicted: number;
  readonly notes: readonly string[];
}

/** What one model gives to score with. */
async function contextOf(
  options: InfluenceDataOptions,
  model: LoadedModel,
  classes: readonly string[],
  labels: Int32Array,
  wanted: number | undefined,
): Promise<Contextual> {
  const { data, query, seed, signal, onProgress } = options;
  const reader = await classReader(model, new Map(Object.entries((await query.read([0])).inputs)), classes, options);
  const seen = { read: reader.read, output: reader.output, layer: reader.layer, signal };
  const ofQuery = await represent(model, query, seen);
  const ofRows = await represent(model, data, {
    ...seen,
    onProgress: (done, total) => onProgress?.('predictions', done, total),
  });
  const p = rowOf(ofQuery.probabilities, 0);
  let predicted = 0;
  for (let k = 1; k < p.length; k++) if (p[k] > p[predicted]) predicted = k;
  const target = wanted ?? predicted;
  if (p.length !== classes.length)
    throw new WhereforeError('wrong-shape', 'the model and the labels differ in their classes', {
      got: `${p.length} outputs`,
      expected: `${classes.length} classes: ${classes.slice(0, 10).join(', ')}`,
      fix: 'give the data that the model was trained on',
    });
  const targets = Int32Array.of(target);
  const made = wantsGradients(options) ? await gradientsOf(options, reader, classes.length, targets) : undefined;
  const [rows, queries] = [ofRows.embeddings ?? ofRows.content, ofQuery.embeddings ?? ofQuery.content];
  if (!rows || !queries)
    throw new WhereforeError('out-of-range', 'the rows are too large to compare', { fix: 'name a layer' });
  return {
    target,
    predicted,
    notes: made && 'why' in made ? [`no gradients: ${made.why}`] : [],
    context: {
      rows: data.length,
      queries: 1,
      seed,
      ...(signal && { signal }),
      labels: { rows: labels, queries: targets, classes: classes.length },
      embeddings: { rows, queries },
      predictions: { rows: ofRows.probabilities, queries: ofQuery.probabilities, outOfSample: false },
      ...(made && 'gradients' in made && { gradients: made.gradients }),
    },
  };
}

const wantsGradients = ({ method }: InfluenceDataOptions) =>
  method === undefined || influenceMethodNamed(method).needs.includes('gradients');

const coarse: ReadonlySet<string> = new Set(['float16', 'bfloat16', 'int8', 'uint8', 'int4', 'uint4']);

/** Gradients of a model, or why there are none where no method was named. */
async function gradientsOf(
  options: InfluenceDataOptions,
  reader: ClassReader,
  classes: number,
  targets: Int32Array,
): Promise<{ gradients: GradientMaterial } | { why: string }> {
  const { model } = reader;
  const small = [...model.source.graph.initializers.values()].find(
    ({ type, shape }) => coarse.has(type) && shape.length > 1,
  );
  const output = scoresValue(reader);
  try {
    if (small)
      throw new WhereforeError(
        'unsupported-model',
        `weight "${small.name}" is ${small.type}: its gradients would be noise`,
        {
          fix: 'give the model before it was rounded',
        },
      );
    if (!output)
      throw new WhereforeError('unsupported-model', 'the model has no scores whose softmax are the probabilities', {
        fix: 'choose a method without gradients: knn-shapley or similarity',
      });
    const query: Dataset = {
      ...options.query,
      labels: { type: 'int64', shape: [1], data: BigInt64Array.from(targets, BigInt) },
      read: async (indices, epoch) => ({
        ...(await options.query.read(indices, epoch)),
        labels: {
          type: 'int64',
          shape: [indices.length],
          data: new BigInt64Array(indices.length).fill(BigInt(targets[0])),
        },
      }),
    };
    const gradients = await modelGradients({
      model,
      output,
      classes,
      rows: options.data,
      queries: query,
      weightDecay: options.weightDecay,
      signal: options.signal,
      onProgress: options.onProgress,
    });
    return { gradients };
  } catch (error) {
    // A method that was asked for by name needs them; else one without gradients is chosen, and that is said.
    const isKnown =
      error instanceof WhereforeError &&
      (error.code === 'unsupported-model' ||
        error.code === 'unsupported-operator' ||
        error.code === 'not-differentiable');
    if (options.method !== undefined || !isKnown) throw error;
    return { why: error.what };
  }
}

function costText(name: string, context: InfluenceContext, parameters: unknown): string {
  const { gradients, multiplications } = costOf(name, context, parameters ?? {});
  const size = context.gradients ? `, ${context.gradients.parameters} weights` : '';
  return `${name}: ${gradients} gradients of rows${size}, ${multiplications.toExponential(0)} products of numbers beside`;
}

interface RowFacts {
  readonly data: Dataset;
  readonly labels: Int32Array;
  readonly values: Matrix64;
  readonly likeness: Float64Array;
  readonly judged: Judged | undefined;
  readonly losses: Float64Array;
}

async function describe(rows: readonly number[], facts: RowFacts): Promise<InfluentialRow[]> {
  const ids = await facts.data.ids(rows);
  return rows.map((row, i) => ({
    row,
    id: ids[i],
    from: facts.data.describe(row),
    label: facts.labels[row],
    score: facts.values.data[row],
    similarity: facts.likeness[row],
    loss: facts.losses[row],
    ...(facts.judged && { reliability: facts.judged.reliability[row], error: facts.judged.error[row] }),
  }));
}

function nearestOf(likeness: Float64Array, count: number): number[] {
  return Array.from(likeness.keys())
    .sort((a, b) => likeness[b] - likeness[a] || a - b)
    .slice(0, count);
}

/** Columns whose values are groups: those of metadata with few values, and the class. */
async function columnsOf(data: Dataset, all: Uint32Array, labels: Int32Array, classes: readonly string[]) {
  const columns = new Map<string, readonly string[]>([['class', Array.from(labels, (k) => classes[k])]]);
  for (const name of data.columns) {
    const values = (await data.column(name, all)).map((value) => (value === undefined ? '' : String(value)));
    if (new Set(values).size <= Math.max(2, values.length / 5)) columns.set(name, values);
  }
  return columns;
}

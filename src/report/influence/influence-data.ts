import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { packageVersion } from '../../explain/version.ts';
import { exactDuplicates } from '../../influence/audit/duplicates.ts';
import { chooseRows } from '../../influence/choose-rows.ts';
import { groupInfluences } from '../../influence/groups.ts';
import type { InfluenceDocument, InfluenceList, InfluentialRow } from '../../influence/influence-document.ts';
import { type Matrix64, rowOf } from '../../influence/matrix.ts';
import { lossesOf } from '../../influence/methods/controls.ts';
import { similarities } from '../../influence/methods/similarity.ts';
import { type Judged, judgeScores } from '../../influence/reliability.ts';
import { costOf, type InfluenceContext, influenceMethodNamed, score } from '../../influence/score.ts';
import { spearman } from '../../tensor/correlation.ts';
import { mapped } from '../../tensor/filled.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { classNames } from '../audit/class-reader.ts';
import { contextOf } from './influence-context.ts';
import type { InfluenceDataOptions } from './influence-options.ts';

/** Weights up to which the whole curvature is taken by default: its factor takes seconds. */
const wholeCurvature = 2000;

/** Which method answers by default: the whole curvature where it is small, EK-FAC where it is not, votes without gradients. */
function defaultMethod({ gradients, checkpoints }: InfluenceContext): string {
  if (checkpoints) return 'tracin-cp';
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
  const labels = mapped(Int32Array, (data.labels as Tensor<'int64'>).data as BigInt64Array, Number);
  const first = await contextOf(options, model, classes, labels, options.target);
  const { context, target, predicted, notes } = first;
  const name = options.method ?? defaultMethod(context);
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
      ...(context.gradients && !context.checkpoints ? learnedNotes(rowFacts.losses) : []),
      ...(judged ? [] : ['one model: nothing is known of how much the scores depend on its seed']),
      ...(method.unit === 'unit of f'
        ? ['uncalibrated: read the scores as an order; effects measured by retraining were 1.4 to 4.6 times as large']
        : []),
    ],
  };
}

/** Loss below which a row has hardly a gradient left: its probability is above .99. */
const learned = 0.01;

/** Says where gradients at the end of a training are nearly blind. */
function learnedNotes(losses: Float64Array): string[] {
  let count = 0;
  for (const loss of losses) if (loss < learned) count++;
  if (count < losses.length / 2) return [];
  return [
    `${count} of ${losses.length} rows are learned by heart (loss below ${learned}) and have hardly a gradient left; checkpoints from the middle of the training see more (--checkpoints)`,
  ];
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

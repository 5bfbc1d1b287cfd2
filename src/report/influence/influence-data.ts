import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { packageVersion } from '../../explain/version.ts';
import { exactDuplicates } from '../../influence/audit/duplicates.ts';
import { spreadOf } from '../../influence/calibration/calibration.ts';
import type { CalibrationDocument } from '../../influence/calibration/calibration-document.ts';
import { chooseRows } from '../../influence/choose-rows.ts';
import { classOrderNotes } from '../../influence/class-order.ts';
import { familiarityOf } from '../../influence/familiarity.ts';
import { groupInfluences } from '../../influence/groups.ts';
import type {
  InfluenceDocument,
  InfluenceList,
  InfluentialKind,
  InfluentialRow,
  RowQuery,
} from '../../influence/influence-document.ts';
import { rowKinds } from '../../influence/kinds.ts';
import type { Both } from '../../influence/material.ts';
import { type Matrix64, rowOf } from '../../influence/matrix.ts';
import { lossesOf } from '../../influence/methods/controls.ts';
import { similarities } from '../../influence/methods/similarity.ts';
import { pooledColumns, redactInfluence } from '../../influence/redact.ts';
import { type Judged, judgeScores } from '../../influence/reliability.ts';
import { score } from '../../influence/score.ts';
import { unitOf } from '../../influence/slices/measured-query.ts';
import { rankWhatIfs } from '../../influence/what-if.ts';
import { spearman } from '../../tensor/correlation.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { withNewtonSteps } from './group-steps.ts';
import { contextOf } from './influence-context.ts';
import type { InfluenceDataOptions } from './influence-options.ts';
import { type ScoredQueries, scoreQueries, scoresOf } from './influence-scores.ts';
import { proposalNotes, proposedChanges } from './what-ifs.ts';

/**
 * Which training rows are behind what a model says of a query.
 * @throws WhereforeError as `score`; `wrong-type` where the labels are values; `unsupported-model` for weights of less
 *   than 32 bits, whose gradients would be noise; `invalid-argument` for fewer than four other seeds
 * @param calibrationOf finds how scores become effects in nats, see `calibrateEffects`; undefined where it was not measured
 */
export async function influenceData(
  options: InfluenceDataOptions,
  calibrationOf?: (scored: ScoredQueries) => Promise<CalibrationDocument | undefined>,
): Promise<InfluenceDocument> {
  const { model, data, seeds = [], count = 10, command, added, measured } = options;
  const wanted = measured ? Array.from(measured.targets) : [options.target];
  const scored = await scoreQueries(options, wanted);
  const { classes, labels, context, notes, name, method, scores } = scored;
  const others: Matrix64[] = [];
  for (const other of seeds) {
    const again = await contextOf(options, other, classes, labels, Array.from(scored.targets));
    others.push((await scoresOf(name, again, options)).values);
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
  const lists = await listOf();
  const every = await columnsOf(data, all, labels, classes);
  const columns = options.redact ? pooledColumns(every) : every;
  const sums = method.additive ? groupInfluences(values, 0, columns).slice(0, 50) : [];
  const { signal, onProgress } = options;
  const stepped = options.newton
    ? await withNewtonSteps(sums, { data, scored, columns, signal, onProgress })
    : { groups: sums, notes: [] };
  const { groups } = stepped;
  const kinds = options.kinds ? await kindsOf(scored, columns, rowFacts, options.seed) : undefined;
  const calibration = await calibrationOf?.(scored);
  const asked = { data, scored, values: rowOf(values, 0), lists, groups, added };
  const whatIfs = rankWhatIfs(
    await proposedChanges(asked),
    { rows: data.length, spread: spreadOf(asked.values) },
    calibration,
  );
  const { queries: asQuery, rows: asRows } = context.embeddings as NonNullable<typeof context.embeddings>;
  const familiarity = measured ? undefined : familiarityOf(asQuery, asRows, options.seed);
  // f of a slice is of no class, unless it is a rate.
  const ofClass = measured ? measured.about.class : scored.targets[0];
  const document: InfluenceDocument = {
    format: 'wherefore-influence',
    version: 1,
    wherefore: packageVersion,
    ...(command && { command }),
    model: { name: model.name, hash: model.hash },
    data: { name: data.name, key: await data.key(), rows: data.length },
    classes,
    query: measured?.about ?? rowQuery(options.query, scored),
    method: {
      name,
      title: method.title,
      source: method.source,
      unit: method.unit === 'unit of f' ? (measured ? unitOf(measured.about) : 'nats') : method.unit,
      sign: method.sign,
      question: method.question,
      additive: method.additive,
      parameters: scored.parameters,
    },
    models: 1 + others.length,
    all: lists,
    ...(ofClass !== undefined && { sameClass: await listOf((row) => labels[row] === ofClass) }),
    nearest: await describe(nearestOf(likeness, count), rowFacts),
    groups,
    ...(kinds && { kinds }),
    whatIfs,
    ...(options.texts && { sameWords: await describe(await sameWords(options.texts, count), rowFacts) }),
    ...(calibration && { calibration }),
    ...(familiarity && { familiarity }),
    ...(spearman(rowOf(values, 0), likeness) !== undefined && { likeSimilarity: spearman(rowOf(values, 0), likeness) }),
    notes: [
      ...(options.dataNotes ?? []),
      ...(context.predictions ? classOrderNotes(context.predictions.rows, labels, classes) : []),
      ...notes,
      ...(measured?.notes ?? []),
      ...scores.notes,
      ...(familiarity?.few ? [few] : []),
      ...(context.gradients && !context.checkpoints ? learnedNotes(rowFacts.losses) : []),
      ...(judged ? [] : ['one model: nothing is known of how much the scores depend on its seed']),
      ...(options.loss === undefined
        ? []
        : [`loss of a row: ${options.loss}; f is the log-probability, the curvature that of the cross-entropy`]),
      ...stepped.notes,
      ...proposalNotes(asked, 1 + others.length),
      ...(method.additive ? [calibration ? calibrationNote(calibration) : uncalibrated] : []),
    ],
  };
  return options.redact ? redactInfluence(document) : document;
}

/** Rows of each kind that are described. */
const ofKind = 5;

/** @throws WhereforeError `invalid-argument` where there are no gradients to compare */
async function kindsOf(
  { context, name }: ScoredQueries,
  columns: ReadonlyMap<string, readonly string[]>,
  facts: RowFacts,
  seed: number,
): Promise<InfluentialKind[]> {
  const gradients = context.gradients ?? context.checkpoints?.at(-1)?.gradients;
  if (!gradients)
    throw new WhereforeError('invalid-argument', 'kinds of rows are told by gradients, and there are none here', {
      got: `method ${name}`,
      fix: 'choose a method with gradients, e.g. --method ek-fac, or leave out --kinds',
    });
  const found = await rowKinds(gradients, rowOf(facts.values, 0), columns, { seed });
  return Promise.all(
    found.map(async ({ rows, ...kind }) => ({
      ...kind,
      count: rows.length,
      rows: await describe(rows.slice(0, ofKind), facts),
    })),
  );
}

/** What the model says of the one row that is asked about. */
function rowQuery(query: Dataset, { context, targets, predicted: [predicted] }: ScoredQueries): RowQuery {
  const probabilities = rowOf((context.predictions as NonNullable<typeof context.predictions>).queries, 0);
  const label = query.labels ? Number((query.labels as Tensor<'int64'>).data[0]) : undefined;
  return {
    from: query.describe(0),
    predicted,
    probability: probabilities[predicted],
    target: targets[0],
    targetProbability: probabilities[targets[0]],
    ...(label !== undefined && { label }),
  };
}

const uncalibrated =
  'uncalibrated: read the scores as an order; effects measured by retraining were .25 to 4.6 times as large (--calibrate measures it here)';

/** What stands behind effects in nats. */
function calibrationNote({ slope, r2, trainings, seeds, queries }: CalibrationDocument): string {
  const [low, high] = [slope.low, slope.high].map((value) => value?.toPrecision(3));
  return `calibrated: measured changes were ${slope.mean.toPrecision(3)} times the predicted ones [${low}, ${high}], R² ${r2.toFixed(2)}, by ${trainings} trainings of ${seeds.length} seeds and ${queries.length} ${queries.length === 1 ? 'query' : 'queries'}`;
}
const few =
  'the model has seen few rows like the query: fewer than 5 % of the training rows lie as far from their neighbours';

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

function nearestOf(likeness: ArrayLike<number>, count: number): number[] {
  return Array.from(range(0, likeness.length))
    .sort((a, b) => likeness[b] - likeness[a] || a - b)
    .slice(0, count);
}

/** The rows that share most words with the query; rows without a word in common are left out. */
async function sameWords(texts: Both<readonly string[]>, count: number): Promise<number[]> {
  const { values } = await score('bm25', { rows: texts.rows.length, queries: 1, seed: 0, texts });
  const own = rowOf(values, 0);
  return nearestOf(own, count).filter((row) => own[row] > 0);
}

/** Columns whose values are groups: those of metadata with few values, and the class. */
async function columnsOf(data: Dataset, all: Uint32Array, labels: Int32Array, classes: readonly string[]) {
  const columns = new Map<string, readonly string[]>([['class', Array.from(labels, (k) => classes[k])]]);
  for (const name of data.columns) {
    const values = (await data.column(name, all)).map((value) => (value === undefined ? '' : String(value)));
    // The column of the labels is that of the classes, also where some were decided to be others.
    const same = values.filter((value, i) => value === classes[labels[i]]).length;
    const isClass = 2 * same > values.length && values.every((value) => classes.includes(value));
    if (!isClass && new Set(values).size <= Math.max(2, values.length / 5)) columns.set(name, values);
  }
  return columns;
}

import type { Dataset } from '../../dataset/dataset.ts';
import { packageVersion } from '../../explain/version.ts';
import { classNumbers } from '../../influence/decided-dataset.ts';
import type { RetrainPlan, RowChange } from '../../influence/retraining/experiment.ts';
import { type GroupEffect, groupEffects } from '../../influence/retraining/group-plan.ts';
import {
  answerOf,
  classEffects,
  effectText,
  judgeQuantity,
  leftOutEffects,
  type Quantity,
} from '../../influence/retraining/judge-experiment.ts';
import { isOneNumber } from '../../influence/retraining/paired.ts';
import type {
  ChangedRow,
  LeftOutRow,
  MeasuredQuantity,
  RetrainDocument,
} from '../../influence/retraining/retrain-document.ts';

export interface RetrainDataOptions {
  readonly data: Dataset;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly recipe: RetrainDocument['recipe'];
  readonly measuredOn?: { readonly dataset: Dataset; readonly fromTraining: boolean };
  /** Of a plan of the kind `change`; `words` begin a sentence. */
  readonly change?: { readonly change: RowChange; readonly words: string };
  /** File of the model that the change made. */
  readonly model?: string;
  readonly plan: RetrainPlan;
  readonly seeds: readonly number[];
  readonly measurements: { readonly quantities: readonly Quantity[]; readonly perRow?: Float64Array };
  readonly command?: string;
  readonly notes: readonly string[];
}

/** Rows that a document names. */
const mostRows = 500;

/** What the trainings of a plan show. */
export async function retrainDocument(options: RetrainDataOptions): Promise<RetrainDocument> {
  const { data, recipe, measuredOn, model, plan, seeds, command } = options;
  return {
    format: 'wherefore-retrain',
    version: 1,
    wherefore: packageVersion,
    ...(command && { command }),
    data: { name: data.name, key: await data.key(), rows: data.length },
    recipe,
    ...(measuredOn && {
      measuredOn: {
        name: measuredOn.dataset.name,
        rows: measuredOn.dataset.length,
        fromTraining: measuredOn.fromTraining,
      },
    }),
    seeds,
    trainings: plan.trainings.length,
    ...(model !== undefined && { model }),
    ...(await found(options, plan)),
  };
}

type Found = Pick<RetrainDocument, 'change' | 'measured' | 'classes' | 'leftOut' | 'groups' | 'answer' | 'notes'>;

function found(options: RetrainDataOptions, plan: RetrainPlan): Found | Promise<Found> {
  if (plan.kind === 'groups') return groupsFound(options, plan);
  return plan.kind === 'each' ? eachFound(options, plan) : changeFound(options, plan);
}

const groupNotes = {
  without: 'the effect of a group is that of leaving it out alone: groups that stand in for each other hide each other',
  shapley:
    'Shapley values add up to f of all rows less f of the model before its training; a group that stands in for another shares its effect with it',
} as const;

function groupsFound(
  { measurements, notes }: RetrainDataOptions,
  plan: Extract<RetrainPlan, { kind: 'groups' }>,
): Found {
  const { column, how } = plan;
  const [{ title, unit, values }] = measurements.quantities;
  const effects = groupEffects(plan, values);
  const [worst, best] = [effects[0], effects[effects.length - 1]];
  const told = ({ value, effect }: GroupEffect) => `${column} ${value} ${effectText(effect, unit)}`;
  const what = how === 'shapley' ? 'Shapley values of' : 'What is lost without each of';
  return {
    ...{ measured: [], classes: [], leftOut: [] },
    groups: { column, title, unit, how, effects },
    answer: `${what} ${effects.length} groups, ${title}: least ${told(worst)}, most ${told(best)}.`,
    notes: [...notes, groupNotes[how]],
  };
}

async function changeFound(
  { data, classes, measuredOn, change, measurements, notes }: RetrainDataOptions,
  plan: Extract<RetrainPlan, { kind: 'change' }>,
): Promise<Found> {
  const { change: rows, words } = change as NonNullable<RetrainDataOptions['change']>;
  const measured = measurements.quantities.map((quantity) => judgeQuantity(plan, quantity));
  const labels = measuredOn?.dataset.labels;
  return {
    change: {
      dropped: rows.dropped.length,
      relabelled: rows.relabelled.size,
      rows: await changedRows(data, classes, rows),
      sameClasses: plan.sameClasses,
    },
    measured,
    classes:
      measurements.perRow && labels?.type === 'int64'
        ? classEffects(plan, measurements.perRow, classNumbers(labels), classes)
        : [],
    leftOut: [],
    answer: answerOf(words, measured),
    notes: [...notes, ...plan.notes, ...(measured.every(isSameForSeeds) ? [sameForSeeds] : [])],
  };
}

const sameForSeeds =
  'all seeds gave the same numbers: the training does not depend on them, or what is measured is too coarse to show it. So there is no interval';

/** Whether several seeds gave one number, with the change and without. */
function isSameForSeeds({ values }: MeasuredQuantity): boolean {
  return values.with.length > 1 && isOneNumber(values.with) && isOneNumber(values.changed);
}

async function eachFound(
  { data, classes, measurements, notes }: RetrainDataOptions,
  plan: Extract<RetrainPlan, { kind: 'each' }>,
): Promise<Found> {
  const [{ title, unit, values }] = measurements.quantities;
  const effects = leftOutEffects(plan, values);
  const named = await describe(
    data,
    classes,
    effects.map(({ row }) => row),
  );
  const leftOut = effects.map((one, i): LeftOutRow => ({ ...named[i], ...one }));
  const stable = leftOut.filter(({ reliability }) => reliability === 'stable').length;
  const [worst] = leftOut;
  return {
    measured: [],
    classes: [],
    leftOut,
    answer: `${leftOut.length} rows were left out one at a time. Most harmful: ${worst.from}; with it ${title} changes by ${effectText(worst.effect, unit)}. ${worst.reliability ? `The seeds agree on the sign of ${stable} rows, all rows tried together.` : 'With fewer than five seeds nothing is known of how far chance did it.'}`,
    notes: [...notes, 'the effect of a single row is often smaller than that of another seed: look at the interval'],
  };
}

async function changedRows(
  data: Dataset,
  classes: readonly string[],
  { dropped, relabelled }: RowChange,
): Promise<ChangedRow[]> {
  const rows = [...relabelled.keys(), ...dropped].slice(0, mostRows);
  const named = await describe(data, classes, rows);
  return named.map((one) => {
    const label = relabelled.get(one.row);
    return { ...one, ...(label !== undefined && { newLabel: classes[label] ?? String(label) }) };
  });
}

async function describe(data: Dataset, classes: readonly string[], rows: readonly number[]) {
  const ids = await data.ids(rows);
  const labels = data.labels?.type === 'int64' ? classNumbers(data.labels) : undefined;
  return rows.map((row, i) => ({
    row,
    id: ids[i],
    from: data.describe(row),
    ...(labels && { label: classes[labels[row]] ?? String(labels[row]) }),
  }));
}

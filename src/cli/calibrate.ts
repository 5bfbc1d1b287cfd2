import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { writeAtomically } from '../data/files/files.ts';
import { readText, readTextIfPresent } from '../data/files/read-file.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { range } from '../dataset/pieces.ts';
import { subset } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import { packageVersion } from '../explain/version.ts';
import { calibrateEffects, leastRemovals } from '../influence/calibration/calibration.ts';
import {
  type CalibrationDocument,
  calibrationKey,
  readCalibrationDocument,
} from '../influence/calibration/calibration-document.ts';
import { type CalibrationPlan, planCalibration, readCalibrationPlan } from '../influence/calibration/plan.ts';
import { calibrationTrainings } from '../influence/calibration/removals.ts';
import { withLabels } from '../influence/decided-dataset.ts';
import { measuredText, measuredValue, unitOf } from '../influence/slices/measured-query.ts';
import type { InfluenceDataOptions } from '../report/influence/influence-options.ts';
import { type ScoredQueries, scoreQueries } from '../report/influence/influence-scores.ts';
import type { SliceQuery } from '../report/influence/slice-query.ts';
import { completeRun } from '../run/record.ts';
import { contentHash } from '../tensor/content-hash.ts';
import { filled } from '../tensor/filled.ts';
import { choose, random } from '../tensor/random.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import { wholeNumber } from './options.ts';
import { commandRecipe, type Measurements, manifestRecipe, type TrainingRecipe } from './retrain-recipes.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';
import { type ModelOptions, modelsAround, openTrained, type RowOptions } from './trained-rows.ts';

export interface CalibrateOptions extends ModelOptions, RowOptions, DriverOptions {
  readonly calibrate?: boolean;
  readonly calibration?: string;
  readonly removals?: number;
  readonly retrainings?: number;
  readonly train?: string;
  readonly evaluate?: string;
  readonly from?: string;
  readonly decisions?: string;
  readonly out: string;
  readonly seed: number;
}

export function withCalibration(command: Command): Command {
  return command
    .option(
      '--calibrate',
      'measures by retraining how large effects are for a unit of score, and shows proposed changes in nats; later queries of this model, data and method use it',
    )
    .option('--removals <count>', 'sets of rows that a calibration leaves out; default 20', wholeNumber)
    .option('--retrainings <count>', 'seeds of each of them, with and without the rows; default 5', wholeNumber)
    .option(
      '--training <folder>',
      'what the training left: training.json, initial.onnx; default: the folder of --model',
    )
    .option('--train <command>', 'a command that trains, instead of --training, as for retrain; it has to use {seed}')
    .option('--evaluate <command>', 'a command that prints f of the query after --train; default: --train prints it')
    .option('--calibration <file>', 'a record that --calibrate made; default: the one of this model and data, if any');
}

/** The command that calibrates. */
export interface CalibrateSession extends ShardSession {
  readonly model: LoadedModel;
  /** What the query is scored with. */
  readonly request: InfluenceDataOptions;
}

/** Queries that are measured beside the one that was asked about, where there is data to draw them from. */
const otherQueries = 15;

const recordName = 'calibration.json';

/** @throws WhereforeError `invalid-argument` */
export function checkCalibrateOptions(options: CalibrateOptions): void {
  const fail = (what: string, fix: string) => new WhereforeError('invalid-argument', what, { fix });
  const { calibrate, calibration, removals, retrainings, train, evaluate, training, decisions } = options;
  const belongs = { removals, retrainings, train, evaluate, training };
  const [alone] = Object.entries(belongs).find(([, value]) => value !== undefined) ?? [];
  if (!calibrate && alone !== undefined)
    throw fail(`--${alone} belongs to --calibrate`, 'add --calibrate, or leave it out');
  if (calibrate && calibration !== undefined)
    throw fail('a calibration is made or read, not both', 'give --calibrate or --calibration');
  if (calibrate && decisions !== undefined)
    throw fail(
      'effects are calibrated on the rows as they were trained on',
      'leave out --decisions, or train again on the decided rows and name that model',
    );
  if (train !== undefined && training !== undefined) throw fail('two ways to train', 'give --train or --training');
  if (evaluate !== undefined && train === undefined) throw fail('--evaluate belongs to --train', 'add --train');
  if ((removals ?? leastRemovals) < leastRemovals)
    throw fail(`--removals: at least ${leastRemovals}`, 'fewer leave the slope without an interval');
  if ((retrainings ?? 2) < 2) throw fail('one seed says nothing of chance', 'give --retrainings 2 or more, better 5');
}

/** Finds or makes the calibration of what a query was scored by; undefined where there is none and none was asked for. */
export function calibrator(
  options: CalibrateOptions,
  session: CalibrateSession,
): (scored: ScoredQueries) => Promise<CalibrationDocument | undefined> {
  return async (scored) => {
    const { model, request } = session;
    const { name: method, parameters } = scored;
    const data = await request.data.key();
    const key = calibrationKey({
      ...{ model: model.hash, data, method, parameters, weightDecay: request.weightDecay ?? 0, loss: request.loss },
      ...(request.measured && { measured: await whatIsMeasured(request.measured) }),
    });
    if (options.calibration !== undefined) return readOwn(options.calibration, key);
    const folder = join(options.out, `calibration-${key.slice(0, 12)}`);
    if (options.calibrate) return make(options, session, { scored, key, folder });
    const path = join(folder, recordName);
    const text = await readTextIfPresent(path, 'document');
    return text === undefined ? undefined : readCalibrationDocument(text, path);
  };
}

/** Slices with their rows: of other rows the slope may be another. */
const whatIsMeasured = async ({ about, rows }: SliceQuery) => [
  about.measure,
  about.slices.map(({ rows: count }) => count),
  await rows.ids(range(0, rows.length)),
];

async function readOwn(path: string, key: string): Promise<CalibrationDocument> {
  const record = readCalibrationDocument(await readText(path, 'document'), path);
  if (record.key === key) return record;
  throw new WhereforeError('invalid-data', 'the calibration is of other scores', {
    where: path,
    got: `${record.method.name} of ${record.model.name} on ${record.data.name}`,
    expected: 'the same model, rows, method, parameters and weight decay as here',
    fix: 'make one: --calibrate',
  });
}

interface Asked {
  readonly scored: ScoredQueries;
  readonly key: string;
  readonly folder: string;
}

async function make(
  options: CalibrateOptions,
  session: CalibrateSession,
  { scored, key, folder }: Asked,
): Promise<CalibrationDocument> {
  const { model, request, say } = session;
  const started = new Date();
  if (!scored.method.additive)
    throw new WhereforeError('invalid-argument', `scores by ${scored.name} of several rows may not be added up`, {
      fix: 'calibrate a method whose scores add up: influence, ek-fac, tracin-cp',
    });
  const { train, evaluate } = options;
  const trainedIn = train === undefined ? (options.training ?? dirname(options.model as string)) : undefined;
  const models = modelsAround(model, options);
  try {
    const { data, described } = await openTrained(options, models, trainedIn);
    const recipe =
      train === undefined
        ? await manifestRecipe(trainedIn as string, data)
        : await commandRecipe({ train, evaluate, lowerIsBetter: false }, data);
    if (!recipe.readsSeed)
      throw new WhereforeError('invalid-argument', 'the command takes no {seed}: nothing would be known of chance', {
        where: train,
        fix: 'let the command read {seed}',
      });
    const queries = await queriesOf(options, session, described, train === undefined ? otherQueries : 0);
    const plan = await planOf(options, { scored, folder, session, recipe, queries });
    const trainings = calibrationTrainings(data.length, plan.removals, plan.seeds);
    say(
      `calibration: ${trainings.length} trainings (${plan.removals.length} sets of rows left out, and none, for each of ${plan.seeds.length} seeds; ${plan.queries.length} ${plan.queries.length === 1 ? 'query' : 'queries'} measured), ${recipe.cost(trainings)}; Ctrl-C stops, the same command goes on`,
    );
    const targets = request.measured?.targets ?? Int32Array.from(plan.queries.map(({ target }) => target));
    const { work, ...contents } = await recipe.plan(trainings, withLabels(queries.measured, targets));
    const driver = driverOf(options, say);
    const run = await shardedRun({ work, ...contents, items: 'trainings', files: [], driver, options }, session);
    const measured = measuredValues(await recipe.read(run.storage, run.finished.shards), session);
    const record = recordOf(plan, {
      ...measured,
      scored,
      key,
      session,
      notes: queries.notes,
      data: { name: request.data.name, key: await request.data.key(), rows: request.data.length },
    });
    await writeAtomically(join(folder, recordName), `${JSON.stringify(record, undefined, 1)}\n`);
    await completeRun(run.folder, {
      ...{ what: 'calibration', started: started.toISOString(), command: session.command },
      ...{ key: run.key, items: trainings.length, cost: run.finished.cost },
    });
    return record;
  } finally {
    await models.close();
  }
}

interface Found {
  readonly values: Float64Array;
  /** What was measured. */
  readonly title: string;
  readonly unit: string;
  readonly scored: ScoredQueries;
  readonly data: CalibrationDocument['data'];
  readonly key: string;
  readonly session: CalibrateSession;
  readonly notes: string[];
}

function recordOf(plan: CalibrationPlan, found: Found): CalibrationDocument {
  const { values, title, unit, scored, data, key, session, notes } = found;
  const { points, removals, bySize, ...fitted } = calibrateEffects({
    ...{ predicted: plan.predicted, removals: plan.removals, spreads: plan.spreads },
    ...{ seeds: plan.seeds.length, values },
  });
  return {
    ...{ format: 'wherefore-calibration', version: 1, wherefore: packageVersion, command: session.command, key },
    model: { name: session.model.name, hash: session.model.hash },
    data,
    method: { name: scored.name, title: scored.method.title, unit: scored.method.unit },
    measured: { title, unit },
    queries: plan.queries.map(({ from, target }) => ({ from, target: scored.classes[target] ?? 'label of each row' })),
    seeds: plan.seeds,
    trainings: plan.seeds.length * (1 + plan.removals.length),
    ...fitted,
    bySize: [...bySize],
    removals: [...removals],
    points: [...points],
    notes,
  };
}

/** f of every query after each training. */
function measuredValues({ quantities, perRow }: Measurements, { request, model }: CalibrateSession) {
  const [{ title, unit, values }] = quantities;
  const { measured } = request;
  if (perRow && measured) {
    const { terms, about, at } = measured;
    const trainings = perRow.length / at.length;
    return {
      values: filled(new Float64Array(trainings), (t) =>
        measuredValue(terms, perRow.subarray(t * at.length, (t + 1) * at.length)),
      ),
      title: measuredText(about, request.data.classes ?? model.labels ?? []),
      unit: unitOf(about),
    };
  }
  if (perRow) return { values: perRow, title: 'log-probability of the class', unit };
  return { values: Float64Array.from(values), title, unit };
}

interface Queries {
  /** As they are scored, the one that was asked about first. */
  readonly scored: Dataset;
  /** As the training reads them. */
  readonly measured: Dataset;
  readonly notes: string[];
}

/** The query, and others drawn from the same data. */
async function queriesOf(
  { from, seed }: CalibrateOptions,
  { request }: CalibrateSession,
  described: Parameters<typeof openDataset>[1],
  others: number,
): Promise<Queries> {
  const { query, measured } = request;
  const inTraining = () => openDataset(from as string, { ...described, labels: 'none' });
  if (measured) {
    const rows = described?.model === request.model ? query : subset(await inTraining(), measured.at);
    return { scored: query, measured: rows, notes: ['measured on these slices: of others the slope may differ'] };
  }
  if (from === undefined || others === 0)
    return {
      ...{ scored: query, measured: query },
      notes: ['measured on one query: the slope of others may differ (--from measures on more)'],
    };
  const all = await openDataset(from, { ...described, model: request.model, labels: 'none' });
  const trained = described?.model === request.model ? all : await inTraining();
  const [id] = await query.ids([0]);
  const ids = await all.ids(range(0, all.length));
  const asked = ids.indexOf(id);
  const free = Array.from(ids.keys()).filter((row) => row !== asked);
  const drawn = choose(free.length, Math.min(others, free.length), random(seed, 13));
  const rows = [asked, ...Array.from(drawn, (i) => free[i])];
  return { scored: subset(all, rows), measured: subset(trained, rows), notes: [] };
}

interface PlanContext {
  readonly scored: ScoredQueries;
  readonly folder: string;
  readonly session: CalibrateSession;
  readonly recipe: TrainingRecipe;
  readonly queries: Queries;
}

/** Of f that is about the label of each row. */
const noClass = -1;

/** The plan of an earlier call, or a new one: the rows that are left out are the same however often it is stopped. */
async function planOf(
  { removals: count = 20, retrainings = 5, seed }: CalibrateOptions,
  { scored, folder, session, recipe, queries }: PlanContext,
): Promise<CalibrationPlan> {
  const asked = queries.scored;
  const { measured } = session.request;
  const ids = await asked.ids(range(0, asked.length));
  const target = measured ? (measured.about.class ?? noClass) : scored.targets[0];
  const of = [ids, target, count, retrainings, seed, ...(measured ? [await whatIsMeasured(measured)] : [])];
  const name = contentHash(['plan ', JSON.stringify(of)]).slice(0, 12);
  const path = join(folder, `plan-${name}.json`);
  const text = await readTextIfPresent(path, 'document');
  if (text !== undefined) return readCalibrationPlan(text, path);
  const isOne = measured !== undefined || asked.length === 1;
  const all = isOne ? scored : await scoreQueries({ ...session.request, query: asked }, [target]);
  const targets = measured ? Int32Array.of(target) : all.targets;
  const from = (q: number) => (measured ? measuredText(measured.about, scored.classes) : asked.describe(q));
  const plan = planCalibration({
    ...{ scores: all.scores.values, labels: all.labels, targets, count, seed },
    queries: Array.from(targets, (k, q) => ({ from: from(q), target: k })),
    seeds: Array.from({ length: retrainings }, (_, i) => recipe.seed + i),
  });
  await writeAtomically(path, `${JSON.stringify(plan)}\n`);
  return plan;
}

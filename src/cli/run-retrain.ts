import { dirname, join } from 'node:path';
import { type OpenedDataset, openDataset } from '../data/datasets/open-dataset.ts';
import { writeAtomically } from '../data/files/files.ts';
import { isFile } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { range } from '../dataset/pieces.ts';
import { subset } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import { classNumbers, namesOfClasses } from '../influence/decided-dataset.ts';
import { redactRetrain } from '../influence/redact.ts';
import { planExperiment, planLeaveOneOut, type RetrainPlan } from '../influence/retraining/experiment.ts';
import { groupRows, planGroups } from '../influence/retraining/group-plan.ts';
import type { RetrainDocument } from '../influence/retraining/retrain-document.ts';
import { unknownName } from '../nearest.ts';
import { viewsOf } from '../report/audit/row-views.ts';
import { retrainDocument } from '../report/retrain/retrain-data.ts';
import { finishRetrain } from '../report/retrain/write-retrain.ts';
import { readShardFile, type ShardRecord } from '../run/compute.ts';
import type { RunStorage } from '../run/storage.ts';
import { choose, random } from '../tensor/random.ts';
import { type ChangeOptions, changeOptions, type ReadChange, readChange } from './changed-rows.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import type { RuntimeOptions } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { commandRecipe, manifestRecipe, type TrainingRecipe } from './retrain-recipes.ts';
import { keptModelFile } from './retrain-shards.ts';
import { retrainText } from './retrain-text.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';
import { print, printJson, tell } from './terminal.ts';
import { type Described, type Models, openModels, openTrained } from './trained-rows.ts';

export interface RetrainOptions extends RuntimeOptions, DriverOptions, ChangeOptions {
  readonly data: string;
  readonly model?: string;
  readonly training?: string;
  readonly train?: string;
  readonly evaluate?: string;
  readonly lowerIsBetter?: boolean;
  readonly each?: boolean;
  readonly eachGroup?: string;
  readonly shapley?: string;
  readonly redact?: boolean;
  readonly heldOut?: string;
  readonly heldOutLabels?: string;
  readonly query?: readonly string[];
  readonly preprocessing?: string;
  readonly seeds?: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

type Session = Pick<ShardSession, 'signal' | 'command' | 'words'>;

/** `wherefore retrain`: has the trainings computed, and prints what they show. */
export async function retrain(options: RetrainOptions, session: Session): Promise<void> {
  const progress = showProgress(process.stderr, !options.json);
  const say = (text: string) => {
    progress.clear();
    if (!options.json) tell(text);
  };
  try {
    const { document, folder } = await computeRetraining(options, { ...session, progress, say });
    progress.clear();
    if (options.json) printJson(document);
    else print(retrainText(document, join(folder, 'index.html')));
  } finally {
    progress.clear();
  }
}

/** Plans the trainings, has them computed, and writes what they show into a folder of its own. */
export async function computeRetraining(
  options: RetrainOptions,
  session: ShardSession,
): Promise<{ readonly document: RetrainDocument; readonly folder: string }> {
  checkRetrainOptions(options);
  await checkWritable(options.out);
  const started = new Date();
  const models = await openModels(options);
  try {
    const asked = await openRows(options, models);
    const { data, recipe, change } = asked;
    const seeds = seedsOf(options, recipe);
    const plan = planOf(asked, { ...options, seeds });
    session.say(
      `${plan.trainings.length} trainings, ${recipe.cost(plan.trainings)}; Ctrl-C stops, the same command goes on`,
    );
    const { work, ...contents } = await recipe.plan(plan.trainings, asked.measured?.dataset);
    const driver = driverOf(options, session.say);
    const run = { work, ...contents, items: 'trainings', files: [], driver, options };
    const { folder, storage, finished, key } = await shardedRun(run, session);
    const model = await keepModel(options, folder, { storage, shards: finished.shards });
    const found = await retrainDocument({
      ...(model !== undefined && { model }),
      classes: namesOfClasses(data, models.given?.labels),
      ...{ data, recipe: recipe.about, measuredOn: asked.measured, change, plan, seeds, command: session.command },
      measurements: await recipe.read(storage, finished.shards),
      notes: [...asked.notes, ...(recipe.readsSeed ? [] : [noSeed])],
    });
    const document = options.redact ? redactRetrain(found) : found;
    await finishRetrain(folder, document, viewsOf(data), { started, key, cost: finished.cost });
    return { document, folder };
  } finally {
    await models.close();
  }
}

/** The changed training's model of the first seed, beside the document, with its preprocessing; undefined where a command trains. */
async function keepModel(
  options: RetrainOptions,
  folder: string,
  { storage, shards }: { readonly storage: RunStorage; readonly shards: readonly ShardRecord[] },
): Promise<string | undefined> {
  const shard = shards.find(({ files }) => files[keptModelFile] !== undefined);
  if (!shard) return undefined;
  await writeAtomically(join(folder, keptModelFile), await readShardFile(storage, shard, keptModelFile));
  const home = options.training ?? dirname(options.model as string);
  const described = options.preprocessing ?? join(home, 'wherefore.yaml');
  if (await isFile(described))
    await writeAtomically(join(folder, 'wherefore.yaml'), await readText(described, 'document'));
  return keptModelFile;
}

const noSeed =
  'the command takes no {seed}: it was run once with and once without the change, and the random rows alone say how much chance does';

/** @throws WhereforeError `invalid-argument` */
function checkRetrainOptions(options: RetrainOptions): void {
  const given = changeOptions.filter((name) => options[name] !== undefined);
  const fail = (what: string, fix: string) =>
    new WhereforeError('invalid-argument', what, { got: given.map((name) => `--${name}`).join(', ') || 'none', fix });
  if (given.length > 1) throw fail('one change at a time', 'put everything into one file of --decisions');
  const ofGroups = options.eachGroup ?? options.shapley;
  if (given.length === 0 && !options.each && ofGroups === undefined)
    throw fail(
      'what is to be changed?',
      `give one of ${changeOptions.map((name) => `--${name}`).join(', ')}, --each, --each-group or --shapley`,
    );
  const several = [options.each, options.eachGroup, options.shapley].filter((one) => one !== undefined).length;
  if (several > 1 || (ofGroups !== undefined && given.length > 0))
    throw fail('one question at a time', 'give --each-group or --shapley alone');
  if (options.shapley !== undefined && options.train !== undefined)
    throw fail('a command cannot train on no rows, as the empty union of groups asks', 'give --each-group');
  if (options.each && given.length > 0 && given[0] !== 'without')
    throw fail('--each leaves out rows', 'name them by --without, or give --each alone for all');
  if (options.each && options.redact)
    throw fail('--redact leaves nothing of --each, which names rows', 'leave out rows together, by --without');
  if (options.train !== undefined && options.training !== undefined)
    throw new WhereforeError('invalid-argument', 'two ways to train', {
      got: '--train and --training',
      fix: 'give one of them',
    });
  if (options.train === undefined && options.training === undefined && options.model === undefined)
    throw new WhereforeError('invalid-argument', 'it is not known how to train', {
      fix: 'give --model with a training.json beside it, --training with the folder of one, or --train with a command',
    });
  if (options.train === undefined && (options.evaluate !== undefined || options.lowerIsBetter))
    throw new WhereforeError('invalid-argument', '--evaluate and --lower-is-better belong to --train', {
      fix: 'measure on --held-out',
    });
  if (options.train !== undefined && options.heldOut !== undefined)
    throw new WhereforeError('invalid-argument', 'the command measures by itself, so that --held-out is not read', {
      fix: 'name the file in --evaluate',
    });
  if (options.query && options.heldOut === undefined)
    throw new WhereforeError('invalid-argument', '--query names rows of --held-out', { fix: 'add --held-out' });
}

interface AskedRows {
  readonly data: OpenedDataset;
  readonly recipe: TrainingRecipe;
  /** Absent where rows are left out one at a time. */
  readonly change?: ReadChange;
  /** Rows that are left out one at a time. */
  readonly each?: readonly number[];
  /** The value of each row in the column whose groups are asked about. */
  readonly groups?: { readonly column: string; readonly values: readonly string[] };
  readonly measured?: {
    readonly dataset: Dataset;
    readonly fromTraining: boolean;
    readonly positions: readonly number[];
  };
  readonly notes: readonly string[];
}

async function openRows(options: RetrainOptions, models: Models): Promise<AskedRows> {
  const { train, evaluate, lowerIsBetter = false } = options;
  const folder = train === undefined ? (options.training ?? dirname(options.model as string)) : undefined;
  const { data, described } = await openTrained(options, models, folder);
  if (data.length < 2)
    throw new WhereforeError('invalid-data', 'there is nothing to compare', {
      where: data.name,
      got: `${data.length} rows`,
    });
  const recipe =
    train === undefined
      ? await manifestRecipe(folder as string, data)
      : await commandRecipe({ train, evaluate, lowerIsBetter }, data);
  const rows = {
    ids: await data.ids(range(0, data.length)),
    labels: data.labels?.type === 'int64' ? classNumbers(data.labels) : undefined,
    classes: namesOfClasses(data, models.given?.labels),
  };
  const hasChange = changeOptions.some((name) => options[name] !== undefined);
  const read = hasChange ? await readChange(options, rows) : undefined;
  const each = options.each ? (read?.change.dropped ?? Array.from(range(0, data.length))) : undefined;
  const groups = await groupsOf(options, data, rows);
  const isOfAll = each !== undefined || groups !== undefined;
  const measured = train === undefined ? await measuredRows(options, data, described, { read, isOfAll }) : undefined;
  const notes = [...data.notes, ...(read?.notes ?? [])];
  if (measured?.fromTraining)
    notes.push(
      `no --held-out: ${measured.positions.length} of the training rows, drawn at random, were used by no training, and measured; a wrong label among them counts as right`,
    );
  const asked = groups ? { groups } : each ? { each } : { change: read };
  return { data, recipe, ...asked, measured, notes };
}

/** The column whose groups are asked about; `class` is that of the labels where the data have no such column. */
async function groupsOf(
  { eachGroup, shapley }: RetrainOptions,
  data: OpenedDataset,
  { labels, classes }: { readonly labels?: Int32Array; readonly classes: readonly string[] },
): Promise<AskedRows['groups']> {
  const column = eachGroup ?? shapley;
  if (column === undefined) return undefined;
  if (data.columns.includes(column)) {
    const values = await data.column(column, range(0, data.length));
    return { column, values: values.map((value) => (value === undefined ? '' : String(value))) };
  }
  if (column === 'class' && labels) return { column, values: Array.from(labels, (k) => classes[k] ?? String(k)) };
  throw unknownName('there is no column', column, [...data.columns, ...(labels ? ['class'] : [])], {
    where: data.name,
    fix: 'columns of --metadata can be groups',
  });
}

/** Share of the rows that is held out where there is no held-out data. */
const heldOutShare = 0.2;

async function measuredRows(
  options: RetrainOptions,
  data: OpenedDataset,
  described: Described,
  { read, isOfAll }: { readonly read?: ReadChange; readonly isOfAll: boolean },
): Promise<AskedRows['measured']> {
  if (options.heldOut !== undefined) {
    const opened = await openDataset(options.heldOut, {
      ...described,
      classes: data.classes && [...data.classes],
      labels: options.heldOutLabels,
    });
    const dataset = options.query ? subset(opened, options.query.map(Number)) : opened;
    return { dataset, fromTraining: false, positions: [] };
  }
  const touched = new Set(
    options.only === undefined ? [...(read?.change.dropped ?? []), ...(read?.change.relabelled.keys() ?? [])] : [],
  );
  const isFree = (row: number) => !touched.has(row);
  // Where every row is left out in its turn, those that are measured are not.
  const free = Array.from(range(0, data.length)).filter((row) => (isOfAll && !read ? true : isFree(row)));
  const count = Math.round(heldOutShare * data.length);
  if (count < 1 || free.length < count)
    throw new WhereforeError('invalid-argument', 'too few rows are left to measure on', {
      got: `${free.length} of ${data.length} rows that are not changed`,
      fix: 'give --held-out',
    });
  const positions = Array.from(choose(free.length, count, random(options.seed, 7)), (i) => free[i]).sort(
    (a, b) => a - b,
  );
  return { dataset: subset(data, positions), fromTraining: true, positions };
}

/** Trainings of each kind: at least two, so that a spread can be told. */
function seedsOf({ seeds = 5 }: RetrainOptions, recipe: TrainingRecipe): number[] {
  if (seeds < 2 && recipe.readsSeed)
    throw new WhereforeError('invalid-argument', 'one seed says nothing of chance', {
      where: '--seeds',
      got: `${seeds}`,
      expected: 'at least 2, better 5',
    });
  return Array.from({ length: seeds }, (_, i) => recipe.seed + i);
}

function planOf(
  { data, recipe, change, each, groups, measured }: AskedRows,
  { seeds, seed, shapley }: { readonly seeds: readonly number[]; readonly seed: number; readonly shapley?: string },
): RetrainPlan {
  const own = recipe.readsSeed ? seeds : seeds.slice(0, 1);
  const common = { rows: data.length, heldOut: measured?.positions, seeds: own };
  if (groups) {
    const parts = groupRows(groups.values, measured?.positions);
    const how = shapley === undefined ? 'without' : 'shapley';
    return {
      kind: 'groups',
      column: groups.column,
      ...planGroups({ rows: data.length, groups: parts, how, seeds: own }),
    };
  }
  if (each) return { kind: 'each', ...planLeaveOneOut({ ...common, each }) };
  const labels = data.labels?.type === 'int64' ? classNumbers(data.labels) : undefined;
  const { change: rowChange } = change as ReadChange;
  return { kind: 'change', ...planExperiment({ ...common, labels, change: rowChange, controls: seeds.length, seed }) };
}

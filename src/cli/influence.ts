import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isTaken } from '../data/files/folders.ts';
import { observeReads } from '../data/files/open-file.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import { withKeptHashes } from '../dataset/kept-hashes.ts';
import { subset } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/explain.ts';
import { influenceTable } from '../influence/methods/index.ts';
import { influenceMethodNamed } from '../influence/score.ts';
import { unknownName } from '../nearest.ts';
import type { RowView, RowViews } from '../page/audit/row-view.ts';
import { viewsOf } from '../report/audit/row-views.ts';
import { influenceData } from '../report/influence/influence-data.ts';
import type { InfluenceDataOptions } from '../report/influence/influence-options.ts';
import { rowMaps } from '../report/influence/row-maps.ts';
import { influenceFolder, writeInfluence } from '../report/influence/write-influence.ts';
import { toNumbers } from '../tensor/convert.ts';
import { type CalibrateOptions, calibrator, checkCalibrateOptions, withCalibration } from './calibrate.ts';
import { type CheckpointOptions, type CheckpointPath, openCheckpoints } from './checkpoint-model.ts';
import { openDecided } from './decided.ts';
import { noteReads } from './evaluate-run.ts';
import { interruptible } from './failure.ts';
import { type StoreOptions, storesFor, withStore } from './influence-store.ts';
import { influenceText } from './influence-text.ts';
import {
  commandLine,
  list,
  repeated,
  runtimeOf,
  wholeNumber,
  withModel,
  withPreprocessing,
  withRuntime,
  wordsOf,
} from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { parseSettings } from './settings-text.ts';
import type { ShardSession } from './sharded-run.ts';
import { print, printJson, tell } from './terminal.ts';

interface Options extends StoreOptions, CheckpointOptions, CalibrateOptions {
  readonly model: string;
  readonly class?: string;
  readonly method?: string;
  readonly set: readonly string[];
  readonly seeds?: readonly string[];
  readonly weightDecay?: number;
  readonly rows?: number;
  readonly layer?: string;
  readonly newton?: boolean;
  readonly add?: string;
  readonly addLabels?: string;
  readonly json?: boolean;
}

/** Methods that need nothing but a model, checkpoints of its training, and its data. */
const offered = Object.entries(influenceTable)
  .filter(([, { needs }]) =>
    needs.every((need) => ['labels', 'embeddings', 'predictions', 'gradients', 'checkpoints'].includes(need)),
  )
  .map(([name]) => name);

export function defineInfluence(program: Command): void {
  const command = program
    .command('influence')
    .description('which training rows are behind a prediction: proponents, opponents, groups, nearest rows, and a page')
    .argument('<query>', 'an input as for explain, or with --from the number of a row, from 0');
  withModel(command)
    .requiredOption('--data <path>', 'training rows: a folder, a table, arrays, a text file, or wherefore.yaml#name')
    .option('--from <path>', 'where the query is a row of, e.g. the held-out data')
    .option('--label <column>', 'the column of the labels; default: sub-folders, or what wherefore.yaml says')
    .option('--labels <file>', 'a file with the labels of the training rows, one for each')
    .option('--id <column>', 'the column that names the rows')
    .option(
      '--metadata <columns>',
      'columns that are no features: annotator, source, date; groups are made of them',
      list,
    )
    .option(
      '--decisions <file>',
      'decisions of a review: dropped rows are left out, relabelled ones have their new label',
    )
    .option('--class <name>', 'the class whose probability is asked about; default: the predicted one')
    .option(
      '--method <name>',
      `of ${offered.join(', ')}; default: influence up to 2,000 weights, else ek-fac; with checkpoints tracin-cp; without gradients knn-shapley`,
    )
    .option(
      '--checkpoints <files>',
      'moments of the training, first to last: models, .safetensors of weights, or a folder that train wrote; for tracin-cp (the default then) and source',
      list,
    )
    .option('--learning-rates <list>', 'of the checkpoints, where their files do not say; default: all equal', numbers)
    .option('--steps <list>', 'steps done at the checkpoints, where their files do not say', numbers)
    .option(
      '--set <name.parameter=value>',
      'a parameter of the method, e.g. ek-fac.share=0.2; may be repeated',
      repeated,
      [],
    )
    .option(
      '--seeds <files>',
      'at least four models trained the same way from other seeds: which rows are stable, which are noise',
      list,
    )
    .option('--weight-decay <number>', 'λ of ½ λ ‖weights‖² in the training; default 0', weightDecay)
    .option(
      '--newton',
      'groups of more than 5 % of the rows by one Newton step, which does not understate them as the sum does',
    )
    .option('--add <path>', 'labelled rows that are in no training yet: which of them would raise f most')
    .option('--add-labels <file>', 'a file with their labels')
    .option('--rows <count>', 'rows of each list; default 10', wholeNumber)
    .option('--layer <name>', 'whose values are compared; default: what the last layer of weights reads')
    .option('--seed <number>', 'of everything that is drawn', Number, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print the document');
  withRuntime(withCalibration(withStore(withPreprocessing(command)))).action(
    (query: string, options: Options, own: Command) =>
      interruptible(
        (signal) => run(query, options, { signal, command: commandLine(own), words: wordsOf(own) }),
        'stopped; what a calibration has trained is kept, nothing else was written',
      ),
  );
}

function weightDecay(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('expected a number from 0.');
  return value;
}

/** Numbers above 0, separated by commas. */
function numbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (!values.every((value) => value > 0)) throw new InvalidArgumentError('expected numbers above 0, as .1,.1,.01.');
  return values;
}

type Given = Pick<ShardSession, 'signal' | 'command' | 'words'>;

async function run(query: string, options: Options, { signal, command, words }: Given): Promise<void> {
  const started = new Date();
  checkCalibrateOptions(options);
  await checkWritable(options.out);
  const settings = parseSettings(
    options.set,
    [influenceTable as never],
    'METHOD.PARAMETER=VALUE, e.g. ek-fac.share=0.2',
  );
  if (options.method !== undefined) influenceMethodNamed(options.method);
  const progress = showProgress(process.stderr, !options.json);
  const read = new Set<string>();
  const paths = new Map<LoadedModel, CheckpointPath>();
  const how = { ...runtimeOf(options), preprocessing: options.preprocessing };
  const load = async (path: string) => {
    const loaded = await observeReads(noteReads(read), () => loadModel(path, how));
    paths.set(loaded, { model: path });
    return loaded;
  };
  let kept: ReturnType<typeof storesFor> | undefined;
  try {
    const model = await load(options.model);
    const seeds: LoadedModel[] = [];
    for (const path of options.seeds ?? []) seeds.push(await load(path));
    const open = () => openCheckpoints(options.model, options, how, options.method === 'source');
    const checkpoints = await observeReads(noteReads(read), open);
    for (const { model: own, path } of checkpoints) paths.set(own, path);
    const { label, labels, id, metadata } = options;
    const described = { model, label, labels, id, metadata };
    const opened = await observeReads(noteReads(read), () => openDataset(options.data, described));
    const data = withKeptHashes(opened);
    const decided = await openDecided(data, options.decisions, model.labels);
    const asked = await openQuery(query, options, model, described);
    const say = (text: string) => {
      progress.clear();
      if (!options.json) tell(text);
    };
    const onProgress = (stage: string, done: number, total: number) =>
      progress.update(done / total, () => `${stage}: ${done} of ${total} rows`);
    const session = { data, described: { label, labels, id, metadata }, read, signal, say, onProgress };
    kept = storesFor(options, { ...session, pathOf: ({ model }) => paths.get(model) as CheckpointPath });
    // A store is of the rows as the files have them.
    if (options.decisions !== undefined) say(`${decided.notes.at(-1)}; no gradients are kept`);
    const request: InfluenceDataOptions = {
      model,
      data: decided.data,
      query: asked.data,
      target: options.class === undefined ? undefined : classNamed(options.class, data.classes ?? model.labels ?? []),
      method: options.method,
      parameters: options.method === undefined ? undefined : settings[options.method],
      seeds,
      checkpoints,
      weightDecay: options.weightDecay,
      count: options.rows,
      layer: options.layer,
      seed: options.seed,
      command,
      signal,
      onProgress,
      onCost: say,
      store: options.decisions === undefined ? kept.store : undefined,
      eigen: kept.eigen,
      byteBudget: options.memory && (options.memory * 2 ** 20) / 2,
      newton: options.newton,
      added: await openAdded(options, described, data.classes ?? model.labels),
    };
    const calibrating = { signal, command, words, progress, say, model, request };
    const document = await influenceData(request, calibrator(options, calibrating));
    progress.clear();
    const folder = influenceFolder(options.out, started, document.query.from);
    const asMaps = { model, data: decided.data, query: asked.data, signal, onProgress };
    const maps = await rowMaps(document, asMaps).catch((error: unknown) => {
      if (!(error instanceof WhereforeError) || error.code === 'cancelled') throw error;
      say(`no attribution maps: ${error.message}`);
      return undefined;
    });
    progress.clear();
    await writeInfluence(folder, document, { rows: decided.views, query: asked.views, ...(maps && { maps }) });
    if (options.json) printJson(document);
    else print(influenceText(document, join(folder, 'index.html')));
  } finally {
    progress.clear();
    await kept?.close();
    for (const one of paths.keys()) await one.close();
  }
}

/** Rows that could be added. @throws WhereforeError `invalid-data` where they have no labels */
async function openAdded(
  { add, addLabels }: Options,
  described: Parameters<typeof openDataset>[1],
  classes: readonly string[] | undefined,
): Promise<Dataset | undefined> {
  if (add === undefined) return undefined;
  const opened = await openDataset(add, { ...described, classes: classes && [...classes], labels: addLabels });
  if (opened.labels?.type === 'int64') return opened;
  throw new WhereforeError('invalid-data', 'rows to add have no classes', {
    where: add,
    fix: 'name the column of their labels, or give --add-labels',
  });
}

function classNamed(name: string, classes: readonly string[]): number {
  // Classes without names are asked for by number; the model says how many there are.
  if (classes.length === 0 && /^\d+$/.test(name)) return Number(name);
  const k = classes.indexOf(name);
  if (k >= 0) return k;
  throw unknownName('there is no class', name, classes);
}

interface Asked {
  readonly data: Dataset;
  readonly views: RowViews;
}

/** The query as a data set of one row: a row of `--from`, or what a person names as for `explain`. */
async function openQuery(
  query: string,
  { from }: Options,
  model: LoadedModel,
  described: Parameters<typeof openDataset>[1],
): Promise<Asked> {
  if (from !== undefined) {
    const opened = await openDataset(from, { ...described, ...(described?.labels && { labels: 'none' }) });
    const row = Number(query);
    if (!Number.isInteger(row) || row < 0 || row >= opened.length)
      throw new WhereforeError('out-of-range', 'there is no such row to ask about', {
        where: from,
        got: query,
        expected: `0 to ${opened.length - 1}`,
      });
    const views = viewsOf(opened);
    return { data: subset(opened, [row]), views: () => views([row]) };
  }
  if (/^\d+$/.test(query) && !(await isTaken(query)))
    throw new WhereforeError('invalid-argument', 'a number names a row, but of which data?', {
      got: query,
      fix: 'add --from with the data that the row is in',
    });
  const inputs = await readModelInputs(model, query, preprocessingOf(model, {}));
  if (inputs.length !== 1)
    throw new WhereforeError('invalid-argument', 'one query at a time', {
      got: `${inputs.length} inputs`,
      fix: 'name one of them',
    });
  const [{ source, tensors, image, features }] = inputs;
  const view: RowView = image
    ? { kind: 'image', width: image.pixels.shape[1], height: image.pixels.shape[0], pixels: image.pixels.data }
    : features
      ? { kind: 'table', columns: features.names, values: features.texts }
      : { kind: 'numbers', values: toNumbers([...tensors.values()][0]).slice(0, 64) };
  const one = datasetOf(Object.fromEntries(tensors), { name: source });
  return { data: { ...one, describe: () => source }, views: async () => [view] };
}

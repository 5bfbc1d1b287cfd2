import { resolve } from 'node:path';
import { formatBytes } from '../data/files/file-kinds.ts';
import { isFile } from '../data/files/folders.ts';
import { observeReads } from '../data/files/open-file.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { splitSelection } from '../data/inputs/row-selection.ts';
import { isNamed } from '../data/inputs/tensor-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { explain } from '../explain/explain.ts';
import type { Explained } from '../explain/explained.ts';
import { versionsOf } from '../explain/run-record.ts';
import { finishMany } from '../report/many/finish.ts';
import type { Driver } from '../run/driver.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { defaultShardSize, sha256, type Work } from '../run/shard.ts';
import { byteLength, type Tensor } from '../tensor/tensor.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import { type ExplainParameters, explainFiles, explainProgram } from './explain-shards.ts';
import { filesOf } from './named-files.ts';
import { type RunOptions, shellWord } from './options.ts';
import { printMany } from './print-many.ts';
import { formatDuration } from './progress.ts';
import { parseQuestion, type QuestionTexts } from './question-text.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';

/** More inputs than this are explained in shards, and have a page of rows. */
export const mostInOneRun = 50;

/** Inputs that are tried for one that can be explained, before a long run begins. */
const mostTried = 5;

export interface ManyOptions extends RunOptions, DriverOptions, QuestionTexts {
  readonly score?: boolean;
}

/**
 * Explains many inputs in shards; the same command goes on where it was stopped. Closes the model.
 * @param read Files that were read to load the model and to understand the question.
 */
export async function explainMany(
  model: LoadedModel,
  items: readonly string[],
  read: ReadonlySet<string>,
  options: ManyOptions,
  session: ShardSession,
): Promise<void> {
  const { signal, say, command } = session;
  const started = new Date();
  const all = new Set(read);
  const observe = (path: string) => all.add(resolve(path));
  const trial = await observeReads(observe, () => tryOne(model, items, options, signal));
  const { files, data } = await listFiles(items, all, session);
  const parameters = parametersOf(options, files);
  const work: Work = {
    program: 'explain',
    version: explainProgram.version,
    model: model.hash,
    data: sha256(data),
    parameters,
    seed: 0,
    count: items.length,
    shardSize: defaultShardSize(items.length),
  };
  const info = {
    ...{
      started,
      command,
      versions: versionsOf(model),
      files: explainFiles,
      leftOut: [],
      detail: detailOf(parameters),
    },
    model: { name: model.name, path: model.path && portablePath(model.path, process.cwd()), hash: model.hash },
  };
  await model.close();
  const driver = driverOf(options, say);
  say(forecastText(items.length, trial, driver, options));
  const { folder, storage, finished, key } = await shardedRun({ work, data, files, driver, options }, session);
  const overview = await finishMany(folder, storage, finished, { ...info, key });
  printMany(folder, overview, finished.cost, options.json ?? false);
}

/**
 * Explains one of the inputs, so that what is wrong with the question shows before a long run begins.
 * @throws WhereforeError what explaining the first few threw, where none of them can be explained
 */
async function tryOne(
  model: LoadedModel,
  items: readonly string[],
  options: ManyOptions,
  signal: AbortSignal,
): Promise<readonly Explained[]> {
  const question = await parseQuestion(model, options);
  const asked = { ...question, score: options.score, byteBudget: options.memory && options.memory * 2 ** 20, signal };
  let first: unknown;
  for (const item of items.slice(0, mostTried)) {
    try {
      return await explain(model, item, asked);
    } catch (error) {
      if (!(error instanceof WhereforeError) || error.code === 'cancelled') throw error;
      first ??= error;
    }
  }
  throw first;
}

/** The file that an input is read from; undefined for numbers and texts that stand in the command. */
async function fileOf(item: string): Promise<string | undefined> {
  const path = isNamed(item) ? item.slice(item.indexOf('=') + 1) : splitSelection(item).path;
  return (await isFile(path)) ? resolve(path) : undefined;
}

/** All files that the run reads, with their hashes, and the text of its data: every input with the hash of its file. */
async function listFiles(
  items: readonly string[],
  read: ReadonlySet<string>,
  { signal, progress }: ShardSession,
): Promise<{ files: readonly ListedFile[]; data: string }> {
  const hashes = new Map<string, string>();
  const hashed: { source: string; hash: string | undefined }[] = [];
  for (const [i, source] of items.entries()) {
    signal.throwIfAborted();
    const path = await fileOf(source);
    if (path !== undefined && !hashes.has(path)) hashes.set(path, await hashFile(path));
    hashed.push({ source, hash: path && hashes.get(path) });
    // In a log, lines are for the work itself.
    if (process.stderr.isTTY) progress.update(i / items.length, () => `reading ${i + 1} of ${items.length} inputs`);
  }
  progress.clear();
  const files: ListedFile[] = [...hashes].map(([path, hash]) => ({ path, hash, shared: false }));
  for (const path of [...read].sort()) {
    if (hashes.has(path) || !(await isFile(path))) continue;
    files.push({ path, hash: await hashFile(path), shared: true });
  }
  return { files, data: JSON.stringify(hashed) };
}

function parametersOf(options: ManyOptions, files: readonly ListedFile[]): ExplainParameters {
  const { model, target, baseline, layer, method, groups, textColumn, set, score, memory } = options;
  const copy = (list: readonly string[] | undefined) => list && [...list];
  const beside = files
    .filter(({ shared }) => shared)
    .map(({ path, hash }) => [portablePath(path, process.cwd()), hash]);
  return {
    ...{ model, ...filesOf(options), target: copy(target), baseline: copy(baseline), layer: copy(layer) },
    ...{ method: copy(method), groups, textColumn, set: [...set], score, memory },
    beside: Object.fromEntries(beside),
  };
}

/** The command that explains one of the inputs alone, with `INPUT` in its place. */
function detailOf(parameters: ExplainParameters): string {
  const { model, target, baseline, layer, method, groups, textColumn, set, score } = parameters;
  const several = (name: string, values: readonly string[] | undefined) =>
    (values ?? []).flatMap((value) => [name, value]);
  const one = (name: string, value: string | undefined) => several(name, value === undefined ? [] : [value]);
  const words = [
    ...one('--model', portablePath(model, process.cwd())),
    ...Object.entries(filesOf(parameters)).flatMap(([name, path]) =>
      one(`--${name}`, path && portablePath(path, process.cwd())),
    ),
    ...[...several('--target', target), ...several('--baseline', baseline), ...one('--layer', layer?.join())],
    ...[...one('--method', method?.join()), ...one('--groups', groups), ...one('--text-column', textColumn)],
    ...[...several('--set', set), ...(score ? ['--score'] : [])],
  ];
  return `wherefore explain INPUT ${words.map(shellWord).join(' ')}`;
}

/** A cell of a sheet of maps, encoded, in bytes, about. */
const cellBytes = 7000;

/** What the run will cost, by what the first input took: passes, bytes, and seconds where they are known. */
function forecastText(count: number, trial: readonly Explained[], driver: Driver, { queue }: ManyOptions): string {
  const sum = (of: (one: Explained) => number) => trial.reduce((total, one) => total + of(one), 0);
  const stored = ({ document, tensors }: Explained) => {
    const kept = [document.attribution, document.standardErrors ?? {}].flatMap((group) => Object.values(group));
    return kept.reduce((total, { key }) => total + byteLength(tensors.get(key) as Tensor), cellBytes);
  };
  const passes = (way: 'forward' | 'backward') =>
    sum(({ document }) => document.cost[way] + (document.scorecard?.cost[way] ?? 0));
  const seconds = sum(({ document }) => document.cost.seconds + (document.scorecard?.cost.seconds ?? 0));
  const n = (value: number) => Math.round(value * count).toLocaleString('en');
  const time = queue
    ? ''
    : `, about ${formatDuration((seconds * count) / driver.atOnce)} in ${driver.atOnce} processes`;
  return (
    `${n(trial.length)} explanations of ${count.toLocaleString('en')} inputs: about ${n(passes('forward'))} forward and ${n(passes('backward'))} backward passes, ` +
    `${formatBytes(sum(stored) * count)} of results${time}, by the first input; Ctrl-C stops, the same command goes on`
  );
}

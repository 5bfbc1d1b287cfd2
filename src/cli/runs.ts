import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { folderEntries, isFile, isFolder } from '../data/files/folders.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { doneShards } from '../run/compute.ts';
import { openStorage } from '../run/open-storage.ts';
import { type AnyRun, readRun, readUnfinished } from '../run/record.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, visible } from './terminal.ts';

interface Options {
  readonly out: string;
  readonly json?: boolean;
}

/** Runs a command line again, and returns its exit code. */
type RunAgain = (words: readonly string[]) => Promise<number>;

/** @param again What stands behind `wherefore`, for runs that are gone on with. */
export function defineRuns(program: Command, again: RunAgain): void {
  const runs = program.command('runs').description('what was computed here: list, show, resume or remove runs');
  const define = (usage: string, description: string, act: (id: string, options: Options) => Promise<void>) => {
    const command = runs.command(usage, usage === 'list' ? { isDefault: true } : {}).description(description);
    command.addOption(new Option('--out <folder>', 'where runs are kept').default('.wherefore/runs'));
    command.option('--json', 'print JSON for scripts');
    const takesId = usage.includes('<id>');
    command.action((first: string | Options, second: Options) =>
      takesId ? act(first as string, second) : act('', first as Options),
    );
  };
  define('list', 'all runs of the folder, the newest first (default)', (_, options) => list(options));
  define('show <id>', 'what a run was and how far it is', show);
  define('resume <id>', 'goes on with a run that was stopped', (id, options) => resume(id, options, again));
  define('remove <id>', 'removes a run with all its results', remove);
}

/** A run in its folder. */
interface Found {
  readonly id: string;
  readonly folder: string;
  readonly run: AnyRun;
  /** Shards that lie in its folder; undefined for a run without shards. */
  readonly done: number | undefined;
}

async function findRuns(out: string): Promise<Found[]> {
  if (!(await isFolder(out))) return [];
  const found: Found[] = [];
  for (const { name: id, isFolder } of await folderEntries(out)) {
    const folder = join(out, id);
    const run = isFolder ? await readRun(folder) : undefined;
    if (!run) continue;
    const done = run.shards === undefined ? undefined : (await doneShards(await openStorage(folder))).size;
    found.push({ id, folder, run, done });
  }
  return found.sort((a, b) => ((a.run.started ?? '') < (b.run.started ?? '') ? 1 : -1));
}

const stateOf = ({ run, done }: Found): string =>
  run.state === 'complete' || run.shards === undefined || done === undefined
    ? run.state
    : `${Math.floor((100 * done) / run.shards)} % done`;

async function list({ out, json }: Options): Promise<void> {
  const found = await findRuns(out);
  if (json) {
    printJson(found.map(({ id, run, done }) => ({ id, shardsDone: done, ...run })));
    return;
  }
  if (found.length === 0) {
    print(`no runs in ${out}`);
    return;
  }
  const lines = found.map((one) => {
    const { id, run } = one;
    return [id, stateOf(one), run.started?.slice(0, 16).replace('T', ' ') ?? '', visible(run.command ?? run.what)];
  });
  print(formatTable([['run', 'state', 'began (UTC)', 'command'], ...lines]));
}

/** The run that an id, or its beginning, names. @throws WhereforeError where none or several do */
async function runNamed(id: string, out: string): Promise<Found> {
  const found = await findRuns(out);
  const exact = found.find((one) => one.id === id);
  const fitting = exact ? [exact] : found.filter((one) => one.id.startsWith(id));
  if (fitting.length === 1) return fitting[0];
  const ids = (fitting.length > 1 ? fitting : found).map((one) => one.id);
  if (fitting.length > 1) {
    throw new WhereforeError('invalid-argument', 'several runs begin like this', { got: id, expected: ids.join(', ') });
  }
  throw unknownName('there is no run', id, ids, { code: 'invalid-argument', where: out });
}

async function show(id: string, { out, json }: Options): Promise<void> {
  const found = await runNamed(id, out);
  const { run, folder, done } = found;
  if (json) {
    printJson({ id: found.id, folder, shardsDone: done, ...run });
    return;
  }
  const shards = run.shards === undefined ? undefined : `${done} of ${run.shards} shards`;
  const page = join(folder, 'index.html');
  const lines = [
    ['run', found.id],
    ['state', [stateOf(found), shards].filter(Boolean).join(', ')],
    ['began', run.started ?? ''],
    ['command', visible(run.command ?? '')],
    ['folder', folder],
    ...((await isFile(page)) ? [['page', page]] : []),
    ...(run.state === 'unfinished' ? [['go on', `wherefore runs resume ${found.id}`]] : []),
  ];
  print(formatTable(lines));
}

async function resume(id: string, { out }: Options, again: RunAgain): Promise<void> {
  const { folder, run, id: whole } = await runNamed(id, out);
  const unfinished = await readUnfinished(folder);
  if (!unfinished) {
    throw new WhereforeError('invalid-argument', 'this run cannot be gone on with', {
      where: whole,
      got: run.state === 'complete' ? 'it is complete' : `its state is "${run.state}"`,
      fix: run.state === 'complete' ? `open ${join(folder, 'index.html')}` : 'give its command again',
    });
  }
  process.chdir(unfinished.folder);
  process.exitCode = await again(unfinished.words);
}

async function remove(id: string, { out }: Options): Promise<void> {
  const { folder, id: whole } = await runNamed(id, out);
  const unfinished = await readUnfinished(folder);
  const folders = new Set([unfinished?.storage, resolve(folder)].filter((place) => place !== undefined));
  for (const place of folders) await (await openStorage(place)).removeFolder('');
  print(`removed ${whole}`);
}

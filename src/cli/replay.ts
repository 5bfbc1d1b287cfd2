import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { filesNamed } from '../data/files/find-named.ts';
import { findBelow, folderEntries, isBelow, isFolder } from '../data/files/folders.ts';
import { type LoadModelOptions, loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import type { ExplanationDocument } from '../explain/document.ts';
import { replay } from '../explain/replay.ts';
import { readExplanation } from '../report/write-run.ts';
import { interruptible } from './failure.ts';
import { type RuntimeOptions, repeated, runtimeOf, share, withRuntime } from './options.ts';
import { readAsked, replayAsked } from './replay-influence.ts';
import { formatNumber } from './table-text.ts';
import { print, visible } from './terminal.ts';

interface Options extends RuntimeOptions {
  readonly model?: string;
  readonly input?: string;
  readonly preprocessing?: string;
  readonly explainer?: string;
  readonly anyModel?: boolean;
  readonly score?: boolean;
  readonly file: readonly string[];
  readonly tolerance: number;
}

export function defineReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('compute a saved explanation, influence or audit again and compare')
    .argument('<explanation>', 'the folder of a run, or a .json in it: of an explanation, influence.json or audit.json')
    .option('--model <file>', 'the model; default: the path in the document, below this folder or that of the document')
    .option('--input <source>', 'the input; default: the source in the document, looked for in the same way')
    .option(
      '--explainer <file>',
      'the learned explainer of LAX; default: the one in the document, looked for in the same way',
    )
    .option('--preprocessing <file>', 'the wherefore.yaml that was used; default: the one beside the model')
    .option(
      '--file <option=path>',
      'of influence and audit: where a file of the document lies now, by the option that named it, e.g. data=rows.csv; may be repeated',
      repeated,
      [],
    )
    .option('--score', 'compute the scorecard again as well')
    .option('--any-model', 'compare although the model is another one')
    .option(
      '--tolerance <share>',
      'largest accepted difference of a number, as a share of the largest of its kind',
      share,
      1e-4,
    );
  withRuntime(command).action((path: string, options: Options) =>
    interruptible(async (signal) => {
      if (await isFolder(path)) await replayFolder(path, options, signal);
      else await run(path, options, signal);
    }),
  );
}

/**
 * Replays all that a run holds, one after the other, each with its heading. What differs is said at the end, by name.
 * @throws WhereforeError `file-not-found` when there is nothing to replay; `out-of-range` when one differs
 */
async function replayFolder(folder: string, options: Options, signal: AbortSignal): Promise<void> {
  const documents = await documentsIn(folder);
  const different: string[] = [];
  for (const name of documents) {
    if (documents.length > 1) print(visible(name));
    try {
      await run(join(folder, name), options, signal);
    } catch (error) {
      if (documents.length === 1 || !(error instanceof WhereforeError) || error.code !== 'out-of-range') throw error;
      different.push(name);
    }
  }
  if (different.length === 0) return;
  throw new WhereforeError('out-of-range', `${different.length} of ${documents.length} are not what they say`, {
    where: folder,
    got: different.join(', '),
    fix: 'check the model, the inputs, the versions and the recorded parameters',
  });
}

const askedFiles: readonly string[] = ['influence.json', 'audit.json'];

/** Explanations, which have their tensors beside them, and what was asked of influence and audit. */
async function documentsIn(folder: string): Promise<string[]> {
  const names = new Set((await folderEntries(folder)).map(({ name }) => name));
  const isDocument = (name: string) =>
    askedFiles.includes(name) || (name.endsWith('.json') && names.has(name.replace(/json$/, 'safetensors')));
  const found = [...names].filter(isDocument).sort();
  if (found.length > 0) return found;
  throw new WhereforeError('file-not-found', 'no explanation to replay lies in this folder', {
    where: folder,
    expected: `a .json with its .safetensors, or ${askedFiles.join(', ')}`,
    fix: 'name the folder of a run of explain (of up to 50 inputs), influence or audit',
  });
}

async function run(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const around = foldersAround(dirname(resolve(path)));
  const asked = await readAsked(path);
  if (asked) return replayAsked(path, asked, around, { ...options, file: filesOf(options) }, signal);
  const explained = await readExplanation(path);
  const { document } = explained;
  const { model, folders } = await openModel(document.model, options, around, path);
  try {
    const { attribution, largestDifference, identical, differences, unchecked, changed } = await replay(
      model,
      explained,
      {
        signal,
        anyModel: options.anyModel,
        tolerance: options.tolerance,
        source: options.input,
        files: options.explainer === undefined ? undefined : { explainer: options.explainer },
        folders,
        score: options.score,
      },
    );
    const { targetDescription, layer } = attribution;
    print(visible(`${document.methodTitle} of the ${targetDescription} at ${layer.join(' + ')}`));
    print(
      `  T   recorded ${formatNumber(document.attributionTarget)}, now ${formatNumber(attribution.attributionTarget)}`,
    );
    print(`  sum recorded ${formatNumber(document.sum)}, now ${formatNumber(attribution.sum)}`);
    for (const { field, recorded, now } of differences)
      print(`  differs: ${visible(`${field}: ${recorded}, now ${now}`)}`);
    for (const text of unchecked) print(`  not checked: ${visible(text)}`);
    for (const text of changed) print(`  note: ${visible(text)}`);
    if (differences.length > 0) {
      throw new WhereforeError('out-of-range', 'the explanation is not what its document says', {
        got: differences.map(({ field }) => field).join(', '),
        expected: `the recorded values within ${options.tolerance}`,
        fix: 'check the model, the input, the versions and the recorded parameters',
      });
    }
    if (identical) print('identical in every element');
    else print(`largest difference of an element: ${formatNumber(largestDifference)} of the largest attribution`);
  } finally {
    await model.close();
  }
}

/** Files by option: those of `--file`, and `--model`. */
function filesOf({ file, model, preprocessing }: Options): Record<string, string> {
  const named: Record<string, string> = { ...(model && { model }), ...(preprocessing && { preprocessing }) };
  for (const text of file) {
    const at = text.indexOf('=');
    if (at < 1)
      throw new WhereforeError('invalid-argument', '--file names an option and a path', {
        got: text,
        expected: 'OPTION=PATH, e.g. data=rows.csv',
      });
    named[text.slice(0, at)] = text.slice(at + 1);
  }
  return named;
}

/** The current folder, that of a document, and those between them, where the document lies below the current one. */
function foldersAround(folder: string): string[] {
  const here = process.cwd();
  const folders = [folder];
  for (let place = folder; isBelow(place, [here]); place = dirname(place)) folders.push(dirname(place));
  return folders.includes(here) ? folders.reverse() : [here, folder];
}

/** A model, and the folders below which what else the document names is looked for. */
interface Opened {
  readonly model: LoadedModel;
  readonly folders: readonly string[];
}

/** The model that is named, or that of the document below the current folder or that of the document. */
async function openModel(
  recorded: ExplanationDocument['model'],
  { model, preprocessing, ...runtime }: Options,
  folders: readonly string[],
  where: string,
): Promise<Opened> {
  const options = { ...runtimeOf(runtime), preprocessing };
  if (model !== undefined) return { model: await loadModel(model, options), folders };
  const { path } = recorded;
  if (path === undefined) {
    throw new WhereforeError('invalid-argument', 'the document does not say where its model lies', {
      where,
      fix: 'name it with --model',
    });
  }
  const found = await findBelow(folders, path);
  if (found) return { model: await loadModel(found.path, { ...options, inside: [found.folder] }), folders };
  const elsewhere = await searchModel(recorded, path, folders, options);
  if (elsewhere) return elsewhere;
  throw new WhereforeError('file-not-found', 'the model of the document is not there', {
    where,
    got: path,
    expected: 'a file below this folder or that of the document',
    fix: 'name it with --model',
  });
}

/**
 * The file of the model's name below some folders that has the recorded hash. What the document names is then looked
 * for also from where the recorded path led to the model.
 */
async function searchModel(
  { hash }: ExplanationDocument['model'],
  recorded: string,
  folders: readonly string[],
  options: LoadModelOptions,
): Promise<Opened | undefined> {
  for await (const path of filesNamed(folders, basename(recorded))) {
    const model = await loadModel(path, { ...options, inside: [dirname(path)] }).catch((error: unknown) => {
      // Another file of the same name, which nobody asked for.
      if (error instanceof WhereforeError) return undefined;
      throw error;
    });
    if (model?.hash !== hash) {
      await model?.close();
      continue;
    }
    print(visible(`model   ${relative('.', path)}, found by its name and hash`));
    const start = path.slice(0, -recorded.length);
    return { model, folders: [...folders, path.endsWith(`/${recorded}`) ? start : dirname(path)] };
  }
  return undefined;
}

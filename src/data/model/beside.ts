import { basename, dirname, join } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { foldersOf, isFile } from '../files/folders.ts';
import { readText } from '../files/read-file.ts';
import { type TextLimits, textLimits } from '../inputs/text-length.ts';
import { type LabelList, labelLists } from './label-lists.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';
import { readLabels } from './preprocessing-file.ts';
import type { ProcessorFile } from './preprocessor-config.ts';

/** Files that other tools leave beside a model, by what they say. */
const fileNames = {
  config: ['config.json'],
  labels: ['labels.txt', 'labels.json'],
  tokenizer: ['tokenizer.json'],
  tokenizerConfig: ['tokenizer_config.json'],
  /** How images and recordings become the input: resize, crop, mean and std; the sampling rate. */
  processor: ['preprocessor_config.json'],
} as const;

export type BesideFile = keyof typeof fileNames;

/** What lies beside a model, where nobody wrote a `wherefore.yaml`. */
export interface Beside {
  /** The folder of the model file. */
  readonly folder: string;
  /** Folders that these files must lie in once links are followed. */
  readonly folders: readonly string[];
  /** Absolute paths of the files that are there. */
  readonly files: Readonly<Partial<Record<BesideFile, string>>>;
  readonly config?: ModelConfig;
  /** What `preprocessor_config.json` holds. */
  readonly processor?: ProcessorFile;
  /** Longest text and the side it is cut at, by `tokenizer_config.json`. */
  readonly texts?: TextLimits;
  /** Names of the classes and where they stand. */
  readonly labels?: { readonly names: readonly string[]; readonly file: string };
  /** Where no file says so: other lists of names, one of which may name the classes. */
  readonly lists?: readonly LabelList[];
  /** Files that are there and cannot be used, with why. */
  readonly notes: readonly string[];
}

/** Folders of a model file in which to look: its own, and of `onnx/model.onnx` the one around it (Hugging Face). */
function foldersAround(modelPath: string): string[] {
  const folder = dirname(modelPath);
  return basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
}

/** Looks for what other tools leave beside a model, and reads what names its classes. */
export async function findBeside(modelPath: string): Promise<Beside> {
  const around = foldersAround(modelPath);
  // Caches of downloaded models hold links to files that lie together elsewhere.
  const folders = [...new Set([...around, ...(await foldersOf(modelPath))])];
  const files: Partial<Record<BesideFile, string>> = {};
  for (const kind of Object.keys(fileNames) as BesideFile[]) {
    files[kind] = await firstThere(around.flatMap((folder) => fileNames[kind].map((name) => join(folder, name))));
  }
  const notes: string[] = [];
  const attempt = async <T>(path: string | undefined, read: (path: string) => Promise<T>): Promise<T | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await read(path);
    } catch (error) {
      // Found, not asked for: a file of another meaning must not stand in the way.
      if (!(error instanceof WhereforeError)) throw error;
      notes.push(`${basename(path)} beside the model is not used: ${error.message}`);
      return undefined;
    }
  };
  const config = await attempt(files.config, async (path) =>
    parseModelConfig(await readText(path, 'config', { inside: folders }), path),
  );
  const processor = await attempt(files.processor, async (path) => ({
    path,
    content: parsedJson(await readText(path, 'config', { inside: folders }), path),
  }));
  const texts = await attempt(files.tokenizerConfig, async (path) =>
    textLimits(parsedJson(await readText(path, 'config', { inside: folders }), path)),
  );
  const listed = await attempt(files.labels, (path) => readLabels(path, { inside: folders }));
  const named = config?.labels && { names: config.labels, file: files.config as string };
  const labels = named ?? (listed && { names: listed, file: files.labels as string });
  const lists = labels ? undefined : await labelLists(around, folders);
  return { folder: dirname(modelPath), folders, files, config, processor, texts, labels, lists, notes };
}

function parsedJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, cause });
  }
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path;
  return undefined;
}

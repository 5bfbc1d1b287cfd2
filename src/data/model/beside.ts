import { WhereforeError } from '../../errors.ts';
import { fileName, folderOf, within } from '../../paths.ts';
import type { AccessOptions, Files } from '../files/file-access.ts';
import { textAt } from '../files/file-text.ts';
import { type TextLimits, textLimits } from '../inputs/text-length.ts';
import { type LabelList, labelLists } from './label-lists.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';
import { labelsIn } from './preprocessing-at.ts';
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
  /** Folders in which these files were looked for. */
  readonly folders: readonly string[];
  /** How far a tokenizer that was found is trusted; one that the caller names is trusted as it is. */
  readonly access: AccessOptions;
  /** Paths of the files that are there. */
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

/** Around a model from bytes. */
export const nothingBeside: Beside = { folder: '', folders: [], access: {}, files: {}, notes: [] };

/** Folders of a model file in which to look: its own, and of `onnx/model.onnx` the one around it (Hugging Face). */
function foldersAround(modelPath: string): string[] {
  const folder = folderOf(modelPath);
  return fileName(folder) === 'onnx' ? [folder, folderOf(folder)] : [folder];
}

/** Paths of the files that lie in some folders. */
async function filesIn(there: Files, folders: readonly string[], notes: string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const folder of folders) {
    const entries = await there.list(folder).catch((error: unknown) => {
      if (!(error instanceof WhereforeError)) throw error;
      notes.push(`what lies beside the model is not used: ${error.message}`);
      return [];
    });
    for (const { name, isFolder } of entries) if (!isFolder) paths.push(within(folder, name));
  }
  return paths;
}

/** Looks for what other tools leave beside a model, and reads what names its classes. */
export async function findBeside(there: Files, modelPath: string): Promise<Beside> {
  const folders = foldersAround(modelPath);
  const access: AccessOptions = { namedBy: modelPath, alsoBelow: folders };
  const notes: string[] = [];
  const paths = await filesIn(there, folders, notes);
  const files: Partial<Record<BesideFile, string>> = {};
  for (const kind of Object.keys(fileNames) as BesideFile[]) {
    const wanted = folders.flatMap((folder) => fileNames[kind].map((name) => within(folder, name)));
    files[kind] = wanted.find((path) => paths.includes(path));
  }
  const attempt = async <T>(path: string | undefined, read: (path: string) => Promise<T>): Promise<T | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await read(path);
    } catch (error) {
      // Found, not asked for: a file of another meaning must not stand in the way.
      if (!(error instanceof WhereforeError)) throw error;
      notes.push(`${fileName(path)} beside the model is not used: ${error.message}`);
      return undefined;
    }
  };
  const json = async (path: string) => parsedJson(await textAt(there, path, 'config', access), path);
  const config = await attempt(files.config, async (path) =>
    parseModelConfig(await textAt(there, path, 'config', access), path),
  );
  const processor = await attempt(files.processor, async (path) => ({ path, content: await json(path) }));
  const texts = await attempt(files.tokenizerConfig, async (path) => textLimits(await json(path)));
  const listed = await attempt(files.labels, async (path) =>
    labelsIn(await textAt(there, path, 'labels', access), path),
  );
  const named = config?.labels && { names: config.labels, file: files.config as string };
  const labels = named ?? (listed && { names: listed, file: files.labels as string });
  const lists = labels ? undefined : await labelLists(there, paths, access);
  return { folder: folders[0], folders, access, files, config, processor, texts, labels, lists, notes };
}

function parsedJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, cause });
  }
}

import { basename, dirname, join } from 'node:path';
import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { foldersOf, isFile } from './folders.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';
import { readLabels } from './preprocessing-file.ts';
import type { ProcessorFile } from './preprocessor-config.ts';
import { readText } from './read-file.ts';
import { type TextLimits, textLimits } from './text-length.ts';

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
  return { folder: dirname(modelPath), folders, files, config, processor, texts, labels, notes };
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

/** Names of the classes of a model, and where they stand. */
export interface Labels {
  readonly names: readonly string[];
  /** In words: `config.json`, `the metadata`. */
  readonly from: string;
}

/** Whether an output could tell so many classes apart: one axis has that size, or an open one. Detections have 4 or 5 numbers more. */
function fitsOutputs({ graph }: OnnxModel, count: number): boolean {
  return graph.outputs.some(
    ({ shape }) =>
      !shape ||
      shape
        .slice(1)
        .some((size) => typeof size !== 'number' || size === count || size - count === 4 || size - count === 5) ||
      (count === 2 && shape.slice(1).every((size) => size === 1)),
  );
}

/**
 * What the classes are called, by files beside the model, else by its metadata, else by its classifier. Names that fit
 * no output are not taken, which a note says.
 */
export function labelsOfModel(
  model: OnnxModel,
  beside: Beside | undefined,
): { readonly labels?: Labels; readonly notes: readonly string[] } {
  const named = beside?.labels;
  if (named && fitsOutputs(model, named.names.length)) {
    return { labels: { names: named.names, from: `${basename(named.file)} beside the model` }, notes: [] };
  }
  const notes = named
    ? [
        `${basename(named.file)} beside the model is not used: it names ${named.names.length} classes, and no output has so many`,
      ]
    : [];
  const stated = labelsInMetadata(model);
  if (stated) return { labels: { names: stated, from: "the model's metadata" }, notes };
  const inGraph = labelsInGraph(model);
  return { labels: inGraph && { names: inGraph, from: "the model's classifier" }, notes };
}

/** Class names in the metadata: a JSON list or object, or a Python dictionary as Ultralytics writes it. */
function labelsInMetadata(model: OnnxModel): string[] | undefined {
  const text = model.metadata.get('names') ?? model.metadata.get('classes') ?? model.metadata.get('labels');
  if (!text) return undefined;
  const pairs = [...text.matchAll(/(\d+)"?\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  if (pairs.length && pairs.every(([, key], i) => key === String(i)))
    return pairs.map(([, , single, double]) => single ?? double);
  const list = /^\s*\[(.*)\]\s*$/s.exec(text);
  const items = list ? [...list[1].matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double) : [];
  return items.length ? items : undefined;
}

/** Class names of a classifier's node (ai.onnx.ml): its string labels, or whole numbers other than 0, 1, 2, …. */
function labelsInGraph({ graph }: OnnxModel): string[] | undefined {
  for (const { attributes } of [...graph.nodes].reverse()) {
    const names = attributes.classlabels_strings;
    if (names?.kind === 'strings' && names.value.length > 0) return [...names.value];
    const numbers = attributes.classlabels_int64s ?? attributes.classlabels_ints;
    if (numbers?.kind !== 'ints' || numbers.value.length === 0) continue;
    const isIndex = numbers.value.every((value, i) => Number(value) === i);
    if (!isIndex) return [...numbers.value].map(String);
  }
  return undefined;
}

import { basename, dirname, extname, isAbsolute, resolve } from 'node:path';
import type { ByteBudget } from '../../dataset/byte-cache.ts';
import type { ColumnValue, Dataset } from '../../dataset/dataset.ts';
import { defineDataset } from '../../dataset/define-dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { foldersOf, isFolder } from '../files/folders.ts';
import { settledPreprocessing } from '../guess/settled-preprocessing.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { loadPreprocessing } from '../model/preprocessing-file.ts';
import { type ReaderCache, readerCache } from './blocks.ts';
import type { Contents, OpenedContents, ReadColumn } from './contents.ts';
import type { DatasetOptions } from './dataset-options.ts';
import { equalTexts } from './equal-texts.ts';
import { openRanges } from './file-ranges.ts';
import { numbersOf, readLabelFile } from './label-file.ts';
import { type Labels, labelsOf } from './labels.ts';
import { openContents } from './open-contents.ts';
import { plainRows } from './plain-rows.ts';
import { prepare } from './prepare.ts';
import { tensorFiles } from './tensor-rows.ts';

/** A data set of files. */
export interface OpenedDataset extends Dataset {
  readonly path: string;
  /** What the rows are before they become inputs. */
  readonly contents: Contents;
  /** How contents become inputs. */
  readonly recipe: string;
  /** What says so; undefined where nothing does. */
  readonly preprocessing?: Preprocessing;
  /** What was concluded, and from what. */
  readonly notes: readonly string[];
  /** Bytes of the files that are kept. */
  readonly budget: ByteBudget;
}

/**
 * Opens files as a data set, of which rows are read when they are asked for: a folder of images or of texts (classes by
 * sub-folders, or by a file of labels), a table (CSV, JSON Lines, Parquet: row groups, and only the columns that are
 * needed), arrays (IDX, `.npy`, `.npz`, `.safetensors`), a text file with a text on each line, or what a
 * `wherefore.yaml` describes under `data:` (`wherefore.yaml#train`).
 *
 * Labels are read at once, everything else when it is asked for; at most `budget` bytes of files are kept.
 * @throws WhereforeError `file-not-found`, `file-unreadable`; `invalid-data` for damaged files, missing labels, a file of
 *   labels of other rows; `unknown-name` for a column or a class that is not there
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<OpenedDataset> {
  if (/[.]ya?ml(#[^#]*)?$/i.test(path)) return openDescribed(path, options);
  const cache = readerCache(options.budget);
  const preprocessing = options.preprocessing ?? (options.model && settledPreprocessing(options.model));
  const complete = { ...options, preprocessing };
  const opened = await openContents(path, complete, cache);
  const { contents, length, describe } = opened;
  const { labels, columns, weights } = await labelled(path, opened, complete, cache);
  const { model } = options;
  const plain =
    model &&
    preprocessing &&
    (plainRows(opened, model, preprocessing, path) ?? (await equalTexts(opened, model, preprocessing)));
  const how = plain?.preprocessing ?? preprocessing;
  const prepared = prepare(contents, { ...complete, preprocessing: how, where: path, describe });
  const all = { ...opened.columns, ...columns };
  const dataset = defineDataset({
    name: basename(path) || path,
    length,
    inputs: prepared.inputs,
    recipe: prepared.recipe,
    labels: labels?.labels,
    classes: labels?.classes ?? options.classes,
    weights,
    columns: all,
    ids: idsOf(opened, all, options.id, path),
    hashes: opened.hashes,
    contents: opened.fingerprint,
    describe,
  });
  return {
    ...dataset,
    path,
    contents,
    recipe: prepared.recipe,
    preprocessing: how,
    notes: [...opened.notes, ...(plain?.notes ?? []), ...(labels?.notes ?? [])],
    budget: cache,
  };
}

interface Labelled {
  readonly labels?: Labels;
  readonly columns?: Readonly<Record<string, ReadColumn>>;
  readonly weights?: Float32Array<ArrayBuffer>;
}

async function labelled(
  path: string,
  opened: OpenedContents,
  options: DatasetOptions,
  cache: ReaderCache,
): Promise<Labelled> {
  const { label, labels: from, labelKind, classes, model } = options;
  const weights = options.weight === undefined ? undefined : await weightsOf(path, opened, options, cache);
  const make = (values: readonly ColumnValue[], where: string) =>
    labelsOf(values, { labelKind, classes, modelClasses: model?.labels, where });
  if (from === 'none') return { weights };
  if (from !== undefined && from !== 'folders') {
    const file = await labelPath(path, from);
    const found = await readLabelFile(file, opened, options, cache);
    return { labels: make(found.values, file), columns: found.columns, weights };
  }
  if (from === 'folders' || (label === undefined && opened.labels)) {
    if (opened.labels) return { labels: make(opened.labels, path), weights };
    throw new WhereforeError('invalid-data', 'not every file lies in a sub-folder, which would be its class', {
      where: path,
      fix: 'move the files, or name a file of labels (labels: FILE)',
    });
  }
  if (label === undefined) return { weights };
  const values = await valuesOf(path, label, opened, options, cache);
  return { labels: make(values, `${path}, "${label}"`), weights };
}

/** All values of a column, or of an array with one for each row. */
async function valuesOf(
  path: string,
  name: string,
  { table, length }: OpenedContents,
  { inside }: DatasetOptions,
  cache: ReaderCache,
): Promise<readonly ColumnValue[]> {
  if (table) return table.values(name, range(0, length));
  const open = tensorFiles[extname(path).toLowerCase()];
  const arrays = open ? await open(await openRanges(path, 'dataset', { inside }), cache) : new Map();
  const array = arrays.get(name);
  if (!array) throw unknownName('the data has no column or array', name, arrays.keys(), { where: path });
  return numbersOf(await array.read(range(0, length)));
}

async function weightsOf(
  path: string,
  opened: OpenedContents,
  options: DatasetOptions,
  cache: ReaderCache,
): Promise<Float32Array<ArrayBuffer>> {
  const values = await valuesOf(path, options.weight as string, opened, options, cache);
  const weights = new Float32Array(values.length);
  for (let i = 0; i < weights.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new WhereforeError('invalid-data', 'a weight is no number from 0', {
        where: `${path}, "${options.weight}", row ${i}`,
        got: `${value ?? 'nothing'}`,
      });
    }
    weights[i] = value;
  }
  return weights;
}

/** A file of labels lies in the folder that it is for, beside it, or where a path from here leads. */
async function labelPath(path: string, name: string): Promise<string> {
  if (isAbsolute(name)) return name;
  const folder = (await isFolder(path)) ? path : dirname(path);
  return resolve(folder, name);
}

function idsOf(
  { names }: OpenedContents,
  columns: Readonly<Record<string, ReadColumn>>,
  id: string | undefined,
  where: string,
): ((indices: Uint32Array) => Promise<readonly string[]>) | undefined {
  if (id === undefined) return names && (async (indices) => Array.from(indices, (index) => names[index]));
  if (!Object.hasOwn(columns, id)) throw unknownName('the data has no column', id, Object.keys(columns), { where });
  const read = columns[id];
  return async (indices) =>
    (await read(indices)).map((value, i) => {
      if (value !== undefined) return String(value);
      throw new WhereforeError('invalid-data', `a row has no id in column "${id}"`, {
        where: `${where}, row ${indices[i]}`,
      });
    });
}

/** A data set that a `wherefore.yaml` describes; its files must lie below the folder of that. */
async function openDescribed(source: string, options: DatasetOptions): Promise<OpenedDataset> {
  const [, path, wanted] = /^(.*?)(?:#([^#]*))?$/s.exec(source) as unknown as [string, string, string | undefined];
  const { preprocessing } = await loadPreprocessing(path);
  const described = preprocessing.data ?? {};
  const names = Object.keys(described);
  if (names.length === 0) {
    throw new WhereforeError('invalid-data', 'the file describes no data', {
      where: path,
      expected: 'a section such as data: { train: { path: train.csv, label: income } }',
    });
  }
  if (wanted === undefined && names.length > 1) {
    throw new WhereforeError('invalid-argument', 'which data set is meant?', {
      where: path,
      got: names.join(', '),
      fix: `name one: ${path}#${names[0]}`,
    });
  }
  const name = wanted ?? names[0];
  if (!Object.hasOwn(described, name))
    throw unknownName('the file describes no data set', name, names, { where: path });
  const { path: relative, ...description } = described[name];
  const inside = await foldersOf(path);
  const withInputs = Object.keys(preprocessing.inputs).length > 0 ? preprocessing : undefined;
  return openDataset(resolve(dirname(path), relative), {
    preprocessing: withInputs,
    ...description,
    ...options,
    inside,
  });
}

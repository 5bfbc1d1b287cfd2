import { basename, dirname, extname, resolve } from 'node:path';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { isBelow, isFolder } from '../files/folders.ts';
import { Blocks, type ReaderCache } from './blocks.ts';
import { hashOfRanges } from './byte-ranges.ts';
import type { OpenedContents } from './contents.ts';
import type { DatasetOptions } from './dataset-options.ts';
import { openRanges } from './file-ranges.ts';
import { openFolder } from './folder-contents.ts';
import { eachFile, holdsImages, imageFiles, pixelRows } from './image-rows.ts';
import { findRecords } from './lines.ts';
import { openTable, tableEndings } from './open-table.ts';
import { tableHashes } from './table-hashes.ts';
import type { TableRows } from './table-rows.ts';
import { idxRows, type TensorFile, tensorFiles } from './tensor-rows.ts';

const textEndings: ReadonlySet<string> = new Set(['.txt', '.text']);

/**
 * Opens a file or a folder as the rows of a data set.
 * @throws WhereforeError `file-not-found`, `file-unreadable`; `invalid-data` for what is damaged or of no kind that is
 *   read; `unknown-name` for a column that is not there
 */
export async function openContents(path: string, options: DatasetOptions, cache: ReaderCache): Promise<OpenedContents> {
  if (await isFolder(path)) return openFolder(path, options);
  const ending = extname(path).toLowerCase();
  if (tableEndings.has(ending)) return openRows(path, options, cache);
  if (textEndings.has(ending)) return openLines(path, options, cache);
  return openArrays(path, ending, options, cache);
}

/** Whether a path names what can be opened as a data set: a folder, or a file of a known ending. */
export async function isDataset(path: string, ending: string): Promise<boolean> {
  if (/^[.]ya?ml(#.*)?$/.test(ending) || tableEndings.has(ending) || textEndings.has(ending)) return true;
  return Object.hasOwn(tensorFiles, ending) || /idx\d/i.test(basename(path)) || isFolder(path);
}

/** A table, or the texts or the images that a column of it holds or names. */
async function openRows(path: string, options: DatasetOptions, cache: ReaderCache): Promise<OpenedContents> {
  const table = await openTable(path, options, cache);
  const { name: where, length } = table;
  for (const column of [
    options.label,
    options.id,
    options.weight,
    options.image,
    options.text,
    ...(options.metadata ?? []),
  ])
    if (column !== undefined && options.labels === undefined) table.column(column);
  const columns = Object.fromEntries(
    table.columns.map(({ name }) => [name, (indices: Uint32Array) => table.values(name, indices)]),
  );
  const describe = (index: number) => `${basename(path)} row ${index}`;
  const shared = { length, table, columns, describe, notes: [] };
  const ranges = await openRanges(path, 'dataset', { inside: options.inside });
  if (options.image !== undefined) return { ...shared, ...(await namedImages(table, options.image, options)) };
  const apart = new Set([options.label, options.id, options.weight, ...(options.metadata ?? [])]);
  if (options.text !== undefined || options.kind === 'text' || takesTexts(options)) {
    const column = options.text ?? onlyText(table, apart);
    const texts = async (indices: Uint32Array) =>
      (await table.values(column, indices)).map((text, i) => present(text, column, `${where}, row ${indices[i]}`));
    return {
      ...shared,
      contents: { kind: 'text', texts },
      fingerprint: (pass) => hashOfRanges(ranges, pass),
      notes: [`texts are those of column "${column}"`],
    };
  }
  const encoded = Object.values(options.preprocessing?.inputs ?? {}).flatMap((input) =>
    input.kind === 'table' ? input.columns.map(({ name }) => name) : [],
  );
  const features =
    encoded.length > 0 ? encoded : table.columns.map(({ name }) => name).filter((name) => !apart.has(name));
  return {
    ...shared,
    contents: { kind: 'table', table, features },
    hashes: (indices) => tableHashes(table, features, indices),
    fingerprint: (pass) => hashOfRanges(ranges, pass),
  };
}

/** The images that a column names, by paths from the table. They must lie below its folder. */
async function namedImages(table: TableRows, column: string, options: DatasetOptions) {
  const folder = dirname(table.name);
  const values = await table.values(column, range(0, table.length));
  const paths = values.map((value, row) => {
    const path = resolve(folder, present(value, column, `${table.name}, row ${row}`));
    if (isBelow(path, [folder])) return path;
    throw new WhereforeError('file-unreadable', 'a file that another file names must lie below its folder', {
      where: `${table.name}, row ${row}`,
      got: String(value),
      fix: 'copy it there',
    });
  });
  const inside = options.inside ?? [folder];
  return {
    contents: { kind: 'image' as const, images: imageFiles(paths, { inside }) },
    describe: (index: number) => String(values[index]),
    hashes: (indices: Uint32Array) => eachFile(paths, indices, { inside }, (bytes) => hashOfFile([bytes])),
  };
}

function present(value: string | number | undefined, column: string, where: string): string {
  if (value !== undefined) return String(value);
  throw new WhereforeError('invalid-data', `column "${column}" has a missing value`, { where });
}

/** Whether a model takes texts, and no columns. */
function takesTexts({ kind, preprocessing }: DatasetOptions): boolean {
  const kinds = Object.values(preprocessing?.inputs ?? {}).map((input) => input.kind);
  return kind === undefined && kinds.includes('text') && !kinds.includes('table');
}

/** The column of texts beside the label and what is no feature: the only one of texts or, in a short table, of words. */
function onlyText(table: TableRows, apart: ReadonlySet<string | undefined>): string {
  const words = table.columns.filter(({ kind, name }) => kind !== 'number' && !apart.has(name));
  const texts = words.filter(({ kind }) => kind === 'text');
  if (texts.length === 1) return texts[0].name;
  if (words.length === 1) return words[0].name;
  const { name } = texts[0] ?? words[0] ?? table.columns[0];
  throw new WhereforeError('invalid-argument', 'which column holds the text?', {
    where: table.name,
    got: table.columns.map(({ name }) => name).join(', '),
    fix: `name it: --text ${name}, or text: ${name} in wherefore.yaml`,
  });
}

/** A text on each line. */
async function openLines(path: string, options: DatasetOptions, cache: ReaderCache): Promise<OpenedContents> {
  const ranges = await openRanges(path, 'dataset', { inside: options.inside });
  const records = await findRecords(ranges, new Blocks(ranges, cache), { quoted: false });
  if (records.count === 0) throw new WhereforeError('invalid-data', 'the file holds no text', { where: path });
  return {
    contents: { kind: 'text', texts: (indices) => records.read(indices) },
    length: records.count,
    columns: {},
    describe: (index) => `${basename(path)} line ${index}`,
    fingerprint: (pass) => hashOfRanges(ranges, pass),
    notes: ['each line that is not empty is a text'],
  };
}

/** Arrays with a row for each example, or one array of images. */
async function openArrays(
  path: string,
  ending: string,
  options: DatasetOptions,
  cache: ReaderCache,
): Promise<OpenedContents> {
  const ranges = await openRanges(path, 'dataset', { inside: options.inside });
  const all: TensorFile = tensorFiles[ending]
    ? await tensorFiles[ending](ranges, cache)
    : new Map([['', await idxRows(ranges, cache)]]);
  const arrays = new Map([...all].filter(([name]) => name !== options.label && name !== options.weight));
  const [first] = arrays.values();
  if (!first) throw new WhereforeError('invalid-data', 'the file holds no array of inputs', { where: path });
  const [length] = first.shape;
  for (const [name, { shape }] of all) {
    if (shape.length > 0 && shape[0] === length) continue;
    throw new WhereforeError('wrong-shape', `array "${name}" has another number of rows than the rest`, {
      where: path,
      got: `${shape[0] ?? 'a scalar'}`,
      expected: `${length}`,
      fix: 'write a file with the arrays of the rows alone',
    });
  }
  const isImages = options.kind === 'image' || (options.kind === undefined && all.size === 1 && holdsImages(first));
  if (isImages && !holdsImages(first)) {
    throw new WhereforeError('wrong-shape', 'not an array of images', {
      where: path,
      got: `${first.type} ${first.shape.join('×')}`,
      expected: 'uint8 N×H×W or N×H×W×3',
    });
  }
  return {
    contents: isImages
      ? { kind: 'image', images: pixelRows(first), array: first }
      : { kind: 'tensor', arrays: new Map([...arrays].map(([name, rows]) => [name || 'x', rows])) },
    length,
    columns: {},
    describe: (index) => `${basename(path)} row ${index}`,
    fingerprint: (pass) => hashOfRanges(ranges, pass),
    notes: [],
  };
}

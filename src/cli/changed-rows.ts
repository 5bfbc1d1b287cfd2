import { isFile } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { WhereforeError } from '../errors.ts';
import { applyDecisions, parseDecisions } from '../influence/decisions.ts';
import type { RowChange } from '../influence/retraining/experiment.ts';
import { unknownName } from '../nearest.ts';

/** Options of a command that say what is done to the rows; one of them is given. */
export interface ChangeOptions {
  readonly without?: string;
  readonly only?: string;
  readonly relabel?: string;
  readonly decisions?: string;
}

/** The rows that words name. */
export interface NamedRows {
  readonly ids: readonly string[];
  readonly labels?: Int32Array;
  readonly classes: readonly string[];
}

/** What an option says, as a beginning of a sentence. */
export interface ReadChange {
  readonly change: RowChange;
  readonly words: string;
  readonly notes: readonly string[];
}

type Read = (text: string, rows: NamedRows) => Promise<ReadChange>;

const none: ReadonlyMap<number, number> = new Map();
const counted = (count: number) => (count === 1 ? 'this row' : `these ${count.toLocaleString('en')} rows`);

const readers: { readonly [K in keyof Required<ChangeOptions>]: Read } = {
  async without(text, rows) {
    const { positions, notes } = positionsOf(await namesIn(text), rows, '--without');
    return { change: { dropped: positions, relabelled: none }, words: `Without ${counted(positions.length)}`, notes };
  },
  async only(text, rows) {
    const { positions, notes } = positionsOf(await namesIn(text), rows, '--only');
    const kept = new Set(positions);
    const dropped = rows.ids.flatMap((_, row) => (kept.has(row) ? [] : [row]));
    return { change: { dropped, relabelled: none }, words: `On ${counted(positions.length)} alone`, notes };
  },
  async relabel(path, rows) {
    const pairs = parsePairs(await readText(path, 'dataset'), path);
    const { positions, notes } = positionsOf(
      pairs.map(([id]) => id),
      rows,
      path,
    );
    const { labels } = rows;
    if (!labels) throw new WhereforeError('invalid-data', 'the data have no classes to change', { where: path });
    const relabelled = new Map<number, number>();
    for (const [i, row] of positions.entries()) {
      const [id, label] = pairs[i];
      const k = rows.classes.indexOf(label);
      if (k < 0)
        throw unknownName(`row "${id}" is given a class that there is not:`, label, rows.classes, { where: path });
      if (relabelled.has(row) && relabelled.get(row) !== k)
        throw new WhereforeError('invalid-data', `row "${id}" is given two labels`, { where: path });
      if (k !== labels[row]) relabelled.set(row, k);
    }
    return { change: { dropped: [], relabelled }, words: `With the new labels of ${counted(relabelled.size)}`, notes };
  },
  async decisions(path, rows) {
    const made = parseDecisions(await readText(path, 'document'), path);
    const { labels, kept, dropped, relabelled } = applyDecisions(made, rows.ids, rows.labels, rows.classes, path);
    const change = {
      dropped: rows.ids.flatMap((_, row) => (kept[row] ? [] : [row])),
      relabelled: new Map(
        rows.ids.flatMap((_, row) =>
          labels && rows.labels && labels[row] !== rows.labels[row] ? [[row, labels[row]] as const] : [],
        ),
      ),
    };
    return { change, words: `With the decisions (${relabelled} relabelled, ${dropped} dropped)`, notes: [] };
  },
};

export const changeOptions = Object.keys(readers) as readonly (keyof ChangeOptions)[];

/** @throws WhereforeError `invalid-argument` unless exactly one option is given; `unknown-name` for rows that are not there */
export async function readChange(options: ChangeOptions, rows: NamedRows): Promise<ReadChange> {
  const [name] = changeOptions.filter((one) => options[one] !== undefined);
  return readers[name](options[name] as string, rows);
}

/** Names in a file, one a line (or decisions' `id` in JSON Lines), or names separated by commas. */
async function namesIn(text: string): Promise<string[]> {
  if (!(await isFile(text))) return named(text.split(','));
  const lines = named((await readText(text, 'document')).split('\n'));
  return lines.map((line, i) => (line.startsWith('{') ? idOf(line, `${text}:${i + 1}`) : line));
}

const named = (texts: readonly string[]): string[] => texts.map((text) => text.trim()).filter((text) => text !== '');

function idOf(line: string, where: string): string {
  try {
    const { id } = JSON.parse(line) as { id?: unknown };
    if (typeof id === 'string') return id;
  } catch {
    // Told below, as a line without an id is.
  }
  throw new WhereforeError('invalid-data', 'a line names no row', { where, got: line, expected: '{"id":"…"}' });
}

/** Lines `id,label` or with a tab between them, or `{"id":"…","label":"…"}`. */
function parsePairs(text: string, where: string): [id: string, label: string][] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const fail = () =>
      new WhereforeError('invalid-data', 'a line gives no row a label', {
        where: `${where}:${i + 1}`,
        got: line,
        expected: 'ID,LABEL, ID and LABEL with a tab between them, or {"id":"…","label":"…"}',
      });
    if (line.startsWith('{')) {
      const id = idOf(line, `${where}:${i + 1}`);
      const { label } = JSON.parse(line) as { label?: unknown };
      if (typeof label !== 'string') throw fail();
      return [[id, label] as [string, string]];
    }
    const at = line.includes('\t') ? line.indexOf('\t') : line.lastIndexOf(',');
    const [id, label] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    if (at < 0 || id === '' || label === '') throw fail();
    return i === 0 && /^(id|row)$/i.test(id) && /^label$/i.test(label) ? [] : [[id, label] as [string, string]];
  });
}

/** Positions of rows by their ids or, where no word is an id and all are whole numbers, by their numbers from 0. */
function positionsOf(words: readonly string[], { ids }: NamedRows, where: string) {
  if (words.length === 0) throw new WhereforeError('invalid-data', 'no row is named', { where });
  const known = new Map(ids.map((id, row) => [id, row]));
  const isNumbers = words.every((word) => /^\d+$/.test(word) && !known.has(word));
  const found = isNumbers ? words.map(Number) : words.map((word) => known.get(word));
  const unknown = words.filter((_, i) => found[i] === undefined || (found[i] as number) >= ids.length);
  if (unknown.length > 0)
    throw new WhereforeError('unknown-name', `the data have no such rows: ${unknown.length} of ${words.length} named`, {
      where,
      got: unknown.slice(0, 5).join(', '),
      expected: `ids such as ${ids.slice(0, 2).join(', ')}, or numbers from 0 to ${ids.length - 1}`,
    });
  return {
    positions: found as number[],
    notes: isNumbers ? [`${where}: numbers that are no ids were taken as numbers of rows, from 0`] : [],
  };
}

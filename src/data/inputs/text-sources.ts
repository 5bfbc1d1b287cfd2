import { WhereforeError } from '../../errors.ts';
import { type Column, columnNamed, type Table } from '../formats/table.ts';
import type { TextInput } from '../model/preprocessing.ts';
import { selectedRows } from './row-selection.ts';
import { everyPosition, noSuch } from './source-files.ts';

/** A text and where it comes from. */
export interface FoundText {
  readonly text: string;
  /** What follows the path: `#3`; empty for the whole file. */
  readonly place: string;
  readonly notes: readonly string[];
}

/**
 * The texts of a file: a file with several lines and no empty one between them holds a text on each, another one is a
 * text as a whole. Lines that are named are taken whatever the file looks like.
 * @throws WhereforeError `invalid-argument` for too many lines, `out-of-range` for one that is not there
 */
export function textsOfFile(content: string, selection: string | undefined, where: string): FoundText[] {
  const text = content.replace(/\r\n?/g, '\n').trim();
  const lines = text.split('\n');
  const isList = lines.length > 1 && lines.every((line) => line.trim() !== '');
  if (selection === undefined && !isList) {
    const told = `the ${lines.length} lines are read as one text, as some are empty (${where}#0 is the first line alone, and so on)`;
    return [{ text: content, place: '', notes: lines.length > 1 ? [told] : [] }];
  }
  const filled = lines.filter((line) => line.trim() !== '');
  const positions =
    selection === undefined ? everyPosition(filled.length, where, 'lines') : selectedRows(selection, where);
  const note = `each of the ${filled.length} lines is read as a text of its own (an empty line anywhere makes the file one text)`;
  return positions.map((place) => {
    if (place >= filled.length) throw noSuch(where, place, filled.length);
    return { text: filled[place], place: `#${place}`, notes: [note] };
  });
}

/**
 * The texts in a column of a table.
 * @throws WhereforeError `invalid-argument` where no row is named among many, or nobody says which column holds the text
 */
export function textsOfTable(
  table: Table,
  { path, selection }: { readonly path: string; readonly selection: string | undefined },
  { column: named }: TextInput,
): FoundText[] {
  const column = named === undefined ? textColumn(table, path) : columnNamed(table, named, path);
  const note = `texts are those of column "${column.name}"${named === undefined ? ' (--text-column names another)' : ''}`;
  const positions =
    selection === undefined ? everyPosition(table.rowCount, path, 'rows') : selectedRows(selection, path);
  return positions.map((place) => {
    if (place >= table.rowCount) throw noSuch(path, place, table.rowCount);
    const value = column.values[place];
    if (value === undefined || Number.isNaN(value)) {
      throw new WhereforeError('invalid-data', `column "${column.name}" has no text here`, {
        where: `${path}#${place}`,
      });
    }
    return { text: String(value), place: `#${place}`, notes: [note] };
  });
}

/** Names under which the column of a text is known. */
const textNames = /^(text|sentence|review|comment|content|body|message|document|tweet|question|query|prompt)s?$/i;

/** The column called text, else the only one of free text, else the one of the longest values, several words each. */
function textColumn(table: Table, where: string): Column {
  const words = table.columns.filter(({ kind }) => kind !== 'number');
  const named = words.filter(({ name }) => textNames.test(name));
  if (named.length === 1) return named[0];
  const free = words.filter(({ kind }) => kind === 'text');
  if (free.length === 1) return free[0];
  const spaced = words.filter((column) => meanSpaces(column) >= 2);
  if (spaced.length === 1) return spaced[0];
  throw new WhereforeError('invalid-argument', 'which column holds the text?', {
    where,
    got: table.columns.map(({ name }) => name).join(', '),
    fix: `name it: --text-column ${(spaced[0] ?? words[0] ?? table.columns[0]).name} (column: in wherefore.yaml)`,
  });
}

function meanSpaces({ values }: Column): number {
  const texts = Array.from<unknown>(values).filter((value) => typeof value === 'string');
  return (
    texts.reduce<number>((sum, text) => sum + (text as string).split(/\s+/).length - 1, 0) / Math.max(1, texts.length)
  );
}

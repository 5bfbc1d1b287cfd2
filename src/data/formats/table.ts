import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { mapped } from '../../tensor/filled.ts';

/** Numbers; a missing one is NaN. */
export interface NumberColumn {
  readonly name: string;
  readonly kind: 'number';
  readonly values: Float64Array;
  /** Why the column is taken for this kind. */
  readonly reason: string;
}

/** A category (few different values) or free text; a missing one is undefined. */
export interface TextColumn {
  readonly name: string;
  readonly kind: 'category' | 'text';
  readonly values: readonly (string | undefined)[];
  readonly reason: string;
}

export type Column = NumberColumn | TextColumn;
export type ColumnKind = Column['kind'];

/** Columns of equal length. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rowCount: number;
  /** Where the rows stand in the file, counted from 1, where they are some of it: for messages. */
  readonly rowNumbers?: ArrayLike<number>;
}

/** How a column's kind is found. */
export interface ColumnOptions {
  /** Kinds that are given rather than found: class numbers, for example, are categories. */
  readonly kinds?: Readonly<Record<string, ColumnKind>>;
  /** Texts that stand for a missing value. Default '', NA, N/A, NaN, nan, null, None and ?. */
  readonly missing?: readonly string[];
}

export const missingTexts: readonly string[] = ['', 'NA', 'N/A', 'NaN', 'nan', 'null', 'None', '?'];

const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Whether a text reads as a number. */
export const isNumberText = (text: string): boolean => number.test(text) || /^[+-]?Infinity$/.test(text);

/** A column with more different values than this, and more than one in twenty rows, is text rather than a category. */
const mostCategories = 50;

/** Values of a table that is read: a million rows of twenty columns. */
export const mostCells = 20_000_000;

/** A raw value of a reader: null and undefined are missing. */
export type RawValue = string | number | boolean | null | undefined;

/**
 * Makes a column of raw values. Number: every value that is present reads as one. Category: at most 50 different
 * values, or at most one for twenty rows. Text: anything else.
 * @throws WhereforeError `invalid-data` where a kind that was given does not fit, naming the row.
 */
export function columnOf(name: string, raw: readonly RawValue[], options: ColumnOptions = {}): Column {
  const absent = new Set(options.missing ?? missingTexts);
  const texts = raw.map((value) => {
    if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value))) return undefined;
    const text = String(value);
    return absent.has(text) ? undefined : text;
  });
  const present = texts.filter((text) => text !== undefined);
  const missing = texts.length - present.length;
  const rest = missing ? `, ${missing} missing` : '';
  const given = options.kinds?.[name];
  const different = new Set(present).size;
  const few = different <= Math.max(mostCategories, texts.length / 20);
  const kind = given ?? (present.every(isNumberText) ? 'number' : few ? 'category' : 'text');
  if (kind !== 'number') {
    return { name, kind, values: texts, reason: `${given ? 'given' : `${different} different values`}${rest}` };
  }
  const wrong = texts.findIndex((text) => text !== undefined && !isNumberText(text));
  if (wrong >= 0) {
    throw new WhereforeError('invalid-data', `column "${name}" should hold numbers`, {
      where: `row ${wrong + 1}`,
      got: `"${texts[wrong]}"`,
      fix: 'correct the value, or add it to the texts that mean a missing one',
    });
  }
  const values = new Float64Array(texts.length);
  for (let i = 0; i < values.length; i++) values[i] = texts[i] === undefined ? Number.NaN : Number(texts[i]);
  return {
    name,
    kind,
    values,
    reason: `${given ? 'given' : present.length ? 'all values are numbers' : 'no values'}${rest}`,
  };
}

/** A column by name. @throws WhereforeError `unknown-name` with the nearest name there is. */
export function columnNamed(table: Table, name: string, where?: string): Column {
  const found = table.columns.find((column) => column.name === name);
  if (found) return found;
  const names = table.columns.map((column) => column.name);
  throw unknownName('the table has no column', name, names, { where });
}

/** The table without some columns. @throws WhereforeError `unknown-name`. */
export function withoutColumns(table: Table, names: readonly string[]): Table {
  for (const name of names) columnNamed(table, name);
  return { rowCount: table.rowCount, columns: table.columns.filter((column) => !names.includes(column.name)) };
}

/** Some rows of a table, in the order given. */
export function tableRows(table: Table, indices: ArrayLike<number>): Table {
  const take = Array.from(indices);
  const columns = table.columns.map(
    (column): Column =>
      column.kind === 'number'
        ? { ...column, values: mapped(Float64Array, take, (i) => column.values[i]) }
        : { ...column, values: take.map((i) => column.values[i]) },
  );
  return { rowCount: take.length, columns };
}

/** Refuses a table without columns or rows. */
export function requireRows(table: Table, where: string): Table {
  if (table.rowCount === 0 || table.columns.length === 0) {
    throw new WhereforeError('invalid-data', 'the table is empty', {
      where,
      got: `${table.columns.length} columns, no rows`,
      expected: 'at least one row',
    });
  }
  return table;
}

import type { ColumnValue } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import {
  type Column,
  type ColumnKind,
  type ColumnOptions,
  columnOf,
  isNumberText,
  missingTexts,
  type RawValue,
  type Table,
} from '../formats/table.ts';

/** A column of a file of rows, as far as a sample of its rows tells. */
export interface ColumnInfo {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly reason: string;
}

/** Values of columns as a file has them, each for the same rows. */
export type RawColumns = ReadonlyMap<string, ArrayLike<RawValue | bigint>>;

/** A file of rows and named columns, of which some rows and columns are read at a time. */
export interface TableFile {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly length: number;
  readonly columnNames: readonly string[];
  read(columns: readonly string[], indices: Uint32Array): Promise<RawColumns>;
  /** Kinds that the file states, where its format has types. */
  readonly kinds?: Readonly<Record<string, ColumnKind>>;
}

/** A {@link TableFile} whose columns have kinds. */
export interface TableRows {
  readonly name: string;
  readonly length: number;
  readonly columns: readonly ColumnInfo[];
  /** Some columns of some rows. @throws WhereforeError `invalid-data` for a value that is not of the column's kind */
  read(columns: readonly string[], indices: Uint32Array): Promise<Table>;
  /** The values of one column; those of whole numbers beyond 2⁵³ as text, so that no digit is lost. */
  values(column: string, indices: Uint32Array): Promise<ColumnValue[]>;
  /** @throws WhereforeError `unknown-name` */
  column(name: string): ColumnInfo;
}

/** Rows that the kinds of columns are concluded from, spread evenly over the file. */
const sampled = 1000;

/** Concludes the kinds of the columns that do not state theirs from a sample of rows. */
export async function tableRows(file: TableFile, options: ColumnOptions = {}): Promise<TableRows> {
  const absent = new Set(options.missing ?? missingTexts);
  const sample = spread(file.length);
  const open = file.columnNames.filter((name) => !file.kinds?.[name]);
  const raw = await file.read(open, sample);
  const told = sample.length < file.length ? ` of ${sample.length} rows looked at` : '';
  const columns = file.columnNames.map((name): ColumnInfo => {
    const stated = options.kinds?.[name] ?? file.kinds?.[name];
    if (stated) return { name, kind: stated, reason: options.kinds?.[name] ? 'given' : 'so says the file' };
    const values = Array.from(raw.get(name) as ArrayLike<RawValue | bigint>, plain);
    const { kind, reason } = columnOf(name, values, { missing: options.missing });
    return { name, kind, reason: `${reason}${told}` };
  });
  const column = (name: string): ColumnInfo => {
    const found = columns.find((one) => one.name === name);
    if (found) return found;
    throw unknownName('the data has no column', name, file.columnNames, { where: file.name });
  };
  return {
    name: file.name,
    length: file.length,
    columns,
    column,
    read: async (names, indices) => {
      const kinds = names.map((name) => column(name).kind);
      const found = await file.read(names, indices);
      const typed = names.map((name, c) => {
        const values = found.get(name) as ArrayLike<RawValue | bigint>;
        return kinds[c] === 'number'
          ? numberColumn(name, values, absent, indices, file.name)
          : textColumn(name, kinds[c], values, absent);
      });
      return { columns: typed, rowCount: indices.length, rowNumbers: indices.map((index) => index + 1) };
    },
    values: async (name, indices) => {
      const { kind } = column(name);
      const values = (await file.read([name], indices)).get(name) as ArrayLike<RawValue | bigint>;
      const found = new Array<ColumnValue>(values.length);
      for (let i = 0; i < values.length; i++) found[i] = columnValue(values[i], kind, absent);
      return found;
    },
  };
}

/** Places spread evenly, the first among them. */
function spread(length: number): Uint32Array {
  const count = Math.min(length, sampled);
  const positions = new Uint32Array(count);
  for (let i = 0; i < count; i++) positions[i] = Math.floor((i * length) / count);
  return positions;
}

/** A number that holds each digit, else the text. */
const plain = (value: RawValue | bigint): RawValue => (typeof value === 'bigint' ? String(value) : value);

function isMissing(value: RawValue | bigint, absent: ReadonlySet<string>): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'number' && Number.isNaN(value)) ||
    (typeof value === 'string' && absent.has(value))
  );
}

function columnValue(value: RawValue | bigint, kind: ColumnKind, absent: ReadonlySet<string>): ColumnValue {
  if (isMissing(value, absent)) return undefined;
  if (kind !== 'number') return String(value);
  const number = Number(value);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? String(value) : number;
}

function numberColumn(
  name: string,
  values: ArrayLike<RawValue | bigint>,
  absent: ReadonlySet<string>,
  indices: Uint32Array,
  where: string,
): Column {
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') numbers[i] = value;
    else if (isMissing(value, absent)) numbers[i] = Number.NaN;
    else if (typeof value === 'bigint' || typeof value === 'boolean' || isNumberText(value as string))
      numbers[i] = Number(value);
    else {
      throw new WhereforeError('invalid-data', `column "${name}" should hold numbers`, {
        where: `${where}, row ${indices[i]}`,
        got: `"${value}"`,
        fix: `correct the value, or state that the column holds a category (kinds: { ${name}: category })`,
      });
    }
  }
  return { name, kind: 'number', values: numbers, reason: '' };
}

function textColumn(
  name: string,
  kind: 'category' | 'text',
  values: ArrayLike<RawValue | bigint>,
  absent: ReadonlySet<string>,
): Column {
  const texts = new Array<string | undefined>(values.length);
  for (let i = 0; i < values.length; i++) texts[i] = isMissing(values[i], absent) ? undefined : String(values[i]);
  return { name, kind, values: texts, reason: '' };
}

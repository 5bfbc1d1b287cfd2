import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type Column, columnNamed, type Table } from '../formats/table.ts';
import type { TableInput } from '../model/preprocessing.ts';

type Encoding = TableInput['columns'][number];

/** One number of a model's input row and the column that it comes from. */
export interface Feature {
  /** The column's name; `column=category` for one-hot. */
  readonly name: string;
  readonly column: string;
}

/** The features of a row, in the model's order: names for explanations, columns to add one-hot features up. */
export function featuresOf(input: TableInput): Feature[] {
  return input.columns.flatMap((encoding) =>
    encoding.encode === 'onehot'
      ? encoding.categories.map((category) => ({ name: `${encoding.name}=${category}`, column: encoding.name }))
      : [{ name: encoding.name, column: encoding.name }],
  );
}

/**
 * Rows of a table as a model's input: rows × features, float32; strings where every column is encoded as text.
 * @param indices Which rows, in which order. Default all.
 * @throws WhereforeError `unknown-name` for a column that the table lacks; `invalid-data` for a missing value or an
 * unknown category that the preprocessing does not allow, with row and column; `wrong-type` for text as a number.
 */
export function tableTensor(
  table: Table,
  input: TableInput,
  indices?: ArrayLike<number>,
): Tensor<'float32'> | Tensor<'string'> {
  const rows = indices ? Array.from(indices) : Array.from({ length: table.rowCount }, (_, i) => i);
  const bad = rows.find((row) => !(row >= 0 && row < table.rowCount));
  if (bad !== undefined) {
    throw new WhereforeError('out-of-range', 'the table has no such row', {
      got: `row ${bad}`,
      expected: `0 to ${table.rowCount - 1}`,
    });
  }
  const columns = input.columns.map((encoding) => columnNamed(table, encoding.name));
  const width = featuresOf(input).length;
  if (input.columns.some(({ encode }) => encode === 'text')) {
    if (!input.columns.every(({ encode }) => encode === 'text')) {
      throw new WhereforeError('invalid-argument', 'an input tensor holds either numbers or texts', {
        got: 'columns of both',
        fix: 'encode all columns of this input as text, or none',
      });
    }
    const texts = rows.flatMap((row) =>
      columns.map((column, c) => textAt(column, input.columns[c], row, table.rowNumbers)),
    );
    return tensor('string', [rows.length, width], texts);
  }
  const values = new Float32Array(rows.length * width);
  let at = 0;
  for (const [c, encoding] of input.columns.entries()) {
    for (const [i, row] of rows.entries()) encode(values, i * width + at, columns[c], encoding, row, table.rowNumbers);
    at += encoding.encode === 'onehot' ? encoding.categories.length : 1;
  }
  return float32([rows.length, width], values);
}

/** Where the rows of a table stand in its file, counted from 1. */
type RowNumbers = Table['rowNumbers'];

function encode(
  values: Float32Array,
  at: number,
  column: Column,
  encoding: Encoding,
  row: number,
  numbers: RowNumbers,
): void {
  if (encoding.encode === 'number') {
    if (column.kind !== 'number') {
      throw new WhereforeError(
        'wrong-type',
        `column "${column.name}" is encoded as a number but holds ${column.kind}`,
        {
          got: `"${column.values[row]}"`,
          fix: 'encode it as ordinal or onehot',
        },
      );
    }
    const value = column.values[row];
    const kept =
      Number.isNaN(value) && encoding.missing !== 'keep' ? Number(filled(column, encoding, row, numbers)) : value;
    values[at] = (kept - encoding.mean) / encoding.std;
    return;
  }
  if (encoding.encode === 'text') return;
  const text = textAt(column, encoding, row, numbers);
  const index = placeOf(text, encoding.categories);
  if (index >= 0) values[encoding.encode === 'onehot' ? at + index : at] = encoding.encode === 'onehot' ? 1 : index;
  else if (encoding.unknown !== 'zeros' || encoding.encode !== 'onehot') {
    throw new WhereforeError('invalid-data', `column "${column.name}" holds a category that the model does not know`, {
      where: `row ${numbers?.[row] ?? row + 1}`,
      got: `"${text}"`,
      guess: nearest(text, encoding.categories),
      expected: encoding.categories.slice(0, 20).join(', '),
      fix: 'correct the value, or set unknown: zeros',
    });
  }
}

/** Whether a row lacks a value that nothing is put in place of. */
export function lacksValues(table: Table, { columns }: TableInput, row: number): boolean {
  return columns.some((encoding) => {
    const value = columnNamed(table, encoding.name).values[row];
    return (value === undefined || Number.isNaN(value)) && typeof encoding.missing !== 'object';
  });
}

/** What a row holds that the model was not trained with, and that it is therefore given as none of its categories. */
export function unknownCategories(table: Table, { columns }: TableInput, row: number): string[] {
  return columns.flatMap((encoding) => {
    if (encoding.encode !== 'onehot' || encoding.unknown !== 'zeros') return [];
    const text = textAt(columnNamed(table, encoding.name), encoding, row, table.rowNumbers);
    if (placeOf(text, encoding.categories) >= 0 || text === filledText(encoding)) return [];
    return [
      `column "${encoding.name}" holds "${text}", which the model does not know: taken as none of its categories`,
    ];
  });
}

/** The place of a category; `1.0` is the category `1`. */
function placeOf(text: string, categories: readonly string[]): number {
  const place = categories.indexOf(text);
  if (place >= 0 || text.trim() === '' || Number.isNaN(Number(text))) return place;
  return categories.findIndex((category) => category.trim() !== '' && Number(category) === Number(text));
}

/** What a missing value is filled with, where that is meant to be none of the categories. */
const filledText = ({ missing }: Encoding) => (typeof missing === 'object' ? String(missing.fill) : undefined);

function textAt(column: Column, encoding: Encoding, row: number, numbers: RowNumbers): string {
  const value = column.values[row];
  return value === undefined || Number.isNaN(value) ? String(filled(column, encoding, row, numbers)) : String(value);
}

function filled(column: Column, encoding: Encoding, row: number, numbers: RowNumbers): number | string {
  if (typeof encoding.missing === 'object') return encoding.missing.fill;
  throw new WhereforeError('invalid-data', `column "${column.name}" has a missing value`, {
    where: `row ${numbers?.[row] ?? row + 1}`,
    fix: 'fill the value in, leave the row out, or set missing: { fill: … } for the column (missing: keep for a model that handles missing values)',
  });
}

/**
 * A table preprocessing made from data: numbers standardised by their mean and standard deviation (n in the
 * denominator; 1 for a constant column) with the mean for missing values, categories one-hot in sorted order. Text
 * columns are left out; `notes` names them and every decision that the data did not force.
 */
export function tableInputFor(table: Table): { input: TableInput; notes: string[] } {
  const notes: string[] = [];
  const columns: Encoding[] = [];
  for (const column of table.columns) {
    if (column.kind === 'number') {
      const present = column.values.filter((value) => !Number.isNaN(value));
      const count = present.length || 1;
      const mean = present.reduce((sum, value) => sum + value, 0) / count;
      const deviation = Math.sqrt(present.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
      const missing = present.length < column.values.length;
      if (missing) notes.push(`column "${column.name}": missing values become the mean, ${mean}`);
      if (deviation === 0) notes.push(`column "${column.name}" is constant`);
      columns.push({
        name: column.name,
        encode: 'number',
        mean,
        std: deviation || 1,
        missing: missing ? { fill: mean } : 'refuse',
      });
    } else if (column.kind === 'text') {
      notes.push(`column "${column.name}" left out: text with too many different values`);
    } else {
      const present = column.values.filter((value) => value !== undefined);
      const missing = present.length < column.values.length;
      const categories = [...new Set(present)].sort();
      if (missing) {
        if (!categories.includes('missing')) categories.push('missing');
        notes.push(`column "${column.name}": missing values are a category of their own, "missing"`);
      }
      columns.push({
        name: column.name,
        encode: 'onehot',
        categories,
        missing: missing ? { fill: 'missing' } : 'refuse',
        unknown: 'refuse',
      });
    }
  }
  return { input: { kind: 'table', columns }, notes };
}

import { WhereforeError } from '../../errors.ts';
import { rows as rowsOf, type Tensor } from '../../tensor/tensor.ts';
import { type Column, type ColumnKind, columnNamed, type Table } from '../formats/table.ts';
import type { Preprocessing, TableInput } from '../model/preprocessing.ts';
import type { FeatureGroups, ModelInput } from './model-input.ts';
import { selectedRows } from './row-selection.ts';
import { featuresOf, lacksValues, tableTensor, unknownCategories } from './table-input.ts';

type Encoding = TableInput['columns'][number];

/** The input of a model that takes rows of a table, and how such a table is read. */
export interface TableInputOf {
  readonly name: string;
  readonly input: TableInput;
  readonly reading: { readonly kinds: Readonly<Record<string, ColumnKind>>; readonly header: boolean };
}

const unnamedColumn = /^column \d+$/;

/** @throws WhereforeError `invalid-argument` where the model does not say how a row becomes its input */
export function tableOf(path: string, preprocessing: Preprocessing): TableInputOf {
  const described = Object.entries(preprocessing.inputs).filter(([, input]) => input.kind === 'table');
  if (described.length !== 1 || described[0][1].kind !== 'table') {
    throw new WhereforeError('invalid-argument', 'the model does not say how a row becomes its input', {
      where: path,
      fix: 'describe the columns in a wherefore.yaml beside the model (inputs: … kind: table)',
    });
  }
  const [name, input] = described[0];
  // Class numbers and codes read as numbers; the preprocessing knows better.
  const kinds = Object.fromEntries(
    input.columns.filter(({ encode }) => encode !== 'number').map(({ name }) => [name, 'category'] as const),
  );
  // A file without a header is described by the numbers of its columns.
  const header = !input.columns.every(({ name }) => unnamedColumn.test(name));
  return { name, input, reading: { kinds, header } };
}

/** The rows that a selection names. @throws WhereforeError `invalid-argument` where there are several and none is named */
export function rowsNamed(table: Table, path: string, selection: string | undefined): readonly number[] {
  if (!selection && table.rowCount > 1) {
    throw new WhereforeError('invalid-argument', 'which row is to be explained?', {
      where: path,
      got: `${table.rowCount} rows`,
      fix: `name one or several: ${path}#0 or ${path}#0-9 or ${path}#3,17 (in a command also --row 3)`,
    });
  }
  return selection ? selectedRows(selection, path) : [0];
}

/** Rows of a table as inputs of a model, each with what it takes to show it to a person. */
export function rowsAsInputs(
  { table, name, input }: Pick<TableInputOf, 'name' | 'input'> & { readonly table: Table },
  path: string,
  { indices, ...shared }: { readonly indices: readonly number[] } & Pick<ModelInput, 'hash' | 'sample'>,
): ModelInput[] {
  const tensor: Tensor = tableTensor(table, input, indices);
  return indices.map((row, i) => ({
    ...shared,
    source: `${path}#${row}`,
    tensors: new Map([[name, rowsOf(tensor, i, i + 1)]]),
    layout: {},
    features: describeRow(table, input, row),
    groups: groupsOf(table, input, row),
    notes: unknownCategories(table, input, row),
  }));
}

/** Rows as a sample of what is usual; undefined where every row lacks a value. */
export function typicalRows(
  table: Table,
  input: TableInput,
  name: string,
  indices: readonly number[],
  path: string,
): ModelInput['sample'] {
  const file = path.split(/[\\/]/).pop() as string;
  const whole = indices.filter((row) => !lacksValues(table, input, row));
  if (whole.length === 0) return undefined;
  const left = indices.length - whole.length;
  const leftOut = left > 0 ? ` (${left} with missing values left out)` : '';
  return {
    tensors: new Map([[name, tableTensor(table, input, whole) as Tensor]]),
    description: `${whole.length === 1 ? 'another row' : `the average over ${whole.length} rows`} of ${file}${leftOut}`,
    texts: input.columns.map((encoding) => typicalText(columnNamed(table, encoding.name), encoding, whole)),
  };
}

/** Names and written values of the features of a row, in the model's order. */
function describeRow(table: Table, input: TableInput, row: number): NonNullable<ModelInput['features']> {
  const features = featuresOf(input);
  const texts = new Map(
    input.columns.map((encoding) => [encoding.name, writtenValue(columnNamed(table, encoding.name), encoding, row)]),
  );
  return {
    names: features.map(({ name }) => name),
    texts: features.map(({ column }) => texts.get(column) as string),
  };
}

/** The columns that features come from: a category of many features is one thing to a person. */
function groupsOf(table: Table, input: TableInput, row: number): FeatureGroups {
  const of = input.columns.flatMap((encoding, group) =>
    Array.from({ length: encoding.encode === 'onehot' ? encoding.categories.length : 1 }, () => group),
  );
  return {
    kind: 'columns',
    of,
    names: input.columns.map((encoding) => encoding.title ?? encoding.name),
    texts: input.columns.map((encoding) => writtenValue(columnNamed(table, encoding.name), encoding, row)),
  };
}

function writtenValue(column: Column, encoding: Encoding, row: number): string {
  const value = column.values[row];
  if (value === undefined || Number.isNaN(value)) {
    const fill = typeof encoding.missing === 'object' ? encoding.missing.fill : undefined;
    return fill === undefined || fill === 'missing' ? 'missing' : `missing, taken as ${written(fill, encoding)}`;
  }
  return written(value, encoding);
}

/** A value as a person reads it: logarithms undone, thousands grouped, the unit beside it. */
function written(value: number | string, encoding: Encoding): string {
  const { unit } = encoding;
  let text = String(value);
  if (typeof value === 'number' && encoding.encode === 'number') {
    const number = encoding.log10 ? 10 ** value : value;
    // Years keep their four digits together.
    text = number.toLocaleString('en', {
      maximumSignificantDigits: encoding.log10 ? 4 : 6,
      useGrouping: unit !== undefined || Math.abs(number) >= 10_000,
    });
  }
  if (!unit) return text;
  return /^\p{Sc}$/u.test(unit) ? `${unit}${text}` : unit === '%' ? `${text}%` : `${text} ${unit}`;
}

/** What is usual in a column: the median of numbers, the most frequent category with its share. */
function typicalText(column: Column, encoding: Encoding, indices: readonly number[]): string {
  if (column.kind === 'number') {
    const values = indices.map((i) => column.values[i]).filter((value) => !Number.isNaN(value));
    if (values.length === 0) return 'missing';
    values.sort((a, b) => a - b);
    const middle = values.length >> 1;
    const median = values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return `median ${written(median, encoding)}`;
  }
  const counts = new Map<string, number>();
  for (const i of indices) {
    const value = column.values[i] ?? 'missing';
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const [[most, count]] = [...counts].sort(([, a], [, b]) => b - a);
  return `mostly ${written(most, encoding)} (${Math.round((100 * count) / indices.length)}%)`;
}

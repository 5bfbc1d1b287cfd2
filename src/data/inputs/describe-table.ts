import { WhereforeError } from '../../errors.ts';
import { type Column, columnNamed, type Table } from '../formats/table.ts';
import type { PreprocessingText } from '../model/preprocessing.ts';

type TableText = Extract<NonNullable<PreprocessingText['inputs']>[string], { kind: 'table' }>;
type ColumnText = TableText['columns'][number];

/** The input of a model that takes rows. */
export interface RowInput {
  readonly name: string;
  /** Numbers that it takes for a row; undefined where the graph leaves that open. */
  readonly width: number | undefined;
  /** Whether a missing value may reach it: trees and imputers handle one themselves. */
  readonly takesMissing: boolean;
  /** Whether the graph scales its input itself, or does not care about scale (trees). */
  readonly takesRaw: boolean;
}

/** How rows of a table become an input of a model, concluded from the values of the table and the width of the input. */
export interface DescribedTable {
  readonly input: TableText;
  /** The column that is to be predicted, which is no feature; undefined where none looks like it. */
  readonly target: string | undefined;
  /** What was concluded, and from what. */
  readonly found: readonly string[];
  /** What nobody but the model's author can know. */
  readonly unknown: readonly string[];
}

/** A way to turn categories into numbers. */
interface Encoding {
  readonly says: string;
  /** The columns as features; undefined where this way is none for one of them. */
  columns(columns: readonly Column[], input: RowInput): ColumnText[] | undefined;
}

/** Ways to encode categories, the commonest first. */
const encodings: readonly Encoding[] = [
  { says: 'numbers as they are', columns: (all, input) => every(all, (column) => numberText(column, input)) },
  { says: 'one feature a category', columns: encoded((column) => oneHot(column, categoriesOf(column))) },
  {
    says: 'one feature a category, missing values as a category of their own',
    columns: encoded((column) => oneHot(column, categoriesOf(column), 'missing')),
  },
  {
    says: 'one feature a category but the first',
    columns: encoded((column) => oneHot(column, categoriesOf(column).slice(1))),
  },
  { says: 'the number of each category', columns: encoded((column) => ordinal(column)) },
  {
    says: 'one feature a category, whole numbers of few values included',
    columns: (all, input) =>
      every(all, (column) =>
        isCode(column) || column.kind === 'category' ? oneHot(column, categoriesOf(column)) : numberText(column, input),
      ),
  },
];

function encoded(category: (column: Column) => ColumnText) {
  return (all: readonly Column[], input: RowInput) =>
    every(all, (column) => (column.kind === 'category' ? category(column) : numberText(column, input)));
}

function every(columns: readonly Column[], text: (column: Column) => ColumnText | undefined): ColumnText[] | undefined {
  const texts = columns.map(text);
  return texts.every((one) => one !== undefined) ? (texts as ColumnText[]) : undefined;
}

/**
 * Finds the columns and encodings that give a row as many numbers as a model takes: all columns, without the one that
 * looks like the target, without those that number the rows, numbers alone, at last without one other column.
 * @throws WhereforeError `invalid-data` where none does, with what each column could be
 */
export function describeTable(table: Table, input: RowInput, where: string): DescribedTable {
  const usable = table.columns.filter(({ kind }) => kind !== 'text');
  const targets = targetsIn(usable);
  const ids = usable.filter(isCounter);
  const categories = usable.filter(({ kind }) => kind === 'category');
  const left: readonly (readonly Column[])[] = [
    ...targets.flatMap((target) => [[target, ...ids], [target]]),
    ids,
    [],
    // Numbers alone that fit are likelier than a category in the place of one of them.
    ...(categories.length > 0 ? targets.slice(0, 1).map((target) => [target, ...ids, ...categories]) : []),
    ...(categories.length > 0 ? [[...ids, ...categories]] : []),
    ...usable.flatMap((column) => (targets[0] && column !== targets[0] ? [[targets[0], column]] : [])),
  ];
  // Numbers that stand for categories are thought of last: few values make nearly every width.
  const [first] = [encodings.slice(0, -1), encodings.slice(-1)]
    .flatMap((ways) => left.map((out) => fittingOf(usable, out, ways, input)))
    .filter((fitting) => fitting.length > 0);
  const [best, ...others] = first ?? [];
  if (!best) throw noFit(table, input, targets[0], where);
  const target = best.out.find((column) => targets.includes(column))?.name;
  return {
    input: { kind: 'table', columns: [...best.columns] },
    target,
    found: foundText(table, input, best, target),
    unknown: unknownText(
      table,
      best.columns,
      input,
      others
        .filter(({ columns }) => JSON.stringify(columns) !== JSON.stringify(best.columns))
        .map(({ encoding }) => encoding.says),
    ),
  };
}

/** Columns and an encoding that fit the width of an input. */
interface Fitting {
  readonly out: readonly Column[];
  readonly encoding: Encoding;
  readonly columns: readonly ColumnText[];
}

function fittingOf(
  usable: readonly Column[],
  out: readonly Column[],
  ways: readonly Encoding[],
  input: RowInput,
): Fitting[] {
  const kept = usable.filter((column) => !out.includes(column));
  return ways.flatMap((encoding) => {
    const columns = encoding.columns(kept, input);
    const fits = columns?.length && (input.width === undefined || widthOf(columns) === input.width);
    return fits ? [{ out, encoding, columns }] : [];
  });
}

/** Names under which the column to be predicted is known; else the last column counts where it has few values. */
const targetNames =
  /^(target|label|class|y|outcome|output|response|survived|default|approved|churn|.*_(target|label|class|approval))$/i;

function targetsIn(columns: readonly Column[]): Column[] {
  const named = columns.filter(({ name }) => targetNames.test(name));
  const last = columns.at(-1);
  return last && !named.includes(last) ? [...named, last] : named;
}

/** A column that numbers or names the rows. */
function isCounter({ name, kind, values }: Column): boolean {
  if (!/^(id|index|row|key|unnamed: ?0|column 1|.*_id)$/i.test(name) || kind === 'category') return false;
  return new Set<unknown>(values).size === values.length;
}

/** A whole number of few values may stand for a category. */
function isCode({ kind, values }: Column): boolean {
  if (kind !== 'number') return false;
  const different = new Set(values as Float64Array);
  return different.size <= 20 && [...different].every((value) => Number.isInteger(value) || Number.isNaN(value));
}

/** Values that are there, in the order of scikit-learn and pandas: numbers by size, texts by letter. */
function categoriesOf({ kind, values }: Column): string[] {
  if (kind === 'number') {
    const different = new Set((values as Float64Array).filter((value) => !Number.isNaN(value)));
    return [...different].sort((a, b) => a - b).map(String);
  }
  return [...new Set((values as readonly (string | undefined)[]).filter((value) => value !== undefined))].sort();
}

const missingIn = ({ values }: Column) =>
  (values as readonly unknown[]).length -
  Array.from<unknown>(values).filter((value) => value !== undefined && !Number.isNaN(value)).length;

function numberText(column: Column, { takesMissing }: RowInput): ColumnText | undefined {
  if (column.kind !== 'number') return undefined;
  const text = { name: column.name, encode: 'number' } as const;
  if (missingIn(column) === 0) return text;
  return { ...text, missing: takesMissing ? 'keep' : { fill: median(column.values) } };
}

function oneHot(column: Column, categories: string[], missing?: string): ColumnText {
  const gaps = missingIn(column) > 0;
  const all = gaps && missing ? [...categories, missing] : categories;
  return {
    name: column.name,
    encode: 'onehot',
    categories: all.length > 0 ? all : ['missing'],
    unknown: 'zeros',
    ...(gaps ? { missing: missing ? { fill: missing } : { fill: 'missing' } } : {}),
  };
}

function ordinal(column: Column): ColumnText {
  const categories = categoriesOf(column);
  const gaps = missingIn(column) > 0;
  return {
    name: column.name,
    encode: 'ordinal',
    categories: gaps ? [...categories, 'missing'] : categories,
    ...(gaps ? { missing: { fill: 'missing' } } : {}),
  };
}

function median(values: Float64Array): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function widthOf(columns: readonly ColumnText[]): number {
  return columns.reduce((sum, column) => sum + (column.encode === 'onehot' ? column.categories.length : 1), 0);
}

function foundText(
  table: Table,
  { width, name }: RowInput,
  {
    out,
    encoding,
    columns,
  }: { readonly out: readonly Column[]; readonly encoding: Encoding; readonly columns: readonly ColumnText[] },
  target: string | undefined,
): string[] {
  const numbers = columns.filter(({ encode }) => encode === 'number').length;
  const fits = width === undefined ? 'the model does not say how many numbers it takes' : `as "${name}" takes`;
  const texts = table.columns.filter(({ kind }) => kind === 'text').map((column) => column.name);
  const others = out.map((column) => column.name).filter((column) => column !== target);
  return [
    `columns of numbers: ${numbers}, of categories: ${columns.length - numbers}; a row becomes ${widthOf(columns)} numbers, ${fits} (${encoding.says})`,
    ...(target === undefined ? [] : [`"${target}" is taken for what is predicted, and is no feature`]),
    ...(others.length ? [`left out so that the width fits: ${others.join(', ')}`] : []),
    ...(texts.length ? [`left out, free text: ${texts.join(', ')}`] : []),
  ];
}

function unknownText(
  table: Table,
  columns: readonly ColumnText[],
  { takesRaw, takesMissing }: RowInput,
  others: readonly string[],
): string[] {
  const filled = columns.filter(({ encode, missing }) => encode === 'number' && missing !== undefined);
  return [
    'the order of the features: taken from the file',
    ...(columns.some(({ encode }) => encode !== 'number')
      ? [
          'the order of the categories, and those that this file does not hold: sorted; others become zeros or are refused',
        ]
      : []),
    ...(takesRaw
      ? []
      : [
          `whether the model was trained on scaled numbers: they are given as they are; set mean and std if it was (in this file: ${scalesOf(table, columns)})`,
        ]),
    ...(filled.length && !takesMissing
      ? [
          `what missing values became in training: filled with the median of this file (${filled.map(({ name }) => name).join(', ')})`,
        ]
      : []),
    ...(others.length
      ? [`whether categories are encoded in another way that has the same width: ${others.join('; ')}`]
      : []),
  ];
}

/** Mean and standard deviation of each column of numbers, as `wherefore.yaml` takes them. */
function scalesOf(table: Table, columns: readonly ColumnText[]): string {
  const short = (value: number) => Number(value.toPrecision(4));
  return columns
    .filter(({ encode }) => encode === 'number')
    .map(({ name }) => {
      const values = (columnNamed(table, name).values as Float64Array).filter((value) => !Number.isNaN(value));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return `${name} mean ${short(mean)}, std ${short(Math.sqrt(variance))}`;
    })
    .join('; ');
}

function noFit(table: Table, { name, width }: RowInput, target: Column | undefined, where: string): WhereforeError {
  const parts = table.columns.map((column) => {
    if (column === target) return `${column.name}: target?`;
    if (column.kind === 'number') return `${column.name}: 1`;
    return column.kind === 'text' ? `${column.name}: text` : `${column.name}: 1 or ${categoriesOf(column).length}`;
  });
  return new WhereforeError('invalid-data', 'the columns do not give as many numbers as the model takes', {
    where,
    got: parts.length > 30 ? `${parts.slice(0, 30).join(', ')}, …` : parts.join(', '),
    expected: `${width} for "${name}"`,
    fix: 'give the table as the model was trained with, or list the columns in a wherefore.yaml by hand (docs/preprocessing.md)',
  });
}

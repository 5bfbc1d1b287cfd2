import type { ColumnValue } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';

/** What a slice is chosen by. */
export interface SliceFacts {
  /** Rows that are chosen from. */
  readonly rows: number;
  /** Names of the classes by number. */
  readonly classes: readonly string[];
  /** Classes of the rows; absent where they are not known. */
  readonly labels?: ArrayLike<number>;
  /** Classes that the model predicts. */
  readonly predicted: ArrayLike<number>;
  /** Probability of the predicted class. */
  readonly confidence: ArrayLike<number>;
  /** −log of the probability of the label; absent without labels. */
  readonly losses?: ArrayLike<number>;
  /** Columns of the data. */
  readonly columns: readonly string[];
  /** Values of a column, of all rows. */
  column(name: string): Promise<readonly ColumnValue[]>;
}

const relations = {
  '!=': (found: ColumnValue, value: string) => !isEqual(found, value),
  '<=': (found: ColumnValue, value: string) => numberOf(found) <= Number(value),
  '>=': (found: ColumnValue, value: string) => numberOf(found) >= Number(value),
  '=': isEqual,
  '<': (found: ColumnValue, value: string) => numberOf(found) < Number(value),
  '>': (found: ColumnValue, value: string) => numberOf(found) > Number(value),
} as const;

type Relation = keyof typeof relations;

/** One condition of a slice, as `age >= 40`. */
interface Condition {
  readonly text: string;
  readonly name: string;
  readonly relation: Relation;
  readonly value: string;
}

/** What the model says of a row, by the word that asks for it. */
const said: Readonly<
  Record<string, { readonly needsLabels: boolean; readonly of: (facts: SliceFacts, row: number) => ColumnValue }>
> = {
  label: { needsLabels: true, of: ({ labels, classes }, i) => classes[labels?.[i] ?? -1] },
  predicted: { needsLabels: false, of: ({ predicted, classes }, i) => classes[predicted[i]] },
  confidence: { needsLabels: false, of: ({ confidence }, i) => confidence[i] },
  loss: { needsLabels: true, of: ({ losses }, i) => losses?.[i] },
};

/** Conditions without a value. */
const short: Readonly<Record<string, (facts: SliceFacts, row: number) => boolean>> = {
  wrong: ({ labels, predicted }, i) => predicted[i] !== labels?.[i],
  right: ({ labels, predicted }, i) => predicted[i] === labels?.[i],
};

const expected =
  'COLUMN=VALUE, also !=, <, <=, >, >=; label, predicted, confidence, loss; wrong, right; joined by " and "';

/**
 * The rows of a slice: `sex = Female and age >= 40`, `predicted = Coat and wrong`. Conditions are about a column, about
 * what the model says (`predicted`, `confidence`, its probability, `loss`) and the label (`label`, `wrong`, `right`), and
 * all of them hold. A column that is called like one of these words is `column:loss`. A missing value equals nothing but
 * the empty text.
 * @returns positions, rising; at least one
 * @throws WhereforeError `invalid-argument` for a filter that cannot be read or asks for labels that there are not;
 *   `unknown-name` for a column or a class; `invalid-data` where no row is in the slice
 */
export async function sliceRows(filter: string, facts: SliceFacts): Promise<number[]> {
  let rows = Array.from({ length: facts.rows }, (_, i) => i);
  const seen: string[] = [];
  for (const text of filter.split(/\s+and(?=\s|$)/i).map((part) => part.trim())) {
    const holds = await conditionOf(text, filter, facts);
    const kept = rows.filter((row) => holds(row));
    seen.push(`${text}: ${kept.length}`);
    rows = kept;
  }
  if (rows.length > 0) return rows;
  throw new WhereforeError('invalid-data', 'no row is in the slice', {
    where: filter,
    got: `rows left, condition by condition, of ${facts.rows}: ${seen.join(', ')}`,
    fix: 'loosen a condition, or look at the values of the column',
  });
}

async function conditionOf(text: string, where: string, facts: SliceFacts): Promise<(row: number) => boolean> {
  const isOwn = (name: string) => Object.hasOwn(short, name) || Object.hasOwn(said, name);
  if (Object.hasOwn(short, text)) {
    checkLabels(text, where, facts);
    return (row) => short[text](facts, row);
  }
  const { name, relation, value } = parsed(text, where);
  const holds = relations[relation];
  if (Object.hasOwn(said, name)) {
    if (said[name].needsLabels) checkLabels(name, where, facts);
    if (name === 'label' || name === 'predicted') checkClass(value, facts.classes);
    return (row) => holds(said[name].of(facts, row), value);
  }
  const column = name.startsWith('column:') ? name.slice('column:'.length) : name;
  if (!facts.columns.includes(column))
    throw unknownName('the data has no column', column, [...facts.columns, ...Object.keys(said).filter(isOwn)], {
      where,
    });
  const values = await facts.column(column);
  return (row) => holds(values[row], value);
}

function parsed(text: string, where: string): Condition {
  const found = /^([^=!<>]+?)\s*(!=|<=|>=|=|<|>)\s*(.*)$/s.exec(text);
  const fail = (got: string) =>
    new WhereforeError('invalid-argument', 'a slice cannot be read', { where, got, expected });
  if (!found) throw fail(text === '' ? 'nothing' : text);
  const [, name, relation, value] = found;
  const isOrder = relation !== '=' && relation !== '!=';
  if (isOrder && (value === '' || !Number.isFinite(Number(value)))) throw fail(`${text}: ${value} is no number`);
  return { text, name, relation: relation as Relation, value };
}

function checkLabels(word: string, where: string, { labels }: SliceFacts): void {
  if (labels) return;
  throw new WhereforeError('invalid-argument', `"${word}" asks for the labels of the rows, which are not known`, {
    where,
    fix: 'name the column of labels (--label), or a file with them (--from-labels)',
  });
}

function checkClass(name: string, classes: readonly string[]): void {
  if (!classes.includes(name)) throw unknownName('there is no class', name, classes);
}

function isEqual(found: ColumnValue, value: string): boolean {
  if (typeof found === 'number') return value !== '' && Number(value) === found;
  return (found ?? '') === value;
}

/** A number, also where a file holds it as text; what is none is in no order. */
const numberOf = (found: ColumnValue): number => (found === undefined || found === '' ? Number.NaN : Number(found));

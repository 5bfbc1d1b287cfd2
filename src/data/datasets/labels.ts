import type { ColumnValue } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';

/** Labels of all rows. */
export interface Labels {
  readonly labels: Tensor;
  readonly classes?: readonly string[];
  /** How they were made, where more than one way was open. */
  readonly notes: readonly string[];
}

export interface LabelOptions {
  readonly labelKind?: 'class' | 'value';
  readonly classes?: readonly string[];
  /** Classes of the model, which are taken where all labels are among them. */
  readonly modelClasses?: readonly string[];
  /** What they are called in messages: `people.csv, column "income"`. */
  readonly where: string;
}

/** Numbers of more different values than these are values rather than classes. */
const mostClassNumbers = 50;

/**
 * Labels out of values. Texts become class numbers, in the order of the classes that are given or of the model, else in
 * alphabetical order; whole numbers from 0 of at most 50 kinds are class numbers, other numbers values.
 * @throws WhereforeError `invalid-data` for a missing label, or values as classes; `unknown-name` for a label that is none
 *   of the classes
 */
export function labelsOf(values: readonly ColumnValue[], options: LabelOptions): Labels {
  const { where, labelKind } = options;
  const gap = values.indexOf(undefined);
  if (gap >= 0) {
    throw new WhereforeError('invalid-data', 'a row has no label', {
      where: `${where}, row ${gap}`,
      fix: 'fill it in, or leave the row out',
    });
  }
  const isNumeric = values.every((value) => typeof value === 'number');
  if (!isNumeric && labelKind === 'value') {
    const row = values.findIndex((value) => typeof value !== 'number');
    throw new WhereforeError('invalid-data', 'a label is no number', {
      where: `${where}, row ${row}`,
      got: `"${values[row]}"`,
      fix: 'correct it, or take the labels for classes',
    });
  }
  if (!isNumeric) return namedClasses(values.map(String), options);
  const numbers = values as readonly number[];
  const isWhole = numbers.every((value) => Number.isInteger(value) && value >= 0);
  const few = new Set(numbers).size <= mostClassNumbers;
  if (labelKind === 'class' && !isWhole) {
    throw new WhereforeError('invalid-data', 'the labels are no class numbers', {
      where,
      got: `${numbers.find((value) => !Number.isInteger(value) || value < 0)}`,
      expected: 'whole numbers from 0',
      fix: 'take them for values (labelKind: value)',
    });
  }
  if (labelKind === 'value' || !isWhole || (labelKind === undefined && !few)) {
    const data = new Float32Array(numbers.length);
    for (let i = 0; i < data.length; i++) data[i] = numbers[i];
    return { labels: tensor('float32', [data.length], data), notes: [] };
  }
  return numberedClasses(numbers, options);
}

function namedClasses(texts: readonly string[], { classes, modelClasses, where }: LabelOptions): Labels {
  const found = [...new Set(texts)].sort();
  const known = modelClasses && new Set(modelClasses);
  const ofModel = !classes && known && found.every((text) => known.has(text)) ? modelClasses : undefined;
  const names = classes ?? ofModel ?? found;
  const numbers = new Map(names.map((name, i) => [name, i]));
  const labels = new BigInt64Array(texts.length);
  for (let i = 0; i < labels.length; i++) {
    const number = numbers.get(texts[i]);
    if (number === undefined)
      throw unknownName('a label is none of the classes:', texts[i], names, { where: `${where}, row ${i}` });
    labels[i] = BigInt(number);
  }
  const notes = ofModel ? ["classes have the numbers of the model's labels"] : [];
  return { labels: int64([labels.length], labels), classes: names, notes };
}

function numberedClasses(
  numbers: readonly number[],
  { classes, modelClasses, where, labelKind }: LabelOptions,
): Labels {
  const labels = new BigInt64Array(numbers.length);
  let most = 0;
  for (let i = 0; i < labels.length; i++) {
    labels[i] = BigInt(numbers[i]);
    if (numbers[i] > numbers[most]) most = i;
  }
  if (classes && numbers[most] >= classes.length) {
    throw new WhereforeError('out-of-range', 'a class number without a class', {
      where: `${where}, row ${most}`,
      got: `${numbers[most]}`,
      expected: `0 to ${classes.length - 1}`,
    });
  }
  const ofModel = modelClasses && numbers[most] < modelClasses.length ? modelClasses : undefined;
  const told = labelKind
    ? []
    : ['labels are whole numbers from 0 and are taken for classes (labelKind: value otherwise)'];
  return { labels: int64([labels.length], labels), classes: classes ?? ofModel, notes: told };
}

import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { classNumbers } from '../../influence/decided-dataset.ts';

/**
 * Refuses rows that cannot be compared, before anything long is computed of them.
 * @param classes names of the classes; labels are numbers of them
 * @throws WhereforeError `invalid-data` for fewer than two rows, for labels that are all the same and for an id that two
 *   rows have; `out-of-range` for a label that is no class
 */
export async function checkRows(data: Dataset, classes: readonly string[]): Promise<void> {
  if (data.length < 2)
    throw new WhereforeError('invalid-data', 'there is nothing to compare', {
      where: data.name,
      got: `${data.length} rows`,
      expected: 'at least 2',
      fix: 'give all the rows that the model was trained on',
    });
  if (data.labels?.type === 'int64') {
    const labels = classNumbers(data.labels);
    checkLabels(data, labels, classes);
    checkDiffering(data, labels, classes);
  }
  await data.ids(range(0, data.length));
}

/** @throws WhereforeError `out-of-range` for a label that is no class */
export function checkLabels(data: Dataset, labels: Int32Array, classes: readonly string[]): void {
  const bad = labels.findIndex((label) => !(label >= 0 && label < classes.length));
  if (bad >= 0)
    throw new WhereforeError('out-of-range', 'a label is no class of the model', {
      where: data.describe(bad),
      got: `${labels[bad]}`,
      expected: `0 to ${classes.length - 1}`,
      fix: 'give the labels that the model was trained on; whole numbers are classes from 0',
    });
}

function checkDiffering(data: Dataset, labels: Int32Array, classes: readonly string[]): void {
  if (labels.some((label) => label !== labels[0])) return;
  throw new WhereforeError('invalid-data', 'all rows have one label', {
    where: data.name,
    got: classes[labels[0]] ?? `${labels[0]}`,
    expected: 'at least two classes',
    fix: 'name the right column of labels; an audit without labels looks for copies and outliers only',
  });
}

/**
 * Refuses labels of other data: names of classes, none of which the model has.
 * @throws WhereforeError `invalid-data`
 */
export function checkClassNames(
  where: string,
  classes: readonly string[] | undefined,
  ofModel: readonly string[] | undefined,
): void {
  if (!classes || !ofModel || classes.length === 0) return;
  const isNumber = (name: string) => /^\d+$/.test(name);
  // Numbers name nothing: the model, or the data, may have no names.
  if (classes.every(isNumber) || ofModel.every(isNumber)) return;
  const known = new Set(ofModel.map((name) => name.trim().toLowerCase()));
  if (classes.some((name) => known.has(name.trim().toLowerCase()))) return;
  const some = (names: readonly string[]) => names.slice(0, 5).join(', ');
  throw new WhereforeError('invalid-data', 'the labels are of other data: the model knows none of them', {
    where,
    got: some(classes),
    expected: some(ofModel),
    fix: 'give the data that the model was trained on, or the names of its classes in wherefore.yaml (labels)',
  });
}

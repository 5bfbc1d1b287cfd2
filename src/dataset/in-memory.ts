import { WhereforeError } from '../errors.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { int64, type Tensor, tensor } from '../tensor/tensor.ts';
import type { ColumnValue, Dataset } from './dataset.ts';
import { checkRows, defineDataset } from './define-dataset.ts';

/** What is known about the rows of a data set in memory. */
export interface InMemoryOptions {
  /** Default "tensors in memory". */
  readonly name?: string;
  /** A tensor of class numbers or values, one row for each; numbers: class numbers where all are whole, else values. */
  readonly labels?: Tensor | readonly number[];
  readonly classes?: readonly string[];
  readonly weights?: Float32Array;
  /** Default: names made of the content. */
  readonly ids?: readonly string[];
  /** Source, annotator, date, licence, split, …: a value for each row. */
  readonly columns?: Readonly<Record<string, readonly ColumnValue[]>>;
}

/**
 * Tensors in memory as a data set; they are not copied and must not change.
 * @throws WhereforeError `wrong-shape` where they differ in their number of rows; `invalid-argument` without an input
 */
export function datasetOf(inputs: Readonly<Record<string, Tensor>>, options: InMemoryOptions = {}): Dataset {
  const { name = 'tensors in memory', classes, weights, ids, columns = {} } = options;
  const [first] = Object.values(inputs);
  if (first === undefined || first.shape.length === 0) {
    throw new WhereforeError('invalid-argument', 'a data set needs an input with a row for each example', {
      where: name,
      got: first ? 'a scalar' : 'no inputs',
    });
  }
  const [length] = first.shape;
  for (const [input, t] of Object.entries(inputs)) checkRows(input, t, length, name);
  for (const [column, values] of [...Object.entries(columns), ...(ids ? [['ids', ids] as const] : [])]) {
    if (values.length === length) continue;
    throw new WhereforeError('wrong-shape', `"${column}" has another number of values than there are rows`, {
      where: name,
      got: `${values.length}`,
      expected: `${length}`,
    });
  }
  return defineDataset({
    name,
    length,
    classes,
    weights,
    labels: options.labels && labelTensor(options.labels),
    inputs: async (indices) =>
      Object.fromEntries(Object.entries(inputs).map(([input, t]) => [input, takeRows(t, indices)])),
    columns: Object.fromEntries(
      Object.entries(columns).map(([column, values]) => [
        column,
        async (indices) => Array.from(indices, (i) => values[i]),
      ]),
    ),
    ids: ids && (async (indices) => Array.from(indices, (i) => ids[i])),
  });
}

function labelTensor(labels: Tensor | readonly number[]): Tensor {
  if ('shape' in labels) return labels;
  return labels.every(Number.isInteger)
    ? int64([labels.length], labels)
    : tensor('float32', [labels.length], new Float32Array(labels));
}

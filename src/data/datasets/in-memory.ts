import type { ColumnValue, Dataset } from '../../dataset/dataset.ts';
import { checkRows, defineDataset } from '../../dataset/define-dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { convert } from '../../tensor/convert.ts';
import { takeRows } from '../../tensor/take-rows.ts';
import { concatRows, formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type Column, columnNamed, type Table } from '../formats/table.ts';
import { preprocessImage } from '../inputs/image-input.ts';
import { tableTensor } from '../inputs/table-input.ts';
import type { ImageInput, TableInput } from '../model/preprocessing.ts';
import { rgbOf } from './image-rows.ts';
import { labelsOf } from './labels.ts';

/** An input of a model and how it is made. */
export interface DatasetInput<P> {
  readonly name: string;
  readonly preprocessing: P;
}

/**
 * Images in memory as a data set: uint8 N×H×W (grey) or N×H×W×3 (RGB).
 * @throws WhereforeError `wrong-shape`.
 */
export function pixelDataset(
  pixels: Tensor,
  { name: input, preprocessing }: DatasetInput<ImageInput>,
  options: { readonly labels?: Tensor; readonly classes?: readonly string[]; readonly name?: string } = {},
): Dataset {
  const { classes, name = 'image' } = options;
  const [length, height, width, channels = 1] = pixels.shape;
  if (pixels.type !== 'uint8' || pixels.shape.length < 3 || pixels.shape.length > 4 || ![1, 3].includes(channels)) {
    throw new WhereforeError('wrong-shape', 'not a set of images', {
      got: `${pixels.type} ${formatShape(pixels.shape)}`,
      expected: 'uint8 N×H×W or N×H×W×3',
    });
  }
  if (options.labels) checkRows('labels', options.labels, length, name);
  const imageAt = (index: number) =>
    tensor('uint8', [height, width, 3], rgbOf(takeRows(pixels as Tensor<'uint8'>, [index]).data, channels));
  return defineDataset({
    name,
    length,
    classes,
    labels: options.labels && convert(options.labels, 'int64'),
    recipe: JSON.stringify(preprocessing),
    inputs: async (indices) => {
      const prepared: Tensor<'float32'>[] = [];
      for (const index of indices) prepared.push((await preprocessImage(imageAt(index), preprocessing)).tensor);
      return { [input]: concatRows(prepared) };
    },
    describe: (index) => `${name} ${index}`,
  });
}

/**
 * A table in memory as a data set. A label column of categories becomes class numbers in the sorted order of its values;
 * one of numbers stays numbers (float32).
 * @throws WhereforeError `unknown-name`, and `invalid-data` for a missing label.
 */
export function tableDataset(table: Table, input: DatasetInput<TableInput>, label?: string): Dataset {
  const column = label === undefined ? undefined : columnNamed(table, label);
  const values = column && columnValues(column);
  const labels =
    values &&
    labelsOf(values, {
      labelKind: column?.kind === 'number' ? 'value' : 'class',
      where: `column "${label}"`,
    });
  return defineDataset({
    name: 'table',
    length: table.rowCount,
    classes: labels?.classes,
    labels: labels?.labels,
    recipe: JSON.stringify(input),
    inputs: async (indices) => ({ [input.name]: tableTensor(table, input.preprocessing, indices) }),
    columns: Object.fromEntries(table.columns.map((one) => [one.name, async (indices) => columnValues(one, indices)])),
    describe: (index) => `row ${index + 1}`,
  });
}

/** The values of some rows of a column, missing ones undefined. Default all rows. */
function columnValues({ values }: Column, indices: ArrayLike<number> = range(0, values.length)): ColumnValue[] {
  const found = new Array<ColumnValue>(indices.length);
  for (let i = 0; i < found.length; i++) {
    const value = values[indices[i]];
    found[i] = Number.isNaN(value) ? undefined : value;
  }
  return found;
}

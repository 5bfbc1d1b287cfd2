import { describe, expect, it } from 'vitest';
import { datasetOf } from '../../dataset/in-memory.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { checkClassNames, checkRows } from './check-rows.ts';

const rows = (labels: readonly number[], ids?: readonly string[]) =>
  datasetOf(
    { x: float32([labels.length, 1], Float32Array.from(labels.keys())) },
    { labels: int64([labels.length], labels), name: 'rows', ...(ids && { ids }) },
  );

describe('rows that cannot be compared', () => {
  it.each<[string, Parameters<typeof rows>, RegExp]>([
    ['one row', [[0]], /nothing to compare.*1 rows/],
    ['one class', [[1, 1, 1]], /one label.*dog/],
    ['a label beyond the classes', [[0, 1, 2]], /no class of the model.*got 2, expected 0 to 1/],
    ['a label below them', [[0, -1]], /no class of the model.*got -1/],
  ])('refuses %s', async (_, given, message) => {
    await expect(checkRows(rows(...given), ['cat', 'dog'])).rejects.toThrow(message);
  });

  it('takes two rows of two classes', async () => {
    await expect(checkRows(rows([0, 1]), ['cat', 'dog'])).resolves.toBeUndefined();
  });
});

describe('labels of other data', () => {
  it('are refused where the model knows none of them', () => {
    expect(() => checkClassNames('rows.csv', ['cat', 'dog'], ['car', 'tree'])).toThrow(/knows none of them.*cat, dog/);
  });

  it.each<[readonly string[] | undefined, readonly string[] | undefined]>([
    [
      ['cat', 'fox'],
      ['Cat', 'dog'],
    ],
    [
      ['0', '1'],
      ['cat', 'dog'],
    ],
    [
      ['cat', 'dog'],
      ['0', '1'],
    ],
    [['cat'], undefined],
    [undefined, ['cat']],
  ])('are not where one is, or where numbers name nothing: %j, %j', (classes, ofModel) => {
    expect(() => checkClassNames('rows.csv', classes, ofModel)).not.toThrow();
  });
});

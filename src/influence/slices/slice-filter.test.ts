import { describe, expect, it } from 'vitest';
import type { ColumnValue } from '../../dataset/dataset.ts';
import { type SliceFacts, sliceRows } from './slice-filter.ts';

const table: Readonly<Record<string, readonly ColumnValue[]>> = {
  sex: ['Female', 'Male', 'Female', 'Male', undefined],
  age: [30, 41, '52', 60, undefined],
  income: ['<=50K', '>50K', '>50K', '<=50K', '<=50K'],
  loss: [9, 9, 1, 1, 1],
};

const facts: SliceFacts = {
  rows: 5,
  classes: ['<=50K', '>50K'],
  labels: [0, 1, 1, 0, 0],
  predicted: [0, 0, 1, 1, 0],
  confidence: [0.9, 0.6, 0.7, 0.8, 0.5],
  losses: [0.1, 0.9, 0.36, 1.6, 0.7],
  columns: Object.keys(table),
  column: async (name) => table[name],
};

describe('sliceRows', () => {
  it.each<[string, number[]]>([
    ['sex=Female', [0, 2]],
    ['sex = Male and age >= 60', [3]],
    // A number that the file holds as text is one.
    ['age>50', [2, 3]],
    ['age<=41', [0, 1]],
    ['age = 52.0', []],
    ['age=52', [2]],
    // What is missing is another value than Female, in no order, and equal to nothing but the empty text.
    ['sex!=Female', [1, 3, 4]],
    ['sex=', [4]],
    // A class whose name begins as a comparison does.
    ['label=>50K', [1, 2]],
    ['income=<=50K and predicted=>50K', [3]],
    ['wrong', [1, 3]],
    ['right AND confidence<0.8', [2, 4]],
    ['loss>1', [3]],
    ['column:loss>1', [0, 1]],
  ])('%s', async (filter, rows) => {
    const found = sliceRows(filter, facts);
    if (rows.length > 0) expect(await found).toEqual(rows);
    else await expect(found).rejects.toThrow(/no row is in the slice/);
  });

  it.each<[string, RegExp]>([
    ['age', /cannot be read.*got age/s],
    ['age>old', /old is no number/],
    ['sex=Female and', /cannot be read/],
    ['', /got nothing/],
    ['gender=Female', /no column/],
    ['label=rich', /no class/],
    ['sex=Female and age>90', /sex=Female: 2, age>90: 0/],
  ])('refuses "%s"', async (filter, message) => {
    const error = await sliceRows(filter, facts).catch((caught: Error) => caught);
    expect(String((error as Error).message)).toMatch(message);
  });

  it('refuses to ask for labels that there are not', async () => {
    const { labels: _, losses: __, ...unlabelled } = facts;
    expect(await sliceRows('predicted=>50K', unlabelled)).toEqual([2, 3]);
    for (const filter of ['wrong', 'loss>1', 'label=>50K'])
      await expect(sliceRows(filter, unlabelled)).rejects.toThrow(/labels of the rows, which are not known/);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Preprocessing } from '../model/preprocessing.ts';
import { preprocessingSchema } from '../model/preprocessing.ts';
import { readTableSample, tableInputs } from './row-input.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-rows-'));
});
afterAll(() => rm(folder, { recursive: true }));

const described = (missing: unknown): Preprocessing =>
  preprocessingSchema.parse({
    inputs: {
      row: { kind: 'table', columns: ['a', 'b'].map((name) => ({ name, encode: 'number', mean: 1, std: 2, missing })) },
    },
  });

it('a missing value is kept where that is asked for, and rows that lack one are no baseline', async () => {
  const path = join(folder, 'people.csv');
  await writeFile(path, 'a,b\n3,\n5,7\n,9\n9,11\n');
  const [row] = await tableInputs(path, '0', described('keep'));
  // (3 − 1)/2
  expect(row.tensors.get('row')?.data).toEqual(Float32Array.of(1, Number.NaN));
  expect(row.sample?.tensors.get('row')?.data).toEqual(Float32Array.of(2, 3, 4, 5));
  expect(row.sample?.description).toBe('the average over 2 rows of people.csv (2 with missing values left out)');
  // A row that is whole is explained although others of the file are not.
  const [whole] = await tableInputs(path, '1', described('refuse'));
  expect(whole.tensors.get('row')?.data).toEqual(Float32Array.of(2, 3));
  await expect(tableInputs(path, '0', described('refuse'))).rejects.toThrow(/column "b" has a missing value/);
  const [filled] = await tableInputs(path, '0', described({ fill: 5 }));
  expect(filled.tensors.get('row')?.data).toEqual(Float32Array.of(1, 2));
  expect(filled.sample?.description).toBe('the average over 4 rows of people.csv');
});

it('a table whose every row lacks a value has no sample', async () => {
  const path = join(folder, 'gaps.csv');
  await writeFile(path, 'a,b\n3,\n,4\n');
  expect((await tableInputs(path, '0', described('keep')))[0].sample).toBeUndefined();
  await expect(readTableSample(path, undefined, described('keep'))).rejects.toThrow(/every row lacks a value/);
});

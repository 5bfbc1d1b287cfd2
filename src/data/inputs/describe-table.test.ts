import { describe, expect, it } from 'vitest';
import { readCsv } from '../formats/csv.ts';
import { completePreprocessing } from '../model/preprocessing-text.ts';
import { describeTable, type RowInput } from './describe-table.ts';
import { tableTensor } from './table-input.ts';

const people = `id,age,income,job,city,answer
7,30,1000,cook,Rome,yes
8,40,?,smith,Oslo,no
9,50,3000,cook,Rome,yes
10,60,2000,baker,Oslo,yes
`;
const row = (width: number | undefined, parts: Partial<RowInput> = {}): RowInput => ({
  name: 'x',
  width,
  takesMissing: false,
  takesRaw: true,
  ...parts,
});
const described = (width: number | undefined, csv = people, parts: Partial<RowInput> = {}) =>
  describeTable(readCsv(csv), row(width, parts), 'people.csv');

describe('describeTable', () => {
  it('finds one-hot columns by the width, without the target and the numbers of the rows', () => {
    // age, income, three jobs, two cities: 7.
    const { input, target, found, unknown } = described(7);
    expect(target).toBe('answer');
    expect(input.columns).toEqual([
      { name: 'age', encode: 'number' },
      // The median of 1000, 2000, 3000.
      { name: 'income', encode: 'number', missing: { fill: 2000 } },
      { name: 'job', encode: 'onehot', categories: ['baker', 'cook', 'smith'], unknown: 'zeros' },
      { name: 'city', encode: 'onehot', categories: ['Oslo', 'Rome'], unknown: 'zeros' },
    ]);
    expect(found.join('\n')).toMatch(/columns of numbers: 2, of categories: 2; a row becomes 7 numbers/);
    expect(found.join('\n')).toMatch(/left out so that the width fits: id/);
    expect(unknown.join('\n')).toMatch(/filled with the median of this file \(income\)/);
    const rows = completePreprocessing({ inputs: { x: input } }).inputs.x;
    if (rows.kind !== 'table') throw new Error('not a table');
    expect([...tableTensor(readCsv(people), rows, [1]).data]).toEqual([40, 2000, 0, 0, 1, 1, 0]);
  });

  it('finds numbers of categories, and dropped first ones', () => {
    expect(described(4).input.columns[2]).toEqual({
      name: 'job',
      encode: 'ordinal',
      categories: ['baker', 'cook', 'smith'],
    });
    // 2 + (3 − 1) + (2 − 1): a first category is none of those that are left.
    expect(described(5).input.columns[2]).toMatchObject({ encode: 'onehot', categories: ['cook', 'smith'] });
  });

  it('leaves categories out before a number, where numbers alone fit', () => {
    const csv = 'a,b,who,label\n1,2.5,ann,yes\n4,5,bob,no\n7,8,ann,yes\n';
    const { input, target, found } = described(2, csv);
    expect(input.columns.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(target).toBe('label');
    expect(found.join('\n')).toMatch(/left out so that the width fits: who/);
  });

  it('keeps every column where only that fits', () => {
    const numbers = 'a,b,c\n1,2,3\n4,5,6.5\n7,8,9\n';
    expect(described(3, numbers)).toMatchObject({ target: undefined });
    expect(described(2, numbers)).toMatchObject({ target: 'c' });
    expect(described(undefined, numbers).target).toBe('c');
  });

  it('tells the scale of the columns of numbers: (1 + 4 + 7)/3 = 4, √((9 + 0 + 9)/3) = 2.449', () => {
    const { unknown } = described(2, 'a,b,c\n1,5,0\n4,5,1\n7,,0\n', { takesMissing: false, takesRaw: false });
    expect(unknown.join('\n')).toContain('(in this file: a mean 4, std 2.449; b mean 5, std 0)');
  });

  it('hands missing numbers to a model that takes them, and says what it cannot know of scales', () => {
    const { input, unknown } = described(7, people, { takesMissing: true, takesRaw: false });
    expect(input.columns[1]).toEqual({ name: 'income', encode: 'number', missing: 'keep' });
    expect(unknown.join('\n')).toMatch(/scaled numbers.*in this file: /);
    expect(unknown.join('\n')).not.toMatch(/median/);
  });

  it('takes whole numbers of few values for categories where the width says so', () => {
    const csv = 'size,code,y\n1.5,1,0\n2.5,2,1\n3.5,3,0\n';
    const { input } = described(4, csv);
    expect(input.columns).toEqual([
      { name: 'size', encode: 'number' },
      { name: 'code', encode: 'onehot', categories: ['1', '2', '3'], unknown: 'zeros' },
    ]);
  });

  it('refuses what does not fit, with what each column could be', () => {
    expect(() => described(20)).toThrow(/expected 20 for "x"/);
    expect(() => described(20)).toThrow(/job: 1 or 3/);
  });
});

describe('rows with missing values and codes', () => {
  it('missing: keep hands them on', () => {
    const input = completePreprocessing({
      inputs: { x: { kind: 'table', columns: [{ name: 'income', encode: 'number', mean: 1, missing: 'keep' }] } },
    }).inputs.x;
    if (input.kind !== 'table') throw new Error('not a table');
    expect([...tableTensor(readCsv(people), input, [0, 1]).data]).toEqual([999, Number.NaN]);
  });

  it('1.0 is the category 1', () => {
    const input = completePreprocessing({
      inputs: { x: { kind: 'table', columns: [{ name: 'code', encode: 'onehot', categories: ['1', '2'] }] } },
    }).inputs.x;
    if (input.kind !== 'table') throw new Error('not a table');
    const table = readCsv('code\n2.0\n', { kinds: { code: 'category' } });
    expect([...tableTensor(table, input).data]).toEqual([0, 1]);
  });
});

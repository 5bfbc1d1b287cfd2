import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { featuresOf, tableInputFor, tableTensor, unknownCategories } from '../inputs/table-input.ts';
import type { TableInput } from '../model/preprocessing.ts';
import { parsePreprocessing } from '../model/preprocessing-yaml.ts';
import { readCsv, readJsonLines } from './csv.ts';
import { readParquet } from './parquet.ts';
import { writeParquet } from './parquet-write.ts';
import { columnNamed, columnOf, tableRows, withoutColumns } from './table.ts';
import { readTable } from './table-file.ts';

const fixture = (name: string) => new URL(`../../../test/fixtures/tables/${name}`, import.meta.url).pathname;

describe('readCsv', () => {
  it('finds numbers, categories and missing values, and says why', () => {
    const { columns, rowCount } = readCsv('\uFEFFage, job ,"a, b"\n39,clerk,x\n\n?,,"y ""z"""\n1e2,clerk,NA\n');
    expect(rowCount).toBe(3);
    expect(columns).toEqual([
      {
        name: 'age',
        kind: 'number',
        values: Float64Array.of(39, Number.NaN, 100),
        reason: 'all values are numbers, 1 missing',
      },
      { name: 'job', kind: 'category', values: ['clerk', undefined, 'clerk'], reason: '1 different values, 1 missing' },
      { name: 'a, b', kind: 'category', values: ['x', 'y "z"', undefined], reason: '2 different values, 1 missing' },
    ]);
  });

  it('takes kinds, names, delimiters and missing texts that are given', () => {
    const table = readCsv('1;-\n2;7', {
      header: ['class', 'size'],
      delimiter: ';',
      kinds: { class: 'category' },
      missing: ['-'],
    });
    expect(table.columns[0]).toEqual({ name: 'class', kind: 'category', values: ['1', '2'], reason: 'given' });
    expect(table.columns[1].values).toEqual(Float64Array.of(Number.NaN, 7));
    expect(readCsv('1,2', { header: false }).columns.map(({ name }) => name)).toEqual(['column 1', 'column 2']);
  });

  it('calls a column of many different values text', () => {
    const many = Array.from({ length: 60 }, (_, i) => `text ${i}`);
    expect(columnOf('a', many).kind).toBe('text');
    expect(columnOf('a', many.slice(0, 50)).kind).toBe('category');
    expect(
      columnOf(
        'a',
        Array.from({ length: 2000 }, (_, i) => `word ${i % 100}`),
      ).kind,
    ).toBe('category');
  });

  it.each([
    ['an empty file', '', /a\.csv: the file is empty/],
    ['a header alone', 'a,b\n', /a\.csv: the table is empty/],
    ['a short line', 'a,b\n1,2\n3\n', /a\.csv, line 3: too few values \(got 1 values, expected 2/],
    ['a long line', 'a,b\n1,2,3\n', /a\.csv, line 2: too many values \(got 3 values/],
    ['an open quotation mark', 'a,b\n1,"2\n', /a\.csv(, line \d+)?: not CSV \(got quote/],
    ['a name twice', 'a,a\n1,2', /two columns are called "a"/],
  ])('refuses %s', (_, text, message) => {
    expect(() => readCsv(text, { where: 'a.csv' })).toThrow(message);
  });

  it('names the row of a value that is no number', () => {
    expect(() => readCsv('a\n1\nx', { kinds: { a: 'number' } })).toThrow(
      /row 2: column "a" should hold numbers \(got "x"\)/,
    );
  });

  it('names the nearest column', () => {
    const table = readCsv('age,job\n1,x');
    expect(() => columnNamed(table, 'gae')).toThrow(/no column "gae": did you mean "age"\?/);
    expect(withoutColumns(table, ['age']).columns.map(({ name }) => name)).toEqual(['job']);
    expect(tableRows(readCsv('a\n5\n6\n7'), [2, 0]).columns[0].values).toEqual(Float64Array.of(7, 5));
  });
});

describe('readJsonLines', () => {
  it('joins the keys of all lines', () => {
    const { columns } = readJsonLines('{"text": "a", "n": 1.5}\n{"n": 2, "ok": true}\n');
    expect(columns.map(({ name, kind, values }) => [name, kind, [...values]])).toEqual([
      ['text', 'category', ['a', undefined]],
      ['n', 'number', [1.5, 2]],
      ['ok', 'category', [undefined, 'true']],
    ]);
  });

  it.each([
    ['{"a": 1}\n{"a": ', /line 2: not JSON/],
    ['[1]', /line 1: not an object/],
    ['{"a": [1]}', /line 1: the value of "a" is a list/],
    ['', /table is empty/],
  ])('refuses %j', (text, message) => {
    expect(() => readJsonLines(text)).toThrow(message);
  });
});

describe('Parquet', () => {
  it('reads what pandas wrote', async () => {
    const { columns, rowCount } = await readTable(fixture('pandas.parquet'));
    expect(rowCount).toBe(3);
    expect(columns.map(({ name, kind, values }) => [name, kind, [...values]])).toEqual([
      ['age', 'number', [39, 50, 38]],
      ['score', 'number', [0.5, Number.NaN, -1]],
      ['job', 'category', ['clerk', undefined, 'cook']],
      ['ok', 'category', ['true', 'false', 'true']],
      ['day', 'category', ['2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z', undefined]],
    ]);
  });

  it('names a compression that it cannot read', async () => {
    await expect(readTable(fixture('zstd.parquet'))).rejects.toThrow(/zstd\.parquet: .*got ZSTD, expected SNAPPY/);
  });

  it('refuses lists and damaged files', async () => {
    await expect(readTable(fixture('lists.parquet'))).rejects.toThrow(/row 1: column "points" holds lists/);
    await expect(readParquet(new Uint8Array(20), { where: 'x.parquet' })).rejects.toThrow(
      /^x\.parquet: not a Parquet file/,
    );
    await expect(readParquet(new Uint8Array(0))).rejects.toMatchObject({ code: 'invalid-data' });
  });

  it('returns what was written', async () => {
    const rows = fc.array(
      fc.tuple(
        fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
        fc.option(fc.constantFrom('a', 'bé', '🐕')),
      ),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(rows, async (data) => {
        const columns = [
          columnOf(
            'n',
            data.map(([n]) => n),
            { kinds: { n: 'number' } },
          ),
          columnOf(
            'c',
            data.map(([, c]) => c),
          ),
        ];
        const table = { columns, rowCount: data.length };
        const read = await readParquet(writeParquet(table), { kinds: { n: 'number', c: columns[1].kind } });
        expect(read.columns.map(({ values }) => [...values])).toEqual(columns.map(({ values }) => [...values]));
      }),
      { numRuns: 30 },
    );
  });
});

describe('readTable', () => {
  it('goes by the ending', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wherefore-table-'));
    try {
      writeFileSync(join(folder, 'a.tsv'), 'a\tb\n1\tx, y');
      expect((await readTable(join(folder, 'a.tsv'))).columns[1].values).toEqual(['x, y']);
      writeFileSync(join(folder, 'a.jsonl'), '{"a": 1}');
      expect((await readTable(join(folder, 'a.jsonl'))).rowCount).toBe(1);
      writeFileSync(join(folder, 'a.xls'), '');
      await expect(readTable(join(folder, 'a.xls'))).rejects.toThrow(/got the ending "\.xls"/);
      await expect(readTable(join(folder, 'b.tsv'))).rejects.toThrow(/did you mean ".*a\.tsv"/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('tableTensor', () => {
  const input = parsePreprocessing(`
inputs:
  x:
    kind: table
    columns:
      - { name: age, encode: number, mean: 40, std: 10, missing: { fill: 40 } }
      - { name: job, encode: onehot, categories: [clerk, cook], unknown: zeros }
      - { name: size, encode: ordinal, categories: [small, big], missing: { fill: big } }
`).inputs.x as TableInput;

  it('encodes rows', () => {
    const table = readCsv('job,size,age\ncook,big,50\nclerk,small,?\npilot,?,35');
    expect(featuresOf(input).map(({ name }) => name)).toEqual(['age', 'job=clerk', 'job=cook', 'size']);
    const all = tableTensor(table, input);
    expect(all.shape).toEqual([3, 4]);
    // (50 − 40)/10 = 1; missing age → 40 → 0; (35 − 40)/10 = −.5; the pilot is neither clerk nor cook
    expect([...all.data]).toEqual([1, 0, 1, 1, 0, 1, 0, 0, -0.5, 0, 0, 1]);
    expect([...tableTensor(table, input, [2]).data]).toEqual([-0.5, 0, 0, 1]);
  });

  it('refuses what the preprocessing does not allow, by row and column', () => {
    expect(() => tableTensor(readCsv('job,age\na,1'), input)).toThrow(/no column "size"/);
    expect(() => tableTensor(readCsv('job,size,age\ncook,huge,1'), input)).toThrow(
      /row 1: column "size" holds a category .*got "huge", expected small, big/,
    );
    expect(() => tableTensor(readCsv('job,size,age\n?,big,1'), input)).toThrow(
      /row 1: column "job" has a missing value/,
    );
    expect(() => tableTensor(readCsv('job,size,age\ncook,big,old'), input)).toThrow(
      /"age" is encoded as a number but holds category/,
    );
    expect(() => tableTensor(readCsv('job,size,age\ncook,big,1'), input, [1])).toThrow(/no such row/);
  });

  it('tells which categories are none of those that the model knows', () => {
    const table = readCsv('job,size,age\ncook,big,50\npilot,big,35');
    expect(unknownCategories(table, input, 0)).toEqual([]);
    expect(unknownCategories(table, input, 1)).toEqual([
      'column "job" holds "pilot", which the model does not know: taken as none of its categories',
    ]);
  });

  it('passes texts on to models that take strings', () => {
    const texts: TableInput = { kind: 'table', columns: [{ name: 'a', encode: 'text', missing: { fill: '' } }] };
    expect(tableTensor(readCsv('a,b\nx,1\n?,2'), texts)).toEqual({ type: 'string', shape: [2, 1], data: ['x', ''] });
  });

  it('makes a preprocessing from data: standardised features have mean 0 and variance 1', () => {
    const table = readCsv('n,c,k\n1,a,5\n3,b,5\n?,?,5');
    const { input: made, notes } = tableInputFor(table);
    expect(notes).toEqual([
      'column "n": missing values become the mean, 2',
      'column "c": missing values are a category of their own, "missing"',
      'column "k" is constant',
    ]);
    expect(featuresOf(made).map(({ name }) => name)).toEqual(['n', 'c=a', 'c=b', 'c=missing', 'k']);
    // n: mean 2, deviation 1 over the two values that are present
    expect([...tableTensor(table, made).data]).toEqual([-1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
  });
});

const lending = sharedData('lending-club/lending-club.csv');
const adult = sharedData('adult/adult.data');
const banking = sharedData('banking77/banking_data/train.csv');

describe('real tables', () => {
  it.skipIf(!lending)('Lending Club', async () => {
    const table = await readTable(lending as string, { kinds: { loan_approval: 'category' } });
    expect(table.columns).toHaveLength(17);
    expect(columnNamed(table, 'home_ownership').kind).toBe('category');
    expect(columnNamed(table, 'revol_util').kind).toBe('number');
  });

  it.skipIf(!adult)('Adult, which has no header', async () => {
    const { readText } = await import('../files/read-file.ts');
    const table = readCsv(await readText(adult as string, 'table'), { header: false });
    expect(table.rowCount).toBe(32561);
    expect(table.columns.map(({ kind }) => kind).filter((kind) => kind === 'number')).toHaveLength(6);
    expect(table.columns[1]).toMatchObject({ kind: 'category', reason: '8 different values, 1836 missing' });
  });

  it.skipIf(!banking)('Banking77', async () => {
    const table = await readTable(banking as string);
    expect(table.columns.map(({ kind }) => kind)).toEqual(['text', 'category']);
    expect(table.rowCount).toBe(10003);
  });
});

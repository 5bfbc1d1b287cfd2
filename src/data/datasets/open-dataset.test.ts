import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batches } from '../../dataset/batches.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import { float32, int64, tensor } from '../../tensor/tensor.ts';
import { writePng } from '../formats/image.ts';
import { writeNpy } from '../formats/npy.ts';
import { writeNpz } from '../formats/npz.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { completePreprocessing } from '../model/preprocessing-text.ts';
import { openDataset } from './open-dataset.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-dataset-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** A grey image of one value. */
const png = (value: number, [height, width] = [2, 3]) =>
  writePng(tensor('uint8', [height, width, 1], new Uint8Array(height * width).fill(value)));

const everyId = (dataset: Dataset) => dataset.ids(Array.from({ length: dataset.length }, (_, i) => i));

const people = `name,age,city,income,annotator
Ann,31,Ulm,>50K,x
Bob,,"Bonn, west",<=50K,y
Cyd,7.5,Ulm,<=50K,
`;

describe('a CSV file', () => {
  it('gives columns as inputs, labels as classes in alphabetical order, and everything as columns', async () => {
    const dataset = await openDataset(await file('people.csv', people), {
      label: 'income',
      id: 'name',
      metadata: ['annotator'],
    });
    expect(dataset.length).toBe(3);
    expect(dataset.classes).toEqual(['<=50K', '>50K']);
    expect(dataset.labels).toEqual(int64([3], [1, 0, 0]));
    expect(await dataset.read([2, 1])).toEqual({
      inputs: {
        age: tensor('float64', [2, 1], Float64Array.of(7.5, Number.NaN)),
        city: tensor('string', [2, 1], ['Ulm', 'Bonn, west']),
      },
      labels: int64([2], [0, 0]),
    });
    expect(await everyId(dataset)).toEqual(['Ann', 'Bob', 'Cyd']);
    expect(dataset.columns).toEqual(['name', 'age', 'city', 'income', 'annotator']);
    expect(await dataset.column('annotator', [2, 0])).toEqual([undefined, 'x']);
    expect(await dataset.column('age', [0, 1])).toEqual([31, undefined]);
    expect(dataset.describe(1)).toBe('people.csv row 1');
  });

  it('hashes its features, not its labels, and has one key however it is opened', async () => {
    const path = await file('twice.csv', 'a,b,label\n1,x,0\n1,x,1\n2,x,1\n');
    const dataset = await openDataset(path, { label: 'label' });
    const [first, second, third] = await dataset.hashes([0, 1, 2]);
    expect(first).toBe(second);
    expect(first).toBe(contentHash(['1:a=1\n1:b"1:x\n']));
    expect(third).not.toBe(first);
    const key = await dataset.key();
    expect(await (await openDataset(path, { label: 'label', budget: 0 })).key()).toBe(key);
    expect(await (await openDataset(path)).key()).not.toBe(key);
    await writeFile(path, 'a,b,label\n1,x,0\n1,x,1\n3,x,1\n');
    expect(await (await openDataset(path, { label: 'label' })).key()).not.toBe(key);
    await expect(dataset.hashes([0])).resolves.toHaveLength(1);
    const { inputs } = await (await openDataset(path, { budget: 0 })).read([0]);
    expect(Object.keys(inputs)).toEqual(['a', 'b', 'label']);
  });

  it('makes inputs as a preprocessing says, and names the row of a value that does not fit', async () => {
    const preprocessing = completePreprocessing({
      inputs: { x: { kind: 'table', columns: [{ name: 'age', encode: 'number', mean: 1, std: 2 }] } },
    });
    const dataset = await openDataset(await file('people.csv', people), { preprocessing });
    expect((await dataset.read([2, 0])).inputs).toEqual({ x: float32([2, 1], [3.25, 15]) });
    await expect(dataset.read([2, 1])).rejects.toThrow(/row 2: column "age" has a missing value/);
  });

  it('has one clear error for each mistake', async () => {
    const path = await file('people.csv', people);
    await expect(openDataset(path, { label: 'incom' })).rejects.toThrow(/no column "incom": did you mean "income"/);
    await expect(openDataset(path, { label: 'annotator' })).rejects.toThrow(
      /people.csv, "annotator", row 2: a row has no label/,
    );
    await expect(openDataset(path, { label: 'income', classes: ['<=50K', '>50k'] })).rejects.toThrow(
      /none of the classes: ">50K": did you mean ">50k"/,
    );
    await expect(openDataset(path, { label: 'income', labelKind: 'value' })).rejects.toThrow(/a label is no number/);
    const same = await openDataset(path, { id: 'city' });
    await expect(same.ids([0])).rejects.toThrow(/two rows have the id "Ulm" \(got rows 0 and 2/);
    await expect(openDataset(await file('wide.csv', 'a,b\n1,2,3\n'))).rejects.toThrow(
      /wide.csv, row 0: too many values/,
    );
    await expect(openDataset(await file('open.csv', 'a,b\n1,"2\n'))).rejects.toThrow(/quotation mark is not closed/);
    await expect(openDataset(await file('empty.csv', ''))).rejects.toThrow(/empty/);
    await expect(openDataset(join(folder, 'peopl.csv'))).rejects.toThrow(/did you mean/);
  });

  it('takes the numbers of a column from a sample, and says where a later value is none', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => (i === 2002 ? 'many' : String(i)));
    const dataset = await openDataset(await file('late.csv', `n\n${rows.join('\n')}\n`));
    expect((await dataset.read([2999])).inputs.n.data[0]).toBe(2999);
    await expect(dataset.read([2002])).rejects.toThrow(/late.csv, row 2002: column "n" should hold numbers/);
    const given = await openDataset(join(folder, 'late.csv'), { kinds: { n: 'text' } });
    expect((await given.read([2002])).inputs.n).toEqual(tensor('string', [1, 1], ['many']));
  });
});

describe('other tables', () => {
  it('are JSON Lines', async () => {
    const path = await file(
      'a.jsonl',
      '{"text":"one","y":1}\n\n{"y":0,"text":"zwei \\u00e4"}\n{"text":"three","y":1,"who":"z"}\n',
    );
    const dataset = await openDataset(path, { text: 'text', label: 'y' });
    expect((await dataset.read([1, 0])).inputs).toEqual({ text: tensor('string', [2], ['zwei ä', 'one']) });
    expect(dataset.labels).toEqual(int64([3], [1, 0, 1]));
    expect(await dataset.column('who', [0, 2])).toEqual([undefined, 'z']);
    await expect(openDataset(await file('b.jsonl', '{"a":1}\n[2]\n'))).rejects.toThrow(/b.jsonl, row 1: not an object/);
  });

  it('are Parquet files, of which the row groups and columns that are asked for are read', async () => {
    const length = 1000;
    const path = await file(
      'a.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'n', data: Float64Array.from({ length }, (_, i) => i / 2) },
            { name: 'big', data: Array.from({ length }, (_, i) => 2n ** 53n + BigInt(i)), type: 'INT64' },
            { name: 'text', data: Array.from({ length }, (_, i) => `t${i % 7}`), type: 'STRING' },
            { name: 'y', data: Array.from({ length }, (_, i) => i % 3), type: 'INT32' },
          ],
          rowGroupSize: 100,
        }),
      ),
    );
    const dataset = await openDataset(path, { label: 'y', id: 'big' });
    expect(dataset.length).toBe(length);
    expect(dataset.labels?.data.slice(0, 4)).toEqual(BigInt64Array.of(0n, 1n, 2n, 0n));
    const { inputs } = await dataset.read([999, 0, 250]);
    expect(inputs).toEqual({
      n: tensor('float64', [3, 1], Float64Array.of(499.5, 0, 125)),
      text: tensor('string', [3, 1], ['t5', 't0', 't5']),
    });
    expect(await dataset.ids([3])).toEqual(['9007199254740995']);
  });
});

describe('arrays', () => {
  const x = tensor('int16', [4, 2], Int16Array.of(1, -2, 3, -4, 5, -6, 7, -8));

  it('are read row by row from .npy, .npz, .safetensors and IDX', async () => {
    const idx = Uint8Array.of(
      0,
      0,
      11,
      2,
      0,
      0,
      0,
      4,
      0,
      0,
      0,
      2,
      0,
      1,
      255,
      254,
      0,
      3,
      255,
      252,
      0,
      5,
      255,
      250,
      0,
      7,
      255,
      248,
    );
    const files = [
      await file('x.npy', writeNpy(x)),
      await file('x.npz', writeNpz({ x, y: int64([4], [0, 1, 0, 1]) })),
      await file('packed.npz', writeNpz({ x, y: int64([4], [0, 1, 0, 1]) }, { compress: true })),
      await file('x.safetensors', writeSafetensors({ x, y: int64([4], [0, 1, 0, 1]) })),
      await file('x-idx2', idx),
      await file('x-idx2.gz', gzipSync(idx)),
    ];
    for (const path of files) {
      const label = /npz|safetensors/.test(path) ? 'y' : undefined;
      const dataset = await openDataset(path, { label });
      const { inputs, labels } = await dataset.read([3, 1, 1]);
      expect(inputs, path).toEqual({ x: tensor('int16', [3, 2], Int16Array.of(7, -8, 3, -4, 3, -4)) });
      expect(labels, path).toEqual(label && int64([3], [1, 1, 1]));
    }
    await expect(openDataset(files[3], { label: 'z' })).rejects.toThrow(/no column or array "z"/);
    await expect(openDataset(await file('short.npy', writeNpy(x).slice(0, -1)))).rejects.toThrow(/truncated array/);
    await expect(openDataset(await file('n.npz', writeNpz({ x, y: int64([3], [0, 1, 0]) })))).rejects.toThrow(
      /"y" has another number of rows.*got 3, expected 4/,
    );
    await expect(openDataset(files[2], { budget: 10 })).rejects.toThrow(/packed array is larger than the budget/);
  });

  it('in Fortran order are read whole, and are the same', async () => {
    const bytes = writeNpy(tensor('float32', [2, 4], Float32Array.of(1, 3, 5, 7, 2, 4, 6, 8)));
    const text = new TextDecoder('latin1').decode(bytes);
    const turned = text.replace("'fortran_order': False", "'fortran_order': True ").replace('(2, 4)', '(4, 2)');
    const path = await file(
      'f.npy',
      Uint8Array.from(turned, (letter) => letter.charCodeAt(0)),
    );
    expect((await (await openDataset(path)).read([1, 3])).inputs.x).toEqual(float32([2, 2], [3, 4, 7, 8]));
  });

  it('of bytes are images, with labels in a file of their own', async () => {
    const path = await file(
      'images-idx3',
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40),
    );
    const labels = await file('labels-idx1', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 3));
    const dataset = await openDataset(path, { labels });
    expect(dataset.contents.kind).toBe('image');
    expect((await dataset.read([1])).inputs).toEqual({ image: tensor('uint8', [1, 1, 2], Uint8Array.of(30, 40)) });
    expect(dataset.labels).toEqual(int64([2], [7, 3]));
    const preprocessing = completePreprocessing({
      inputs: { in: { kind: 'image', size: [1, 2], colour: 'grey', range: [0, 255] } },
    });
    const prepared = await openDataset(path, { preprocessing });
    expect((await prepared.read([0])).inputs).toEqual({ in: float32([1, 1, 1, 2], [10, 20]) });
    const other = await file('other-idx1', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 3, 1));
    await expect(openDataset(path, { labels: other })).rejects.toThrow(/another number of labels.*got 3, expected 2/);
  });
});

describe('a folder', () => {
  it('of images has its sub-folders as classes and the names of files as ids', async () => {
    for (const [name, value] of [
      ['pets/cat/a.png', 1],
      ['pets/dog/b.png', 2],
      ['pets/cat/c.png', 3],
    ] as const)
      await file(name, await png(value));
    const dataset = await openDataset(join(folder, 'pets'));
    expect(await everyId(dataset)).toEqual(['cat/a.png', 'cat/c.png', 'dog/b.png']);
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(dataset.labels).toEqual(int64([3], [0, 0, 1]));
    const { inputs } = await dataset.read([2, 0]);
    expect(inputs.image.shape).toEqual([2, 2, 3, 3]);
    expect([inputs.image.data[0], inputs.image.data[18]]).toEqual([2, 1]);
    expect(dataset.notes).toEqual(['classes are the sub-folders of the files']);
    expect((await dataset.hashes([0]))[0]).toBe(contentHash([await png(1)]));
    expect((await openDataset(join(folder, 'pets'), { labels: 'none' })).labels).toBeUndefined();
  });

  it('called train and test has a column of the split', async () => {
    await file('splits/train/no/a.txt', 'bad ');
    await file('splits/test/yes/a.txt', 'good\n');
    const dataset = await openDataset(join(folder, 'splits'));
    expect(await dataset.column('split', [0, 1])).toEqual(['test', 'train']);
    expect(dataset.classes).toEqual(['no', 'yes']);
    expect((await dataset.read([0, 1])).inputs).toEqual({ text: tensor('string', [2], ['good', 'bad']) });
  });

  it('takes labels from a table that names its files', async () => {
    for (const name of ['a', 'b', 'c']) await file(`flat/${name}.png`, await png(name.charCodeAt(0)));
    await file('flat/labels.csv', 'image,kind,who\nc.png,dog,x\na.png,cat,y\nb.png,cat,x\n');
    const dataset = await openDataset(join(folder, 'flat'), { labels: 'labels.csv', label: 'kind' });
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(dataset.labels).toEqual(int64([3], [0, 0, 1]));
    expect(await dataset.column('who', [0, 1, 2])).toEqual(['y', 'x', 'x']);
    const from = (text: string) =>
      file('other.csv', text).then((labels) => openDataset(join(folder, 'flat'), { labels }));
    await expect(from('image,kind\nx.png,dog\ny.png,cat\nz.png,cat\n')).rejects.toThrow(/is of other files/);
    await expect(from('image,kind\na.png,dog\nb.png,cat\n')).rejects.toThrow(/does not name every file.*"c.png"/);
    await expect(from('image,kind\na.png,dog\nb.png,cat\nc.png,cat\na.png,cat\n')).rejects.toThrow(
      /names a file twice/,
    );
    await expect(from('image,kind,who\na.png,dog,1\nb.png,cat,1\nc.png,cat,1\n')).rejects.toThrow(
      /which column holds the labels/,
    );
  });

  it('of images of different sizes needs a size, and a damaged one is named', async () => {
    await file('mixed/a.png', await png(1));
    await file('mixed/b.png', await png(1, [4, 4]));
    const dataset = await openDataset(join(folder, 'mixed'));
    expect((await dataset.read([1])).inputs.image.shape).toEqual([1, 4, 4, 3]);
    await expect(dataset.read([0, 1])).rejects.toThrow(/b.png: images of different sizes.*got 4×4×3, expected 2×3×3/);
    await file('mixed/b.png', 'no image');
    await expect(dataset.read([1])).rejects.toThrow(/b.png: cannot be read as/);
    await expect(openDataset(folder, { kind: 'table' })).rejects.toThrow(/holds no data that is read/);
  });

  it('is named by a table with a row for each image', async () => {
    await file('listed/sub/a.png', await png(5));
    await file('listed/b.png', await png(6));
    const path = await file('listed/list.csv', 'file,y\nb.png,1\nsub/a.png,0\n');
    const dataset = await openDataset(path, { image: 'file', label: 'y', id: 'file' });
    expect((await dataset.read([1])).inputs.image.data[0]).toBe(5);
    expect(await everyId(dataset)).toEqual(['b.png', 'sub/a.png']);
    expect(dataset.describe(1)).toBe('sub/a.png');
    const out = await file('listed/out.csv', 'file\n../people.csv\n');
    await expect(openDataset(out, { image: 'file' })).rejects.toThrow(/must lie below its folder/);
  });
});

describe('texts', () => {
  it('stand on the lines of a file', async () => {
    const dataset = await openDataset(await file('lines.txt', '\uFEFFone\r\n\r\n  \r\ntwo, "and\r\nthree'));
    expect((await dataset.read([0, 1, 2])).inputs.text).toEqual(tensor('string', [3], ['one', 'two, "and', 'three']));
    expect(dataset.describe(1)).toBe('lines.txt line 1');
  });
});

describe('wherefore.yaml', () => {
  it('describes data sets under names', async () => {
    await file('described/train.csv', people);
    const path = await file(
      'described/wherefore.yaml',
      'data:\n  train: { path: train.csv, label: income, id: name }\n  test: { path: ../people.csv }\n',
    );
    const dataset = await openDataset(`${path}#train`);
    expect(dataset.classes).toEqual(['<=50K', '>50K']);
    await expect(openDataset(path)).rejects.toThrow(/which data set is meant\? \(got train, test\)/);
    await expect(openDataset(`${path}#tain`)).rejects.toThrow(/no data set "tain": did you mean "train"/);
    await expect(openDataset(`${path}#test`)).rejects.toThrow(/must lie below its folder/);
    await file('described/wherefore.yaml', 'data:\n  train:\n    pth: a.csv\n    kind: image\n');
    await expect(openDataset(path)).rejects.toThrow(/line 3: data.train: unknown key "pth": did you mean "path"/);
  });
});

describe('memory', () => {
  it('of 100,000 rows is what the budget and a batch hold', async () => {
    const length = 100_000;
    const column = (k: number) => ({ name: `c${k}`, data: Float64Array.from({ length }, (_, i) => i * k) });
    const parquet = await file(
      'many.parquet',
      new Uint8Array(parquetWriteBuffer({ columnData: [1, 2, 3, 4].map(column), rowGroupSize: 5000 })),
    );
    const npy = await file('many.npy', writeNpy(float32([length, 32], new Float32Array(length * 32))));
    const csv = await file('many.csv', `a,b\n${Array.from({ length }, (_, i) => `${i},${2 * i}`).join('\n')}\n`);
    // A row group takes 4 × 40,000 bytes, the array 12.8 MB, the text 1.3 MB.
    for (const [path, budget] of [
      [parquet, 200_000],
      [npy, 3 * 2 ** 20],
      [csv, 2 ** 20],
    ] as const) {
      const dataset = await openDataset(path, { budget });
      let rows = 0;
      for await (const { inputs, indices } of batches(dataset, { bytes: 2 ** 16 })) {
        rows += indices.length;
        if (path === parquet) expect(inputs.c3.data[0]).toBe(3 * indices[0]);
        if (path === csv) expect(inputs.b.data[0]).toBe(2 * indices[0]);
      }
      expect(rows).toBe(length);
      expect(dataset.budget.peak).toBeGreaterThan(0);
      expect(dataset.budget.peak).toBeLessThanOrEqual(budget);
    }
  });
});

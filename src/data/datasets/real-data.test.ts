import * as fc from 'fast-check';
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { batches } from '../../dataset/batches.ts';
import { datasetOf } from '../../dataset/in-memory.ts';
import { splitIndices, subset } from '../../dataset/select.ts';
import { takeRows } from '../../tensor/take-rows.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { readCsv } from '../formats/csv.ts';
import { readIdx } from '../formats/idx.ts';
import { tableInputFor } from '../inputs/table-input.ts';
import { type ImageInput, preprocessingSchema } from '../model/preprocessing.ts';
import { completePreprocessing } from '../model/preprocessing-text.ts';
import { pixelDataset, tableDataset } from './in-memory.ts';
import { openDataset } from './open-dataset.ts';

function imageInput(options: object): { name: string; preprocessing: ImageInput } {
  const preprocessing = preprocessingSchema.parse({ inputs: { x: { kind: 'image', range: [0, 1], ...options } } })
    .inputs.x as ImageInput;
  return { name: 'x', preprocessing };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

describe('readIdx', () => {
  const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);

  it('reads bytes and big-endian numbers, gzipped or not', () => {
    expect(readIdx(file)).toEqual(tensor('uint8', [2, 3], Uint8Array.of(1, 2, 3, 4, 5, 6)));
    expect(readIdx(gzipSync(file))).toEqual(readIdx(file));
    expect(readIdx(Uint8Array.of(0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 1, 0, 255, 255, 255, 254))).toEqual(
      tensor('int32', [2], Int32Array.of(256, -2)),
    );
  });

  it('refuses other, truncated and longer files', () => {
    for (let length = 0; length < file.length; length++) {
      expect(() => readIdx(file.subarray(0, length))).toThrow(expect.objectContaining({ code: 'invalid-data' }));
    }
    expect(() => readIdx(Uint8Array.of(...file, 0))).toThrow(
      /bytes after the data \(got 7 bytes of data, expected 6 for uint8 2×3\)/,
    );
    expect(() => readIdx(gzipSync(file).subarray(0, 20), 'a.gz')).toThrow(/^a\.gz: damaged or truncated gzip/);
    expect(() => readIdx(new TextEncoder().encode('text'))).toThrow(/not an IDX file/);
  });
});

describe('datasetOf', () => {
  const rows = float32([4, 2], [0, 1, 10, 11, 20, 21, 30, 31]);
  const dataset = datasetOf(
    { a: rows, b: tensor('string', [4], ['p', 'q', 'r', 's']) },
    { labels: int64([4], [0, 1, 2, 3]) },
  );

  it('gathers rows in the order asked for', async () => {
    expect((await dataset.read([3, 0, 3])).inputs).toEqual({
      a: float32([3, 2], [30, 31, 0, 1, 30, 31]),
      b: tensor('string', [3], ['s', 'p', 's']),
    });
    expect((await dataset.read([2])).labels).toEqual(int64([1], [2]));
    expect(() => takeRows(rows, [4])).toThrow(/no such row \(got 4, expected 0 to 3\)/);
    expect(() => datasetOf({ a: rows }, { labels: int64([3], [0, 1, 2]) })).toThrow(/"labels" has another number/);
  });

  it('subset keeps the place in the whole', async () => {
    const part = subset(dataset, [2, 1]);
    expect(part.length).toBe(2);
    expect((await part.read([0])).inputs.a).toEqual(float32([1, 2], [20, 21]));
    expect(part.labels).toEqual(int64([2], [2, 1]));
    expect(part.describe(1)).toBe('tensors in memory row 1');
    expect(() => subset(dataset, [4])).toThrow(/no such row/);
  });

  it('batches go through every example once, whatever the size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.option(fc.integer()), async (size, seed) => {
        const parts = await collect(
          batches(dataset, { size, shuffle: seed === null ? undefined : { seed, epoch: 0 } }),
        );
        expect(parts).toHaveLength(Math.ceil(4 / size));
        const order = parts.flatMap(({ indices }) => [...indices]);
        expect([...order].sort()).toEqual([0, 1, 2, 3]);
        if (seed === null) expect(order).toEqual([0, 1, 2, 3]);
        const values = parts.flatMap(({ inputs }) => [...(inputs.a as Tensor<'float32'>).data]);
        expect(values).toEqual(order.flatMap((i) => [10 * i, 10 * i + 1]));
      }),
      { numRuns: 30 },
    );
    await expect(collect(batches(dataset, { size: 0 }))).rejects.toThrow(/size of a batch/);
  });

  it('shuffles alike for a seed and an epoch, and differently for others', async () => {
    const large = datasetOf({ a: float32([50, 1], new Float32Array(50)) });
    const order = async (seed: number, epoch: number) =>
      [...(await collect(batches(large, { size: 50, shuffle: { seed, epoch } })))[0].indices].join();
    expect(await order(1, 2)).toBe(await order(1, 2));
    expect(new Set([await order(1, 2), await order(1, 3), await order(2, 2)]).size).toBe(3);
  });

  it('splits without overlap', () => {
    const [train, test] = splitIndices(10, 0.8, 3);
    expect(train).toHaveLength(8);
    expect([...train, ...test].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('images', () => {
  it('pixelDataset scales grey images', async () => {
    const pixels = tensor('uint8', [2, 1, 2], Uint8Array.of(0, 255, 51, 102));
    const dataset = pixelDataset(pixels, imageInput({ size: [1, 2], colour: 'grey' }), {
      labels: tensor('uint8', [2], Uint8Array.of(3, 4)),
    });
    const { x } = (await dataset.read([1, 0])).inputs;
    expect(x.shape).toEqual([2, 1, 1, 2]);
    // float32 rounding of 51/255 and 102/255
    expect([...(x as Tensor<'float32'>).data].map((value) => value.toFixed(6))).toEqual([
      '0.200000',
      '0.400000',
      '0.000000',
      '1.000000',
    ]);
    expect(dataset.labels).toEqual(int64([2], [3, 4]));
    expect(() => pixelDataset(float32([1, 2, 2], [1, 2, 3, 4]), imageInput({ size: [2, 2] }))).toThrow(
      /not a set of images/,
    );
  });
});

describe('tableDataset', () => {
  const table = readCsv('n,label,y\n1,b,0.5\n3,a,1.5');
  const input = { name: 'x', preprocessing: tableInputFor({ columns: [table.columns[0]], rowCount: 2 }).input };

  it('numbers classes in sorted order; numbers stay numbers', async () => {
    const classes = tableDataset(table, input, 'label');
    expect(classes.classes).toEqual(['a', 'b']);
    expect(classes.labels).toEqual(int64([2], [1, 0]));
    expect((await classes.read([1])).inputs.x).toEqual(float32([1, 1], [1]));
    expect(tableDataset(table, input, 'y').labels).toEqual(float32([2], [0.5, 1.5]));
    expect(() => tableDataset(readCsv('n,label\n1,b\n2,?'), input, 'label')).toThrow(
      /column "label", row 1: a row has no label/,
    );
  });
});

const fashion = sharedData('fashion-mnist/t10k-images-idx3-ubyte.gz');
const fashionLabels = sharedData('fashion-mnist/t10k-labels-idx1-ubyte.gz');

describe('real data', () => {
  it.skipIf(!fashion || !fashionLabels)('Fashion-MNIST test set', async () => {
    const preprocessing = completePreprocessing({
      inputs: { x: { kind: 'image', size: [28, 28], colour: 'grey', range: [0, 1] } },
    });
    const dataset = await openDataset(fashion as string, { labels: fashionLabels, preprocessing });
    expect(dataset.length).toBe(10_000);
    const counts = new Array(10).fill(0);
    for (const label of (dataset.labels as Tensor<'int64'>).data) counts[Number(label)]++;
    expect(counts).toEqual(new Array(10).fill(1000));
    const { x } = (await dataset.read([0, 1])).inputs;
    expect(x.shape).toEqual([2, 1, 28, 28]);
  });
});

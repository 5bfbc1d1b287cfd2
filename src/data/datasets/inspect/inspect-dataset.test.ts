import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../../tensor/random.ts';
import { float32, int64, type Tensor, tensor } from '../../../tensor/tensor.ts';
import { writePng } from '../../formats/image.ts';
import { writeNpz } from '../../formats/npz.ts';
import { openDataset } from '../open-dataset.ts';
import { inspectDataset } from './inspect-dataset.ts';
import { differingBits, nearPairs, sketchOf } from './perceptual-hash.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-inspect-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** An image of smooth blobs that a seed determines. */
function blobs(seed: number, side = 48): Tensor<'uint8'> {
  const source = random(seed);
  const centres = Array.from({ length: 6 }, () => [source.uniform(), source.uniform(), 255 * source.uniform()]);
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const [y, x] = [Math.floor(i / side) / side, (i % side) / side];
    let value = 0;
    for (const [cy, cx, level] of centres) value += level * Math.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 0.03);
    data.fill(Math.min(255, value), 3 * i, 3 * i + 3);
  }
  return tensor('uint8', [side, side, 3], data);
}

describe('a table', () => {
  it('is told by column, with missing values, classes, and rows that are the same but for their labels', async () => {
    const path = await file('people.csv', 'age,city,y\n31,Ulm,0\n,Bonn,1\n31,Ulm,1\n31.001,ulm ,1\n7,?,0\n31,Ulm,0\n');
    const found = await inspectDataset(await openDataset(path, { label: 'y' }));
    expect(found.rows).toBe(6);
    expect(found.columns).toEqual([
      {
        name: 'age',
        type: 'number',
        reason: 'all values are numbers, 1 missing',
        missing: 1,
        distinct: 3,
        range: { least: 7, mean: (31 * 3 + 31.001 + 7) / 5, most: 31.001 },
      },
      {
        name: 'city',
        type: 'category',
        reason: '3 different values, 1 missing',
        missing: 1,
        distinct: 3,
        common: [
          { value: 'Ulm', count: 3 },
          { value: 'Bonn', count: 1 },
          { value: 'ulm', count: 1 },
        ],
      },
      expect.objectContaining({ name: 'y', missing: 0, distinct: 2 }),
    ]);
    expect(found.labels).toEqual({
      kind: 'class',
      classes: [
        { name: '0', count: 3 },
        { name: '1', count: 3 },
      ],
    });
    // Rows 0, 2 and 5 are the same, row 3 is once it is rounded.
    expect(found.exact).toMatchObject({ groups: 1, rows: 3, labelsDiffer: 1 });
    expect(found.exact.shown[0]).toEqual({
      rows: [0, 2, 5],
      places: ['people.csv row 0', 'people.csv row 2', 'people.csv row 5'],
      labelsDiffer: true,
    });
    expect(found.near).toMatchObject({ groups: 1, rows: 4 });
  });

  it('names rows that cannot be read, and goes on', async () => {
    const rows = Array.from({ length: 2500 }, (_, i) => (i === 1501 ? 'x,1,2' : `${i},${i}`));
    const found = await inspectDataset(await openDataset(await file('broken.csv', `a,b\n${rows.join('\n')}\n`)));
    expect(found.broken).toEqual({
      count: 1,
      shown: [{ row: 1501, where: 'broken.csv row 1501', why: 'too many values (3 values)' }],
    });
    expect(found.columns[0]).toMatchObject({ distinct: 2499 });
    const few = await inspectDataset(await openDataset(join(folder, 'broken.csv')), { limit: 10 });
    expect(few.inspected).toBe(10);
    expect(few.notes).toContain('10 rows, spread evenly over all, were read');
    expect(few.columns[0].range).toMatchObject({ least: 0, most: 2250 });
  });
});

describe('images', () => {
  it('are near duplicates when they are compressed or resized, and are not when they are others', async () => {
    const original = await writePng(blobs(1));
    await file('set/a/one.png', original);
    await file('set/a/copy.png', original);
    await file('set/b/small.jpg', await sharp(original).resize(31, 31).jpeg({ quality: 60 }).toBuffer());
    for (let seed = 2; seed < 30; seed++) await file(`set/b/other-${seed}.png`, await writePng(blobs(seed)));
    await file('set/b/damaged.png', original.slice(0, 60));
    const told: number[] = [];
    const found = await inspectDataset(await openDataset(join(folder, 'set')), {
      onProgress: (done) => told.push(done),
    });
    expect(told).toEqual([32]);
    expect(found.broken).toMatchObject({ count: 1, shown: [{ where: join(folder, 'set/b/damaged.png') }] });
    expect(found.exact).toMatchObject({ groups: 1, rows: 2, labelsDiffer: 0 });
    expect(found.near).toMatchObject({ groups: 1, rows: 3, labelsDiffer: 1 });
    expect(found.near.shown[0].places.map((place) => place.slice(join(folder, 'set').length + 1))).toEqual([
      'a/copy.png',
      'a/one.png',
      'b/small.jpg',
    ]);
    expect(found.labels).toEqual({
      kind: 'class',
      classes: [
        { name: 'a', count: 2 },
        { name: 'b', count: 30 },
      ],
    });
  });

  it('have the bits of dHash', () => {
    // Brightness falls from left to right in the upper half and rises in the lower: 32 ones, then 32 zeros.
    const data = new Uint8Array(16 * 18 * 3);
    for (let i = 0; i < 16 * 18; i++) {
      const x = i % 18;
      data.fill(i < 8 * 18 ? 200 - 5 * x : 100 + 5 * x, 3 * i, 3 * i + 3);
    }
    const sketch = sketchOf(tensor('uint8', [16, 18, 3], data));
    expect(sketch.bits).toEqual([0xffffffff, 0]);
    const flat = sketchOf(tensor('uint8', [1, 1, 3]));
    expect(flat.bits).toEqual([0, 0]);
    expect(differingBits(sketch, flat)).toBe(32);
  });

  it('are paired as by comparing all with all', () => {
    const source = random(5);
    const base = Array.from({ length: 40 }, (_, i) => sketchOf(blobs(100 + i)));
    const sketches = [...base, ...base].map((sketch, i) => {
      const flips = i < 40 ? 0 : source.integer(12);
      const bits: [number, number] = [...sketch.bits];
      for (let k = 0; k < flips; k++) bits[k & 1] = (bits[k & 1] ^ (1 << (5 * k + (i % 3)))) >>> 0;
      return { ...sketch, bits };
    });
    const { pairs, whole } = nearPairs(sketches);
    expect(whole).toBe(true);
    const expected = new Set<string>();
    for (let b = 0; b < 80; b++)
      for (let a = 0; a < b; a++)
        if (b - a === 40 && differingBits(sketches[a], sketches[b]) <= 6) expected.add(`${a} ${b}`);
    expect(expected.size).toBeGreaterThan(15);
    expect(expected.size).toBeLessThan(40);
    expect(new Set(pairs.map(([a, b]) => `${a} ${b}`))).toEqual(expected);
  });
});

describe('texts and arrays', () => {
  it('are near duplicates but for case, spaces and marks', async () => {
    const dataset = await openDataset(await file('texts.txt', 'Good film!\nbad\ngood   FILM\nBad.\nother\n'));
    const { near, exact, columns } = await inspectDataset(dataset);
    expect(exact.groups).toBe(0);
    expect(near.shown.map(({ rows }) => rows)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(columns[0]).toMatchObject({ missing: 0, range: { least: 3, most: 11 } });
  });

  it('are near duplicates but for the fourth digit', async () => {
    const path = await file(
      'x.npz',
      writeNpz({ x: float32([4, 2], [1, 2, 1.0001, 2, 1.1, 2, Number.NaN, 2]), y: int64([4], [0, 1, 0, 0]) }),
    );
    const { near, columns } = await inspectDataset(await openDataset(path, { label: 'y' }));
    expect(near).toMatchObject({ groups: 1, rows: 2, labelsDiffer: 1 });
    expect(columns[0]).toMatchObject({ name: 'x', type: 'float32 2', missing: 1 });
  });
});

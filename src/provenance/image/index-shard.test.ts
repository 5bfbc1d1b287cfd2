import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../data/datasets/open-dataset.ts';
import { writePng } from '../../data/formats/image.ts';
import { random } from '../../tensor/random.ts';
import { tensor } from '../../tensor/tensor.ts';
import { readBlock } from './features.ts';
import { indexShard } from './index-shard.ts';
import { vectorWidth } from './vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-shard-'));
const image = (seed: number, [height, width]: readonly [number, number]) => {
  const source = random(seed);
  return tensor(
    'uint8',
    [height, width, 3],
    Uint8Array.from({ length: height * width * 3 }, () => source.integer(256)),
  );
};

beforeAll(async () => {
  for (const [name, size] of [
    ['ann/a.png', [20, 30]],
    ['ann/b.png', [16, 16]],
    ['bob/c.png', [40, 10]],
  ] as const) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), await writePng(image(name.charCodeAt(4), size)));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a shard of an index', () => {
  it('holds images of any size, with the sub-folder of each, and reads back as it was', async () => {
    const data = await openDataset(folder, { kind: 'image' });
    const done: number[] = [];
    const { items, features } = await indexShard(data, Uint32Array.of(0, 2), [], (count) => done.push(count));
    expect(items.map(({ id, size, columns }) => [id, size, columns.folder])).toEqual([
      ['ann/a.png', [20, 30], 'ann'],
      ['bob/c.png', [40, 10], 'bob'],
    ]);
    expect(done).toEqual([1, 2]);
    const block = readBlock(features, 2, 'shard');
    expect(block.vectors).toHaveLength(2 * vectorWidth);
    // The whole image, whatever its proportions: points lie between 0 and 1 of the longer side.
    for (let i = 0; i < block.starts[2]; i++) {
      const isSecond = i >= block.starts[1];
      expect(block.places[3 * i]).toBeLessThanOrEqual(isSecond ? 0.25 : 1);
      expect(block.places[3 * i + 1]).toBeLessThanOrEqual(isSecond ? 1 : 20 / 30 + 1e-6);
    }
    expect(() => readBlock(features, 3, 'shard')).toThrow(/shard, starts: the index is damaged/);
  });

  it('refuses data of another kind', async () => {
    writeFileSync(join(folder, 'rows.csv'), 'a,b\n1,2\n');
    const data = await openDataset(join(folder, 'rows.csv'), { kind: 'table' });
    await expect(indexShard(data, Uint32Array.of(0), [])).rejects.toThrow(/holds no images/);
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeExplained, plainImage } from '../../test/explained.ts';
import { writeSafetensors } from '../data/formats/safetensors.ts';
import { float32 } from '../tensor/tensor.ts';
import { readExplanation, writeRun } from './write-run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-runs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const layout = { channelAxis: 1, spatialAxes: [2, 3] };
const imageExample = makeExplained({
  attribution: float32([1, 3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  layout,
  image: plainImage(4, 4, 77),
  transform: { source: [4, 4], grid: [2, 2], scale: [0.5, 0.5], offset: [0, 0] },
});
const row = makeExplained({ attribution: float32([1, 2], [1, -2]), layer: 'a/b: "c"' });
const started = new Date('2026-01-02T03:04:05.678Z');

it('writes a whole run and reads its explanations back', async () => {
  const run = await writeRun(folder, [imageExample, row], { command: 'wherefore explain cat.png', seed: 3, started });
  expect(run).toMatch(/2026-01-02T03-04-05-678Z-[0-9a-f]{6}$/);
  expect((await readdir(run)).sort()).toEqual([
    '1-cat-input-integrated-gradients.json',
    '1-cat-input-integrated-gradients.png',
    '1-cat-input-integrated-gradients.safetensors',
    '2-cat-a-b-c-integrated-gradients.json',
    '2-cat-a-b-c-integrated-gradients.safetensors',
    'image-1.png',
    'index.html',
    'run.json',
  ]);
  const back = await readExplanation(join(run, '1-cat-input-integrated-gradients.json'));
  expect(back.document).toEqual(JSON.parse(JSON.stringify(imageExample.document)));
  expect(back.tensors).toEqual(imageExample.tensors);
  expect(back.image).toEqual(imageExample.image);
  const record = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
  expect(record).toMatchObject({
    state: 'complete',
    seed: 3,
    command: 'wherefore explain cat.png',
    cost: { forward: 100, backward: 100, seconds: 1 },
  });
  expect(record.explanations).toHaveLength(2);
});

it('leaves nothing behind when it cannot write', async () => {
  const place = join(folder, 'blocked');
  await writeFile(place, 'a file where the folder should be');
  await expect(writeRun(place, [row], { started })).rejects.toMatchObject({ code: 'file-unwritable' });
  const strange = {
    ...row,
    tensors: new Map([...row.tensors, ['names', { type: 'string', shape: [1], data: ['x'] } as const]]),
  };
  const empty = join(folder, 'empty');
  await expect(writeRun(empty, [strange], { started })).rejects.toMatchObject({ code: 'wrong-type' });
  expect(await readdir(empty)).toEqual([]);
});

it('says what is wrong with what it reads', async () => {
  const run = await writeRun(join(folder, 'damaged'), [row], { started });
  const [document] = (await readdir(run)).filter((name) => name.startsWith('1-') && name.endsWith('.json'));
  const path = join(run, document);
  const tensors = path.replace(/json$/, 'safetensors');
  await writeFile(tensors, writeSafetensors(new Map([...row.tensors, ['attribution', float32([1, 3], [1, 2, 3])]])));
  await expect(readExplanation(path)).rejects.toThrow(
    /tensor "attribution" is not what the document says \(got float32 1×3, expected float32 1×2\)/,
  );
  await rm(tensors);
  await expect(readExplanation(path)).rejects.toMatchObject({ code: 'file-not-found' });
  await expect(readExplanation(join(run, 'run.json'))).rejects.toThrow('not an explanation document');
  await writeFile(path, '{"format":"wherefore/explanation","version":{"toString":1}}');
  await expect(readExplanation(path)).rejects.toThrow(/has another version \(got \{"toString":1\}/);
  await writeFile(path, '{');
  await expect(readExplanation(path)).rejects.toThrow('not a JSON document');
});

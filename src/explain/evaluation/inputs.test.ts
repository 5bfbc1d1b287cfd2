import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { writePng } from '../../data/formats/image.ts';
import { loadModel } from '../../data/model/load-model.ts';
import { tensor } from '../../tensor/tensor.ts';
import { preprocessingOf } from '../preprocessing-of.ts';
import { drawInputs, sourceOf } from './inputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-inputs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('two files of one name, from folders that are not told, stay two inputs', async () => {
  for (const [place, value] of [
    ['a', 10],
    ['b', 20],
  ] as const) {
    mkdirSync(join(folder, place));
    const pixels = new Uint8Array(20 * 20 * 3).fill(value);
    writeFileSync(join(folder, place, 'cat.png'), await writePng(tensor('uint8', [20, 20, 3], pixels)));
  }
  const path = fileURLToPath(new URL('../../../test/fixtures/command-line/classifier.onnx', import.meta.url));
  const model = await loadModel(path);
  const sources = ['a', 'b', 'a'].map((place) => join(folder, place, 'cat.png'));
  const drawn = await drawInputs(model, sources, preprocessingOf(model, {}));
  expect(drawn.map(sourceOf)).toEqual(['cat.png', '2/cat.png', 'cat.png']);
  expect(drawn.map(({ source }) => source)).toEqual(['cat.png', '2/cat.png', 'cat.png']);
  await model.close();
});

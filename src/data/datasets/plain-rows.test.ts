import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../model/load-model.ts';
import { openDataset } from './open-dataset.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-plain-rows-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a table without a description', () => {
  it('beside a model of images has to say which column names the files', async () => {
    const model = await loadModel('examples/demo/model/shapes.onnx');
    const path = join(folder, 'list.csv');
    await writeFile(path, 'number,file,kind\n1,a.png,fish\n2,b.png,tree\n');
    await expect(openDataset(path, { model, label: 'kind' })).rejects.toThrow(
      /which column names their files\?.*got number, file, kind.*--image file/,
    );
    await model.close();
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Files } from '../files/file-access.ts';
import { memoryFiles } from '../files/memory-files.ts';
import { nodeFiles } from '../files/node-files.ts';
import { settledPreprocessing } from '../guess/settled-preprocessing.ts';
import { loadModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import { openModel } from './open-model.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-open-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await runtime.close();
});

const tokenizer = {
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, red: 1, fox: 2, blue: 3, sea: 4 }, unk_token: '[UNK]' },
  pre_tokenizer: { type: 'Whitespace' },
  added_tokens: [],
  ...{ normalizer: null, post_processor: null, decoder: null },
};

/** A classifier of texts as Hugging Face lays one out: what belongs to it lies in the folder around `onnx/`. */
async function layOut(files: Files, place: string): Promise<string> {
  const model = fileURLToPath(new URL('../../../test/fixtures/command-line/tokens.onnx', import.meta.url));
  await files.write(`${place}/onnx/model.onnx`, readFileSync(model));
  await files.write(`${place}/tokenizer.json`, JSON.stringify(tokenizer));
  await files.write(`${place}/config.json`, JSON.stringify({ id2label: { 0: 'forest', 1: 'water', 2: 'other' } }));
  await files.write(`${place}/texts/two.txt`, 'red fox\nblue sea blue\n');
  return `${place}/onnx/model.onnx`;
}

describe('a model opened from files in memory', () => {
  const inputsOf = (model: LoadedModel, source: string) =>
    model.edge.readInputs(model, source, settledPreprocessing(model));
  const idsOf = async (model: LoadedModel, source: string) =>
    (await inputsOf(model, source)).map(({ tensors }) => [...(tensors.get('ids')?.data as BigInt64Array)]);

  it('has the labels, the tokenizer and the inputs of the same files on the disk', async () => {
    const memory = memoryFiles();
    const there = await openModel(await layOut(memory, 'm'), { runtime, files: memory });
    const here = await loadModel(await layOut(nodeFiles, folder), { runtime });
    expect(there.labels).toEqual(['forest', 'water', 'other']);
    expect(there.labels).toEqual(here.labels);
    expect(await idsOf(there, 'red sea')).toEqual([[1n, 4n]]);
    expect(await idsOf(there, 'm/texts/two.txt#1')).toEqual([[3n, 4n, 3n]]);
    const lines = [
      [1n, 2n],
      [3n, 4n, 3n],
    ];
    for (const source of ['texts', 'texts/two.txt']) {
      expect(await idsOf(there, `m/${source}`)).toEqual(lines);
      expect(await idsOf(here, `${folder}/${source}`)).toEqual(lines);
    }
    const [mine, other] = [await inputsOf(there, 'red sea'), await inputsOf(here, 'red sea')];
    expect(mine.map(({ groups, notes, hash }) => ({ groups, notes, hash }))).toEqual(
      other.map(({ groups, notes, hash }) => ({ groups, notes, hash })),
    );
  });

  it('refuses a tokenizer that is none, and says what it reads', async () => {
    const memory = memoryFiles();
    const path = await layOut(memory, 'm');
    await memory.write('m/tokenizer.json', '{}');
    const model = await openModel(path, { runtime, files: memory });
    await expect(inputsOf(model, 'red sea')).rejects.toThrow('m/tokenizer.json: not a tokenizer');
    await memory.remove('m/tokenizer.json');
    const bare = await openModel(path, { runtime, files: memory });
    await expect(inputsOf(bare, 'red sea')).rejects.toThrow('does not say how a text becomes its input');
    await memory.write('m/table.csv', 'text\nred sea');
    await expect(inputsOf(model, 'm/table.csv')).rejects.toThrow(
      /m\/table.csv: the model does not say how a row becomes its input/,
    );
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TextClassifier, writeTextClassifier } from '../../../test/text-models.ts';
import { loadModel } from '../model/load-model.ts';
import { openDataset } from './open-dataset.ts';

const classifier: TextClassifier = { words: { good: [-1, 2], bad: [3, -1], film: [0, 0] }, classes: 2 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-equal-texts-'));
  await writeTextClassifier(folder, classifier, {
    'rows.csv': 'sentence,mood\ngood film,1\nbad bad film,0\ngood,1\n',
    'two.csv': 'sentence,mood,by\ngood film,fine,somebody else\nbad,poor,a friend\n',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = async (file: string, options: Parameters<typeof openDataset>[1] = {}, beside = '') => {
  await writeFile(join(folder, 'wherefore.yaml'), beside || 'task: classification\n');
  const model = await loadModel(
    join(folder, 'onnx/model.onnx'),
    beside ? { preprocessing: join(folder, 'wherefore.yaml') } : {},
  );
  return { model, dataset: await openDataset(join(folder, file), { ...options, model }) };
};

describe('texts of a table', () => {
  it('are its only column of texts, filled up to one length that a mask hides', async () => {
    const { model, dataset } = await open('rows.csv', { label: 'mood' });
    const { inputs } = await dataset.read([0, 1, 2]);
    // [CLS] good film [SEP]: ids 2 5 7 3, then [PAD] 0.
    expect([...inputs.input_ids.data].slice(0, 5)).toEqual([2n, 5n, 7n, 3n, 0n]);
    expect(inputs.input_ids.shape).toEqual([3, 5]);
    expect([...inputs.attention_mask.data].slice(0, 5)).toEqual([1n, 1n, 1n, 1n, 0n]);
    expect(dataset.notes).toContain(
      'texts have 3 to 5 tokens: all are filled up to 5, which "attention_mask" hides (seen on the shortest: its outputs differ by 0 %)',
    );
    await model.close();
  });

  it('need a name where several columns hold texts', async () => {
    await expect(open('two.csv', { label: 'mood' })).rejects.toThrow(/which column holds the text\?.*--text sentence/);
    const { model, dataset } = await open('two.csv', { label: 'mood', text: 'by' });
    expect((await dataset.read([0])).inputs.input_ids.shape).toEqual([1, 4]);
    await model.close();
  });

  it('are said to be cut where they are longer than a stated length', async () => {
    const stated =
      'inputs:\n  input_ids: { kind: text, tokenizer: tokenizer.json, length: 4 }\n  attention_mask: { kind: text, part: mask }\n';
    const { model, dataset } = await open('rows.csv', { label: 'mood' }, stated);
    expect(dataset.notes).toContain('1 of 3 texts are longer than 4 tokens, and cut');
    expect((await dataset.read([0, 1])).inputs.input_ids.shape).toEqual([2, 4]);
    await model.close();
  });
});

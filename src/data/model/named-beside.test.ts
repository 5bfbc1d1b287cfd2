import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { matrix, modelOf } from '../../../test/attribution-models.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { describeRows, leavesInputsOpen } from '../inputs/describe-rows.ts';
import { bareRow } from '../inputs/tensor-input.ts';
import { loadModel } from './load-model.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** A folder with a model of three numbers and two classes, and what is written beside it. */
function folderWith(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-named-'));
  const { source } = modelOf(runtime, [1, 3], (b) => b.op('MatMul', ['x', matrix(b, 3, 2, [1, 2, 3, 4, 5, 6])]));
  writeFileSync(join(folder, 'm.onnx'), encodeModel(source));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, path: (name: string) => join(folder, name) };
}

describe('files that are named in place of those beside a model', () => {
  it('takes labels before those of the wherefore.yaml and of labels.txt', async () => {
    const { path } = folderWith({
      'mine.txt': 'left\nright\n',
      'labels.txt': 'a\nb\n',
      'wherefore.yaml': 'labels: [c, d]\n',
    });
    const model = await loadModel(path('m.onnx'), { runtime, labels: path('mine.txt') });
    expect(model.labels).toEqual(['left', 'right']);
    expect(model.preprocessing?.preprocessing.labels).toEqual(['left', 'right']);
    const unnamed = await loadModel(path('m.onnx'), { runtime });
    expect(unnamed.labels).toEqual(['c', 'd']);
  });

  it('refuses labels of which there are as many as no output has numbers', async () => {
    const { path } = folderWith({ 'three.txt': 'a\nb\nc\n' });
    await expect(loadModel(path('m.onnx'), { runtime, labels: path('three.txt') })).rejects.toThrow('3 labels');
  });

  it('takes a tokenizer before the one beside the model', async () => {
    const { path } = folderWith({ 'tokenizer.json': '{}', 'mine.json': '{}' });
    const model = await loadModel(path('m.onnx'), { runtime, tokenizer: path('mine.json') });
    expect(model.beside?.files.tokenizer).toBe(path('mine.json'));
  });
});

describe('a wherefore.yaml that says nothing of the inputs', () => {
  it('is kept, and the columns of a table added to it', async () => {
    const { path } = folderWith({ 'wherefore.yaml': '# mine\nlabels: [c, d]\n', 'rows.csv': 'p,q,r\n1,2,3\n4,5,7\n' });
    const model = await loadModel(path('m.onnx'), { runtime });
    expect(model.preprocessing && leavesInputsOpen(model.preprocessing)).toBe(true);
    const { text } = await describeRows(model, path('rows.csv'));
    expect(text).toContain('# mine\nlabels: [c, d]\n');
    expect(text.match(/^labels:/gm)).toHaveLength(1);
    writeFileSync(path('wherefore.yaml'), text);
    const described = await loadModel(path('m.onnx'), { runtime });
    expect(described.labels).toEqual(['c', 'd']);
    expect(described.preprocessing?.preprocessing.inputs.x).toMatchObject({ kind: 'table' });
    expect(described.preprocessing && leavesInputsOpen(described.preprocessing)).toBe(false);
  });
});

describe('a row of bare numbers', () => {
  it('is read as a list', () => {
    expect(bareRow('5.1,3.5, -2e-3,+.5')).toBe('[5.1,3.5,-0.002,0.5]');
    for (const text of ['5.1', 'a,b', '1,2,', '1;2', '', '1,2,x.npy']) expect(bareRow(text)).toBe(undefined);
  });
});

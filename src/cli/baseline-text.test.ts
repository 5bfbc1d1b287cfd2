import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../test/shared-data.ts';
import { baselineText } from '../attribution/baselines/text.ts';
import { writeSafetensors } from '../data/formats/safetensors.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { baselines, parseBaseline } from './baseline-text.ts';

const runtime = createNodeRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-baseline-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const [model, tokenizer] = ['stories260k.onnx', 'tokenizer.json'].map((name) => sharedData(`stories260k/${name}`));

it.skipIf(!model || !tokenizer)('a numbered token leaves the mark of the beginning where it is', async () => {
  await copyFile(tokenizer as string, join(folder, 'tokenizer.json'));
  const yaml = join(folder, 'wherefore.yaml');
  await writeFile(yaml, 'task: language\ninputs:\n  input_ids: { kind: text, tokenizer: tokenizer.json }\n');
  const loaded = await loadModel(model as string, { runtime, preprocessing: yaml });
  const read = await parseBaseline('tokens:3', loaded, preprocessingOf(loaded, {}));
  // <s> and </s>; <unk> stands for a word that somebody wrote.
  expect(read({} as ModelInput)).toMatchObject({ kind: 'tokens', id: 3, keep: [1, 2] });
  await loaded.close();
});

it('a file of several inputs is not one baseline', async () => {
  const table = join(folder, 'rows.csv');
  await writeFile(table, 'a,b,c\n1,2,3\n4,5,6\n7,8,9\n');
  const yaml = join(folder, 'table.yaml');
  const columns = ['a', 'b', 'c'].map((name) => `      - { name: ${name}, encode: number }`).join('\n');
  await writeFile(yaml, `inputs:\n  row:\n    kind: table\n    columns:\n${columns}\n`);
  const tree = new URL('../../test/fixtures/command-line/tree.onnx', import.meta.url).pathname;
  const loaded = await loadModel(tree, { runtime, preprocessing: yaml });
  const preprocessing = preprocessingOf(loaded, {});
  await expect(parseBaseline(`${table}#0,2`, loaded, preprocessing)).rejects.toThrow(
    /one input to compare with \(got 2 inputs.*sample:.*rows\.csv#0,2/,
  );
  await loaded.close();
});

describe('a baseline for each of several inputs', () => {
  // y = Σ left + Σ right
  async function twoInputs() {
    const builder = new GraphBuilder();
    for (const name of ['left', 'right']) builder.input(name, 'float32', ['batch', 2]);
    builder.op('Add', ['left', 'right'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 2]);
    const source = { irVersion: 10, producer: '', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
    return loadModel(encodeModel({ ...source, graph: builder.build() }), { runtime });
  }
  const tensors = new Map([
    ['left', float32([1, 2], [1, 2])],
    ['right', float32([1, 2], [3, 4])],
  ]);
  const input: ModelInput = { source: '', hash: undefined, tensors, layout: {}, notes: [] };

  it('parts with names belong together until a name comes again', () => {
    expect(baselines('left=zero,right=mean')).toEqual(['left=zero,right=mean']);
    expect(baselines('left=zero,right=mean,left=mean,zero')).toEqual(['left=zero,right=mean', 'left=mean', 'zero']);
    expect(baselines('black,white')).toEqual(['black', 'white']);
    expect(baselines('left=zero', ['right=zero'])).toEqual(['right=zero', 'left=zero']);
  });

  it('by the name of the input: words, files with and without names', async () => {
    const loaded = await twoInputs();
    const none = { inputs: {}, outputs: {} };
    const file = join(folder, 'both.safetensors');
    await writeFile(file, writeSafetensors(tensors));
    const read = async (text: string) => (await parseBaseline(text, loaded, none))(input);
    expect(await read('left=zero,right=constant:2')).toEqual({
      kind: 'each',
      baselines: new Map<string, unknown>([
        ['left', { kind: 'zero' }],
        ['right', { kind: 'constant', value: 2 }],
      ]),
    });
    expect(await read(file)).toEqual({ kind: 'input', tensors, description: 'both.safetensors' });
    expect(await read(`right=${file}`)).toEqual({
      kind: 'each',
      baselines: new Map([['right', { kind: 'input', tensor: tensors.get('right'), description: 'both.safetensors' }]]),
    });
    expect(await read(`sample:${file}`)).toMatchObject({ kind: 'sample', tensors });
    await expect(read('left=zero,wrong=mean')).rejects.toThrow(/got "wrong", expected "left", "right"/);
    await expect(read('left=black')).rejects.toThrow(/forms|colour/);
    await loaded.close();
  });
});

it('separates baselines, but not the rows of a table', () => {
  expect(baselines('black,mean, blur:8')).toEqual(['black', 'mean', 'blur:8']);
  expect(baselines('sample:a.csv#3,17,zero', ['pad'])).toEqual(['pad', 'sample:a.csv#3,17', 'zero']);
});

it.each([
  ['zero', { kind: 'zero' }],
  ['mean', { kind: 'mean' }],
  ['constant:-0.5', { kind: 'constant', value: -0.5 }],
  ['blur:6', { kind: 'blur', sigma: 6 }],
  ['noise:3', { kind: 'noise', seed: 3 }],
  ['tokens:50256', { kind: 'tokens', id: 50256 }],
] as const)('writes the baseline %s and reads it again', async (text, baseline) => {
  expect(baselineText(baseline)).toBe(text);
  const read = await parseBaseline(text, { graph: { inputs: [], initializers: new Map() } } as unknown as LoadedModel, {
    inputs: {},
    outputs: {},
  });
  expect(read({} as ModelInput)).toEqual(baseline);
});

it('does not write a baseline that words do not hold', () => {
  expect(() => baselineText({ kind: 'noise', seed: 1, draws: 4 })).toThrow(/cannot be written/);
  expect(() => baselineText({ kind: 'tokens', id: 1, keep: [0] })).toThrow(/cannot be written/);
});

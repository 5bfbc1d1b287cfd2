import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputBaseline } from '../attribution/baseline.ts';
import type { StatedBaseline } from '../attribution/stated-baseline.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { ask } from '../evaluation/question.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { readExplanation, writeRun } from '../report/write-run.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import { replay } from './replay.ts';

const runtime = createNodeRuntime({ threads: 1 });
let model: LoadedModel;
let folder: string;

// y = Σ_i left_i · right_i + 0 · Σ third, with a third input of another shape.
beforeAll(async () => {
  const builder = new GraphBuilder();
  for (const name of ['left', 'right']) builder.input(name, 'float32', ['batch', 2]);
  builder.input('third', 'float32', ['batch', 1, 3]);
  const product = builder.op('ReduceSum', [builder.op('Mul', ['left', 'right']), builder.ints([1])], { keepdims: 1 });
  const third = builder.op('ReduceSum', ['third', builder.ints([2])], { keepdims: 0 });
  builder.op('Add', [product, third], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 1]);
  const source = { irVersion: 10, producer: '', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
  model = await loadModel(encodeModel({ ...source, graph: builder.build() }), { runtime });
  folder = await mkdtemp(join(tmpdir(), 'wherefore-inputs-'));
});
afterAll(async () => {
  await model.close();
  await runtime.close();
  await rm(folder, { recursive: true });
});

const tensors = (left: number[], right: number[], third: number[]) =>
  new Map<string, Tensor>([
    ['left', float32([1, 2], left)],
    ['right', float32([1, 2], right)],
    ['third', float32([1, 1, 3], third)],
  ]);
/** Baselines by input name. */
const each = (baselines: Record<string, InputBaseline>): StatedBaseline => new Map(Object.entries(baselines));
const x = tensors([1, 2], [3, 4], [1, 1, 1]);
const x0 = tensors([0, 1], [1, 0], [0, 1, 0]);
const given = { kind: 'input', tensors: x0, description: 'by hand' } as const;

async function shares(baseline: StatedBaseline, method: 'integrated-gradients' | 'exact-shapley' = 'exact-shapley') {
  const [explained] = await explain(model, x, { baseline, methods: [method], target: { kind: 'output', index: [0] } });
  const sharesOf = (name: string) => {
    const stored = explained.document.attribution[name];
    return (
      stored && Array.from(explained.tensors.get(stored.key)?.data as Float32Array, (v) => Math.round(v * 1e4) / 1e4)
    );
  };
  return { explained, left: sharesOf('left'), right: sharesOf('right'), third: sharesOf('third') };
}

describe('a baseline for each of several inputs', () => {
  // A product of two: each gets its difference times the mean of the other. left: 1·(3 + 1)/2, 1·(4 + 0)/2;
  // right: 2·(1 + 0)/2, 4·(2 + 1)/2; third: 1, 0, 1. T = (3 + 8 + 3) − (0 + 0 + 1) = 13.
  it.each(['integrated-gradients', 'exact-shapley'] as const)('a file of all of them: %s', async (method) => {
    const found = await shares(given, method);
    expect(found).toMatchObject({ left: [2, 2], right: [1, 6], third: [1, 0, 1] });
    expect(found.explained.document.attributionTarget).toBeCloseTo(13, 5);
  });

  it('kinds of their own, as a map; inputs without one stay', async () => {
    // left against (0, 0), right against its mean 3.5: left 1·(3 + 3.5)/2, 2·(4 + 3.5)/2;
    // right (3 − 3.5)·1/2, (4 − 3.5)·2/2.
    const found = await shares(each({ left: { kind: 'zero' }, right: { kind: 'mean' } }));
    expect(found).toMatchObject({ left: [3.25, 7.5], right: [-0.25, 0.5], third: undefined });
    expect(found.explained.document.baselineDescription).toBe('left: zero input; right: mean of the input');
    expect(found.explained.document.notes.join()).toContain('"third" is not explained');
  });

  it('a sample beside a single one', async () => {
    // right stays at (3, 4) or (1, 0) with left at (0, 1): ½(against (3, 4)) + ½(against (1, 0)).
    // Against (3, 4): left 1·3, 1·4, right 0; against (1, 0) as above.
    const sample = {
      kind: 'sample',
      tensors: new Map([['right', float32([2, 2], [3, 4, 1, 0])]]),
      description: '',
    } as const;
    const left = { kind: 'input', tensor: x0.get('left') as Tensor, description: '' } as const;
    const found = await shares(each({ left, right: sample }));
    expect(found).toMatchObject({ left: [2.5, 3], right: [0.5, 3] });
  });

  it('is replayed with all tensors that were used', async () => {
    const left = { kind: 'input', tensor: x0.get('left') as Tensor, description: 'zeros' } as const;
    const sample = {
      kind: 'sample',
      tensors: new Map([['right', float32([2, 2], [3, 4, 1, 0])]]),
      description: '',
    } as const;
    for (const baseline of [given, each({ left, right: sample }), { kind: 'zero' } as const]) {
      const { explained } = await shares(baseline);
      const written = await writeRun(folder, [explained], { command: '' });
      const [file] = (await readdir(written)).filter((name) => /^1-.*\.json$/.test(name));
      const read = await readExplanation(join(written, file));
      expect((await replay(model, read)).largestDifference).toBe(0);
    }
  });

  it('is a reference of metrics', async () => {
    const target = { kind: 'output', index: [0] } as const;
    const question = await ask(model, { inputs: x, target, reference: given });
    expect(question.referenceValue).toBe(1);
    expect(question.explained).toEqual(['left', 'right', 'third']);
    const tensors = new Map([...x0].map(([name, row]) => [name, row]));
    const mean = await ask(model, { inputs: x, target, reference: { kind: 'sample', tensors, description: 'one' } });
    expect(mean.referenceValue).toBe(1);
  });

  it('one tensor for several inputs is refused', async () => {
    const one = { kind: 'input', tensor: x0.get('left') as Tensor, description: '' } as const;
    await expect(shares(one)).rejects.toThrow(/one tensor, but several inputs are explained.*by its name/);
  });
});

describe('what a caller without types gives', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['a text', 'black', /no such kind of baseline.*got "black"/],
    ['a number', 3, /no such kind of baseline.*got number 3/],
    ['no kind', {}, /no such kind of baseline/],
    ['an inherited kind', { kind: 'toString' }, /no such kind of baseline/],
    ['no value', { kind: 'constant' }, /value/],
    ['a text for a number', { kind: 'blur', sigma: '8' }, /sigma/],
    [
      'tensors in an object',
      { kind: 'sample', tensors: { left: x0.get('left') }, description: '' },
      /not a map of tensors/,
    ],
    ['neither tensor nor tensors', { kind: 'input', description: '' }, /got neither/],
    ['numbers for a tensor', { kind: 'input', tensor: [1, 2], description: '' }, /not a tensor.*an array of 2/],
    [
      'a list as data',
      { kind: 'input', tensor: { type: 'float32', shape: [2], data: [1, 2] }, description: '' },
      /not a tensor/,
    ],
    [
      'too few elements',
      { kind: 'input', tensor: { ...x0.get('left'), shape: [1, 9] }, description: '' },
      /does not fill 1×9/,
    ],
    ['an empty map', new Map(), /names none/],
    ['a map of texts', new Map([['left', 'zero']]), /the baseline of "left".*no such kind/],
  ];
  it.each(wrong)('as a baseline: %s', async (_, baseline, message) => {
    const error = await explain(model, x, { baseline: baseline as StatedBaseline }).catch((caught: Error) => caught);
    expect(error).toMatchObject({ name: 'WhereforeError', message: expect.stringMatching(message) });
  });

  it.each([
    ['an object of tensors', { left: x.get('left') }, /not a map of tensors by input name/],
    ['a number', 3, /not a map of tensors/],
    ['nothing', [undefined], /not a map of tensors/],
    ['numbers', new Map([['left', [1, 2]]]), /"left": not a tensor/],
  ])('as an input: %s', async (_, input, message) => {
    const error = await explain(model, input as never).catch((caught: Error) => caught);
    expect(error).toMatchObject({ name: 'WhereforeError', message: expect.stringMatching(message) });
  });
});

it('says that ids of tokens beside the numbers that are explained stay as they are', async () => {
  const builder = new GraphBuilder();
  builder.input('ids', 'int64', ['batch', 2]);
  builder.input('numbers', 'float32', ['batch', 2]);
  const table = builder.constant(float32([3, 1], [1, 10, 100]));
  const words = builder.op('Gather', [table, 'ids'], { axis: 0 });
  const sums = builder.op('ReduceSum', [words, builder.ints([2])], { keepdims: 0 });
  builder.op('Add', [sums, 'numbers'], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 2]);
  const source = { irVersion: 10, producer: '', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
  const mixed = await loadModel(encodeModel({ ...source, graph: builder.build() }), { runtime });
  const inputs = new Map<string, Tensor>([
    ['ids', int64([1, 2], [0, 2])],
    ['numbers', float32([1, 2], [5, 7])],
  ]);
  const [{ document }] = await explain(mixed, inputs, {
    baseline: { kind: 'zero' },
    methods: ['integrated-gradients'],
    target: { kind: 'output', index: [1] },
  });
  expect(document.attributionTarget).toBeCloseTo(7, 5);
  expect(document.notes.join()).toContain('"ids" is not explained: it stays as it is');
  await mixed.close();
});

import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import { pointOf } from '../points.ts';
import { prepare } from '../prepare.ts';
import type { Target } from './kinds/index.ts';
import { regionMask, regionOf } from './region.ts';
import { describeTarget } from './target.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function modelOf(shape: readonly number[], last?: 'Softmax' | 'LogSoftmax' | 'Sigmoid') {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', shape);
  builder.op('Identity', ['x'], {}, { outputs: ['scores'] });
  builder.op(last ?? 'Identity', ['scores'], last && last !== 'Sigmoid' ? { axis: 1 } : {}, { outputs: ['y'] });
  builder.output('y', 'float32', shape);
  const model: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  };
  return createModel(model, runtime, { name: 'test', hash: '' });
}

async function evaluated(
  model: ReturnType<typeof modelOf>,
  shape: readonly number[],
  values: readonly number[],
  target: Target,
): Promise<number> {
  const inputs = new Map([['x', float32(shape, values)]]);
  const prepared = await prepare(model, inputs, target);
  return (await prepared.evaluate(pointOf(inputs))).target[0];
}

// softmax(1, 2, 4) = (e^1, e^2, e^4) / (e^1 + e^2 + e^4)
const total = Math.exp(1) + Math.exp(2) + Math.exp(4);

describe('class targets', () => {
  it.each([
    [undefined, { kind: 'classLogit', class: 2 }, 4],
    [undefined, { kind: 'classProbability', class: 2 }, Math.exp(4) / total],
    [undefined, { kind: 'classLogProbability', class: 0 }, 1 - Math.log(total)],
    [undefined, { kind: 'logitDifference', a: 2, b: 0 }, 3],
    ['Softmax', { kind: 'classLogit', class: 2 }, 4],
    ['Softmax', { kind: 'classProbability', class: 1 }, Math.exp(2) / total],
    ['Softmax', { kind: 'classLogProbability', class: 1 }, 2 - Math.log(total)],
    // Log-probabilities are logits themselves: their softmax is the same.
    ['LogSoftmax', { kind: 'classLogit', class: 1 }, 2 - Math.log(total)],
    ['LogSoftmax', { kind: 'classProbability', class: 0 }, Math.exp(1) / total],
    ['LogSoftmax', { kind: 'classLogProbability', class: 0 }, 1 - Math.log(total)],
    ['Sigmoid', { kind: 'classLogit', class: 1 }, 2],
    ['Sigmoid', { kind: 'classProbability', class: 1 }, 1 / (1 + Math.exp(-2))],
    ['Sigmoid', { kind: 'output', index: [0] }, 1 / (1 + Math.exp(-1))],
  ] as const)('of a model that ends in %s: %o', async (last, target, expected) => {
    expect(await evaluated(modelOf([1, 3], last), [1, 3], [1, 2, 4], target)).toBeCloseTo(expected, 5);
  });
});

it.each(['classLogit', 'classProbability', 'classLogProbability'] as const)(
  '%s of an output without an axis of classes names what to ask instead',
  async (kind) => {
    await expect(evaluated(modelOf([1, 2, 3]), [1, 2, 3], [0, 1, 2, 3, 4, 5], { kind, class: 4 })).rejects.toThrow(
      /no single axis of classes \(got 2×3 for each input\).*detection:CLASS.*region:CLASS.*token:ID/,
    );
  },
);

it('a kind that does not exist is named', async () => {
  const target = { kind: 'logit', class: 1 } as unknown as Target;
  await expect(evaluated(modelOf([1, 3]), [1, 3], [1, 2, 4], target)).rejects.toThrow(
    /no such kind of target \(got logit, expected classLogit, /,
  );
});

describe('targets of other outputs', () => {
  it('an element counted from the end', async () => {
    expect(
      await evaluated(modelOf([1, 2, 3]), [1, 2, 3], [0, 1, 2, 3, 4, 5], { kind: 'output', index: [-1, -3] }),
    ).toBe(3);
  });

  it('an element of a tensor', async () => {
    expect(await evaluated(modelOf([1, 2, 3]), [1, 2, 3], [0, 1, 2, 3, 4, 5], { kind: 'output', index: [1, 2] })).toBe(
      5,
    );
  });

  it('the log-probability of a token at a position, also counted from the end', async () => {
    const scores = [9, 9, 9, 1, 2, 4];
    expect(
      await evaluated(modelOf([1, 2, 3]), [1, 2, 3], scores, { kind: 'tokenLogProbability', position: 1, id: 0 }),
    ).toBeCloseTo(1 - Math.log(total), 5);
    expect(
      await evaluated(modelOf([1, 2, 3]), [1, 2, 3], scores, { kind: 'tokenLogProbability', position: -1, id: 0 }),
    ).toBeCloseTo(1 - Math.log(total), 5);
  });

  it('a detection is objectness × class score, a coordinate is raw', async () => {
    // Two anchors: box, objectness, two classes.
    const grid = [0, 0, 0, 0, 0.1, 0.2, 0.3, 11, 12, 13, 14, 0.5, 0.6, 0.8];
    expect(
      await evaluated(modelOf([1, 2, 7]), [1, 2, 7], grid, { kind: 'detectionScore', anchor: 1, class: 1 }),
    ).toBeCloseTo(0.4, 6);
    expect(
      await evaluated(modelOf([1, 2, 7]), [1, 2, 7], grid, { kind: 'boxCoordinate', anchor: 1, coordinate: 2 }),
    ).toBe(13);
  });
});

describe('a region of a segmentation', () => {
  // Two classes on a grid of 2×3: class 1 scores 1 to 6, class 0 scores 0.
  const scores = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6];
  const region = regionOf([2, 3], (row, column) => row === 1 && column > 0);

  it('is kept as runs, outside first', () => {
    expect(region).toEqual({ size: [2, 3], runs: [4, 2] });
    expect(regionOf([1, 2], () => true)).toEqual({ size: [1, 2], runs: [0, 2] });
    expect([...regionMask(region)]).toEqual([0, 0, 0, 0, 1, 1]);
    expect(() => regionMask({ size: [2, 3], runs: [4, 1] })).toThrow(/do not cover/);
    expect(() => regionMask({ size: [2, 3], runs: [6] })).toThrow(/empty/);
  });

  it.each([
    ['mean', 1, 5.5],
    ['sum', 1, 11],
    ['sum', 0, 0],
  ] as const)('%s of class %d', async (reduce, classIndex, expected) => {
    const target: Target = { kind: 'region', class: classIndex, region, reduce };
    expect(await evaluated(modelOf([1, 2, 2, 3]), [1, 2, 2, 3], scores, target)).toBeCloseTo(expected, 6);
  });
});

describe('similarity to an embedding', () => {
  const to = (...values: number[]): Target => ({ kind: 'similarity', to: values, description: 'another' });

  it.each([
    [[3, 4], to(3, 4), 1],
    [[3, 4], to(-4, 3), 0],
    // (3·1 + 4·0) / (5·1)
    [[3, 4], to(2, 0), 0.6],
  ] as const)('of %o and %o', async (values, target, expected) => {
    expect(await evaluated(modelOf([1, 2]), [1, 2], values, target)).toBeCloseTo(expected, 6);
  });

  it('says what is alike', () => {
    const alike = { kind: 'similarity', to: [1, 2], description: 'another' } as const;
    expect(describeTarget(alike)).toBe('similarity to another');
    expect(describeTarget({ ...alike, output: 'embedding' })).toBe('similarity of embedding to that of another');
  });

  it('needs an embedding of the same length that is not 0', async () => {
    await expect(evaluated(modelOf([1, 2]), [1, 2], [3, 4], to(1, 2, 3))).rejects.toThrow(/3 numbers, expected 2/);
    await expect(evaluated(modelOf([1, 2]), [1, 2], [3, 4], to(0, 0))).rejects.toThrow(/zeros/);
  });
});

describe('formulas', () => {
  // y = [[1, 2, 4], [8, 16, 32]]
  const value = (text: string) =>
    evaluated(modelOf([1, 2, 3]), [1, 2, 3], [1, 2, 4, 8, 16, 32], { kind: 'expression', text });

  it.each([
    ['y[0, 2] - max(y[1, 0], y[0,1])', -4],
    ['y[-1,-1]', 32],
    ['sum(y)', 63],
    ['sum(y[1])', 56],
    ['mean(y[:, 1])', 9],
    ['max(y[0]) - min(y[1, 1:])', -12],
    ['2 + 3 * y[0,1] - -1', 9],
    ['(2 + 3) * y[0,1] / 4', 2.5],
    ['8 - 4 - y[0,1]', 2],
    ['log(exp(y[0,1]))', 2],
    ['abs(y[0,0] - y[0,2]) + sqrt(y[1,1])', 7],
    ['sum(y[0] * y[1])', 168],
    ['sum(softmax(y[0]))', 1],
    ['sum(y[0] / 2)', 3.5],
    ['"y"[0,0]', 1],
    ['sigmoid(y[0,0] - 1)', 0.5],
  ] as const)('%s = %d', async (text, expected) => {
    // log, exp and softmax are rounded by float32.
    expect(await value(text)).toBeCloseTo(expected, 5);
  });

  it.each([
    ['y[0', /letter 4.*got its end, expected "]"/],
    ['y[0] ? 1', /letter 6.*got "\?"/],
    ['sum(y', /expected "\)"/],
    ['size(y)', /expected one of the functions sum, mean/],
    ['z[0]', /no output "z"/],
    ['y', /does not give one number.*2×3/],
    ['y[0,3]', /place 3 of output "y".*-3 to 2/],
    ['y[0,2:1]', /range 2:1/],
    ['y[0,0,0]', /too many places/],
    ['sum(y[0] + y[1,0:2])', /3 and 2/],
    ['log(y[0,0], 2)', /one value in log/],
    ['1 +', /got its end/],
  ] as const)('%s is refused', async (text, message) => {
    await expect(value(text)).rejects.toThrow(message);
  });

  it('are differentiable: the gradient of a difference of maxima', async () => {
    const model = modelOf([1, 2, 3]);
    const inputs = new Map([['x', float32([1, 2, 3], [1, 2, 4, 8, 16, 32])]]);
    const result = await attribute(model, {
      inputs,
      target: { kind: 'expression', text: 'max(y[0]) - 3 * y[1,0]' },
      baseline: { kind: 'zero' },
      method: 'integrated-gradients',
      parameters: { steps: 4 },
    });
    expect([...(result.values.get('x')?.data ?? [])]).toEqual([0, 0, 4, -24, 0, 0]);
    expect(result.attributionTarget).toBe(-20);
  });
});

describe('wrong targets', () => {
  it.each([
    [{ kind: 'classLogit', class: 3 }, /class 3 of output "y".*0 to 2/],
    [{ kind: 'classLogit', class: 1.5 }, /class 1.5/],
    [{ kind: 'classLogit', class: 0, output: 'z' }, /no output "z".*"y"/],
    [{ kind: 'output', index: [0, 1] }, /wrong number of axes/],
    [{ kind: 'detectionScore', anchor: 0, class: 0 }, /does not fit the target/],
  ] as const)('%o', async (target, message) => {
    await expect(evaluated(modelOf([1, 3]), [1, 3], [1, 2, 4], target)).rejects.toThrow(message);
  });

  it('an input that is not finite', async () => {
    await expect(
      evaluated(modelOf([1, 3]), [1, 3], [1, Number.NaN, 4], { kind: 'classLogit', class: 0 }),
    ).rejects.toThrow(/NaN at \[0,1\]/);
  });
});

it('multiplies only the features of a token’s position with the vocabulary, to the same scores', async () => {
  // Two positions with features (1, 2) and (3, 1), three tokens: scores of position 1 are (5, 2, 1).
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 2, 2]);
  builder.op('MatMul', ['x', builder.constant(float32([2, 3], [1, 1, 0, 2, -1, 1]))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [1, 2, 3]);
  const opsets = new Map([['', 20]]);
  const graph = builder.build();
  const model = createModel(
    { irVersion: 10, producer: '', opsets, graph, functions: [], metadata: new Map() },
    runtime,
    { name: 'head', hash: '' },
  );
  const inputs = new Map([['x', float32([1, 2, 2], [1, 2, 3, 1])]]);
  const prepared = await prepare(model, inputs, { kind: 'tokenLogProbability', position: 1, id: 0 });
  const { target } = await prepared.evaluate(pointOf(inputs));
  expect(target[0]).toBeCloseTo(5 - Math.log(Math.exp(5) + Math.exp(2) + Math.exp(1)), 5);
});

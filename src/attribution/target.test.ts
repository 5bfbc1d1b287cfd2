import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { pointOf, prepare } from './prepare.ts';
import type { Target } from './target.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function modelOf(shape: readonly number[], last?: 'Softmax' | 'LogSoftmax' | 'Sigmoid') {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', shape);
  builder.op('Identity', ['x'], {}, { outputs: ['scores'] });
  builder.op(last ?? 'Identity', ['scores'], last && last !== 'Sigmoid' ? { axis: 1 } : {}, { outputs: ['y'] });
  builder.output('y', 'float32', shape);
  const model: OnnxModel = { irVersion: 10, producer: '', opsets: new Map([['', 20]]), graph: builder.build(), functions: [], metadata: new Map() };
  return createModel(model, runtime, { name: 'test', hash: '' });
}

async function valueOf(model: ReturnType<typeof modelOf>, shape: readonly number[], values: readonly number[], target: Target): Promise<number> {
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
    ['LogSoftmax', { kind: 'classLogit', class: 1 }, 2],
    ['LogSoftmax', { kind: 'classProbability', class: 0 }, Math.exp(1) / total],
    ['LogSoftmax', { kind: 'classLogProbability', class: 0 }, 1 - Math.log(total)],
    ['Sigmoid', { kind: 'classLogit', class: 1 }, 2],
    ['Sigmoid', { kind: 'classProbability', class: 1 }, 1 / (1 + Math.exp(-2))],
    ['Sigmoid', { kind: 'output', index: [0] }, 1 / (1 + Math.exp(-1))],
  ] as const)('of a model that ends in %s: %o', async (last, target, expected) => {
    expect(await valueOf(modelOf([1, 3], last), [1, 3], [1, 2, 4], target)).toBeCloseTo(expected, 5);
  });
});

describe('targets of other outputs', () => {
  it('an element of a tensor', async () => {
    expect(await valueOf(modelOf([1, 2, 3]), [1, 2, 3], [0, 1, 2, 3, 4, 5], { kind: 'output', index: [1, 2] })).toBe(5);
  });

  it('the log-probability of a token at a position, also counted from the end', async () => {
    const scores = [9, 9, 9, 1, 2, 4];
    expect(await valueOf(modelOf([1, 2, 3]), [1, 2, 3], scores, { kind: 'tokenLogProbability', position: 1, id: 0 })).toBeCloseTo(1 - Math.log(total), 5);
    expect(await valueOf(modelOf([1, 2, 3]), [1, 2, 3], scores, { kind: 'tokenLogProbability', position: -1, id: 0 })).toBeCloseTo(1 - Math.log(total), 5);
  });

  it('a detection is objectness × class score, a coordinate is raw', async () => {
    // Two anchors: box, objectness, two classes.
    const grid = [0, 0, 0, 0, 0.1, 0.2, 0.3, 11, 12, 13, 14, 0.5, 0.6, 0.8];
    expect(await valueOf(modelOf([1, 2, 7]), [1, 2, 7], grid, { kind: 'detectionScore', anchor: 1, class: 1 })).toBeCloseTo(0.4, 6);
    expect(await valueOf(modelOf([1, 2, 7]), [1, 2, 7], grid, { kind: 'boxCoordinate', anchor: 1, coordinate: 2 })).toBe(13);
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
    await expect(valueOf(modelOf([1, 3]), [1, 3], [1, 2, 4], target)).rejects.toThrow(message);
  });

  it('an input that is not finite', async () => {
    await expect(valueOf(modelOf([1, 3]), [1, 3], [1, Number.NaN, 4], { kind: 'classLogit', class: 0 })).rejects.toThrow(/NaN at element 1/);
  });
});

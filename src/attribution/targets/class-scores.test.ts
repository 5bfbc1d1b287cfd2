import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createModel, type Model } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import { pointOf } from '../points.ts';
import { prepare } from '../prepare.ts';
import type { Target } from './kinds/index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** A model of x [N, size] that ends as `finish` says. */
function modelOf(size: number, finish: (builder: GraphBuilder) => string, shape?: readonly number[]): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [undefined, size]);
  builder.output(finish(builder), 'float32', shape);
  const source = { irVersion: 10, producer: '', functions: [], metadata: new Map<string, string>() };
  const opsets = new Map([
    ['', 20],
    ['ai.onnx.ml', 3],
  ]);
  return createModel({ ...source, opsets, graph: builder.build() }, runtime, { name: 'test', hash: '' });
}

const ending = (op: string) => (builder: GraphBuilder) =>
  builder.op(op, ['x'], op.endsWith('max') ? { axis: 1 } : {}, { outputs: ['y'] });

async function valueAt(model: Model, x: readonly number[], target: Target): Promise<number> {
  const inputs = new Map([['x', float32([1, x.length], x)]]);
  const prepared = await prepare(model, inputs, target);
  return (await prepared.evaluate(pointOf(inputs))).target[0];
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
/** float32 of numbers near 1. */
const digits = 5;

describe('an output of one number', () => {
  const z = -1.5;
  // p(1) = σ(−1.5) = 0.182426, and a softmax over one number would be 1.
  it.each([
    [{ kind: 'classProbability', class: 1 }, 0.182426],
    [{ kind: 'classProbability', class: 1, binary: true }, 0.182426],
    [{ kind: 'classProbability', class: 0, binary: true }, 1 - 0.182426],
    [{ kind: 'classLogProbability', class: 1 }, Math.log(sigmoid(z))],
    [{ kind: 'classLogProbability', class: 0, binary: true }, Math.log(1 - sigmoid(z))],
    [{ kind: 'classLogit', class: 0 }, z],
    [{ kind: 'classLogit', class: 1 }, z],
    [{ kind: 'classLogit', class: 0, binary: true }, -z],
    [{ kind: 'classLogOdds', class: 1 }, z],
    [{ kind: 'classLogOdds', class: 0, binary: true }, -z],
    [{ kind: 'classLogOdds', class: 1, against: 0 }, z],
    [{ kind: 'logitDifference', a: 1, b: 0 }, z],
    [{ kind: 'logitDifference', a: 0, b: 1 }, -z],
    [{ kind: 'output', index: [0] }, z],
  ] as const)('%o of a logit', async (target, expected) => {
    expect(await valueAt(modelOf(1, ending('Identity')), [z], target)).toBeCloseTo(expected, digits);
  });

  it.each([
    [{ kind: 'classProbability', class: 1, binary: true }, sigmoid(z)],
    [{ kind: 'classProbability', class: 0, binary: true }, 1 - sigmoid(z)],
    [{ kind: 'classLogit', class: 1 }, z],
    [{ kind: 'classLogit', class: 0, binary: true }, -z],
    [{ kind: 'classLogProbability', class: 0, binary: true }, Math.log(1 - sigmoid(z))],
    [{ kind: 'classLogOdds', class: 0, binary: true }, -z],
  ] as const)('%o of a model that ends in Sigmoid', async (target, expected) => {
    expect(await valueAt(modelOf(1, ending('Sigmoid')), [z], target)).toBeCloseTo(expected, digits);
  });

  it('one that is said to be a probability is not made one again', async () => {
    const model = modelOf(1, ending('Identity'));
    const said = { binary: true, scale: 'probabilities' } as const;
    expect(await valueAt(model, [0.9], { kind: 'classProbability', class: 0, ...said })).toBeCloseTo(0.1, digits);
    expect(await valueAt(model, [0.9], { kind: 'classLogOdds', class: 1, ...said })).toBeCloseTo(Math.log(9), digits);
  });

  it('both sides of a sigmoid keep their digits where it is almost 1', async () => {
    // In float32 1 − σ(20) is 0, whose logarithm would be −∞.
    const target = { kind: 'classLogProbability', class: 0, binary: true } as const;
    expect(await valueAt(modelOf(1, ending('Sigmoid')), [20], target)).toBeCloseTo(-20, digits);
  });

  it.each([
    [{ kind: 'classProbability', class: 0 }, /one number, and nothing says.*sigmoid.*Fix: name class 1/],
    [{ kind: 'classLogOdds', class: 0 }, /one number, and nothing says.*sigmoid/],
    [{ kind: 'classProbability', class: 2 }, /class 2 of output "y", which is one number \(got 2, expected 1, /],
  ] as const)('%o is not guessed', async (target, message) => {
    await expect(valueAt(modelOf(1, ending('Identity')), [z], target)).rejects.toThrow(message);
  });

  it('a softmax over it is refused: it is 1 whatever the input', async () => {
    const target = { kind: 'classProbability', class: 1 } as const;
    await expect(valueAt(modelOf(1, ending('Softmax')), [z], target)).rejects.toThrow(
      /softmax over one number: always 1/,
    );
  });

  it('classes of one model do not share a graph that holds the side of another', async () => {
    const model = modelOf(1, ending('Identity'));
    const both = [0, 1].map((index) => valueAt(model, [z], { kind: 'classProbability', class: index, binary: true }));
    expect((await Promise.all(both)).reduce((a, b) => a + b)).toBeCloseTo(1, digits);
  });
});

describe('log-odds', () => {
  // softmax(1, 2, 4): log p₂/(1 − p₂) = 4 − log(e + e²), log p₀ − log p₂ = 1 − 4.
  const x = [1, 2, 4];
  const p = x.map((z) => Math.exp(z) / x.reduce((sum, other) => sum + Math.exp(other), 0));
  it.each(['Identity', 'Softmax', 'LogSoftmax'])('of a model that ends in %s', async (op) => {
    const model = modelOf(3, ending(op));
    for (const index of [0, 1, 2]) {
      expect(await valueAt(model, x, { kind: 'classLogOdds', class: index })).toBeCloseTo(
        Math.log(p[index] / (1 - p[index])),
        digits,
      );
    }
    expect(await valueAt(model, x, { kind: 'classLogOdds', class: 0, against: 2 })).toBeCloseTo(-3, digits);
  });

  it('of a classifier that gives probabilities', async () => {
    // Scores (x, 0, 1) of a linear classifier, made probabilities by its own softmax: log-odds of class 0 are x − log(1 + e).
    const linear = (builder: GraphBuilder) =>
      builder.ops(
        'LinearClassifier',
        ['x'],
        {
          classlabels_ints: [0, 1, 2],
          coefficients: { floats: [1, 0, 0] },
          intercepts: { floats: [0, 0, 1] },
          post_transform: 'SOFTMAX',
        },
        { domain: 'ai.onnx.ml', outputs: ['label', 'y'] },
      )[1];
    const value = await valueAt(modelOf(1, linear), [2], { kind: 'classLogOdds', class: 0 });
    expect(value).toBeCloseTo(2 - Math.log(1 + Math.E), digits);
  });

  it('of classes that have a sigmoid each are their logits', async () => {
    expect(await valueAt(modelOf(3, ending('Sigmoid')), x, { kind: 'classLogOdds', class: 1 })).toBeCloseTo(2, digits);
    const said = { kind: 'classProbability', class: 1, scale: 'independent' } as const;
    expect(await valueAt(modelOf(3, ending('Identity')), x, said)).toBeCloseTo(sigmoid(2), digits);
  });

  it('have the gradient 1 for the class and −p for the others, shared among them', async () => {
    const { values } = await attribute(modelOf(3, ending('Identity')), {
      inputs: new Map([['x', float32([1, 3], x)]]),
      target: { kind: 'classLogOdds', class: 2 },
      method: 'gradient',
    });
    const rest = Math.E + Math.E ** 2;
    [-Math.E / rest, -(Math.E ** 2) / rest, 1].forEach((expected, i) => {
      expect(values.get('x')?.data[i]).toBeCloseTo(expected, digits);
    });
  });
});

describe('an output without a batch axis', () => {
  const weights = float32([3, 2], [1, 2, 3, -4, 5, 6]);
  const squeezed = (builder: GraphBuilder, last?: string) => {
    const product = builder.op('MatMul', ['x', builder.constant(weights)]);
    const classes = builder.op('Squeeze', [product], {}, last ? {} : { outputs: ['y'] });
    return last ? builder.op(last, [classes], last.endsWith('max') ? { axis: 0 } : {}, { outputs: ['y'] }) : classes;
  };
  // x W = (1·1 − 2·3 + 3·5, 1·2 + 2·4 + 3·6) = (10, 28)
  const x = [1, -2, 3];
  it.each([
    [undefined, { kind: 'classLogit', class: 1 }, 28],
    [undefined, { kind: 'logitDifference', a: 1, b: 0 }, 18],
    [undefined, { kind: 'output', index: [0] }, 10],
    [undefined, { kind: 'expression', text: 'y[1] - y[0]' }, 18],
    [undefined, { kind: 'classLogProbability', class: 0 }, -18],
    ['Softmax', { kind: 'classLogit', class: 0 }, 10],
    ['Softmax', { kind: 'classLogProbability', class: 0 }, -18],
    ['Softmax', { kind: 'classProbability', class: 1 }, 1],
    ['Sigmoid', { kind: 'classLogit', class: 1 }, 28],
  ] as const)('squeezed classes before %s: %o', async (last, target, expected) => {
    const model = modelOf(3, (builder) => squeezed(builder, last), [2]);
    expect(await valueAt(model, x, target)).toBeCloseTo(expected, 4);
  });

  it.each(['integrated-gradients', 'exact-shapley', 'occlusion', 'gradient-x-input'])(
    '%s of squeezed classes and of a scalar',
    async (method) => {
      const inputs = new Map([['x', float32([1, 3], x)]]);
      const asked = { inputs, method, baseline: { kind: 'zero' } } as const;
      const classes = await attribute(modelOf(3, squeezed, [2]), {
        ...asked,
        target: { kind: 'classLogit', class: 1 },
      });
      // Column 2 of W times x.
      [2, 8, 18].forEach((value, i) => expect(classes.values.get('x')?.data[i]).toBeCloseTo(value, 4));
      const scalar = (builder: GraphBuilder) =>
        builder.op(
          'ReduceSum',
          [builder.op('MatMul', ['x', builder.constant(weights)])],
          { keepdims: 0 },
          { outputs: ['y'] },
        );
      const whole = await attribute(modelOf(3, scalar, []), { ...asked, target: { kind: 'output', index: [] } });
      // Rows of W add up to 3, −1 and 11.
      [3, 2, 33].forEach((value, i) => expect(whole.values.get('x')?.data[i]).toBeCloseTo(value, 4));
    },
  );

  it('of one number for each input is a batch of numbers', async () => {
    const flat = (builder: GraphBuilder) =>
      builder.op('ReduceSum', ['x', builder.ints([1])], { keepdims: 0 }, { outputs: ['y'] });
    expect(await valueAt(modelOf(3, flat, [1]), x, { kind: 'output', index: [] })).toBeCloseTo(2, digits);
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { float32, int64, tensor } from '../tensor/tensor.ts';
import { gradientsOf, hessianVectorProduct } from './gradient.ts';
import { createNodeRuntime } from './node.ts';

// A branch that was not selected has no part in the result, whatever its derivative is: 0 · ∞ and 0 · NaN are 0 there.
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

type Build = (b: GraphBuilder) => string;

/** A model from x [n, 3] to y, which `build` makes. */
function modelOf(build: Build) {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['n', 3]);
  builder.op('Identity', [build(builder)], {}, { outputs: ['y'] });
  builder.output('y', 'float32');
  return handModel(runtime, builder.build());
}

const guarded = (b: GraphBuilder, value: string) =>
  b.op('Where', [b.op('Equal', ['x', b.scalar(0)]), b.scalar(0), value]);

/** At x = (0, 2, 4), by hand; the first element is the one that is masked. */
const cases: Readonly<Record<string, { build: Build; gradient: readonly number[] }>> = {
  'Log: 1/x': { build: (b) => guarded(b, b.op('Log', ['x'])), gradient: [0, 1 / 2, 1 / 4] },
  'Div: −1/x²': { build: (b) => guarded(b, b.op('Div', [b.scalar(1), 'x'])), gradient: [0, -1 / 4, -1 / 16] },
  'Reciprocal: −1/x²': { build: (b) => guarded(b, b.op('Reciprocal', ['x'])), gradient: [0, -1 / 4, -1 / 16] },
  'x log x: log x + 1': {
    build: (b) => guarded(b, b.op('Mul', ['x', b.op('Log', ['x'])])),
    gradient: [0, Math.log(2) + 1, Math.log(4) + 1],
  },
  '0/0: x/x is 1 elsewhere': { build: (b) => guarded(b, b.op('Div', ['x', 'x'])), gradient: [0, 0, 0] },
  'Pow of an exponent between 0 and 1': {
    build: (b) => guarded(b, b.op('Pow', ['x', b.scalar(0.25)])),
    gradient: [0, 0.25 * 2 ** -0.75, 0.25 * 4 ** -0.75],
  },
  'Acosh, NaN below 1: 1/√(x² − 1)': {
    build: (b) => guarded(b, b.op('Acosh', ['x'])),
    gradient: [0, 1 / Math.sqrt(3), 1 / Math.sqrt(15)],
  },
  'Relu of a logarithm: −∞ becomes 0': {
    build: (b) => b.op('Relu', [b.op('Log', ['x'])]),
    gradient: [0, 1 / 2, 1 / 4],
  },
  'an element that is not read': {
    build: (b) => b.op('Slice', [b.op('Log', ['x']), b.ints([1]), b.ints([3]), b.ints([1])]),
    gradient: [0, 1 / 2, 1 / 4],
  },
  'a product of matrices with ∞ in a row that is masked': {
    // y = Σ_jk x_k/x_j over j = 1, 2, which is (x_0 + x_1 + x_2)(1/x_1 + 1/x_2) = 6 · 3/4.
    build: (b) => {
      const quotients = b.op('MatMul', [b.op('Transpose', [b.op('Reciprocal', ['x'])], { perm: [1, 0] }), 'x']);
      return b.op('Where', [b.constant(tensor('bool', [3, 1], Uint8Array.of(0, 1, 1))), quotients, b.scalar(0)]);
    },
    gradient: [3 / 4, 3 / 4 - 6 / 4, 3 / 4 - 6 / 16],
  },
  'a row of a softmax that is −∞ throughout, with the guard of exporters': {
    // Row 0 of the scores is masked; rows 1 and 2 are softmax(0, 0, x_j) and sum to 1, so that only y_j2 = 2 p_j2 counts.
    build: (b) => {
      const mask = b.constant(
        float32(
          [3, 3],
          [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0, 0, 0, 0],
        ),
      );
      const column = b.op('Mul', [b.op('Transpose', ['x'], { perm: [1, 0] }), b.constant(float32([1, 3], [0, 0, 1]))]);
      const scores = b.op('Softmax', [b.op('Add', [column, mask])], { axis: -1 });
      const kept = b.op('Where', [b.op('IsNaN', [scores]), b.scalar(0), scores]);
      return b.op('MatMul', [kept, b.constant(float32([3, 1], [1, 1, 3]))]);
    },
    gradient: [0, 2 * share(2) * (1 - share(2)), 2 * share(4) * (1 - share(4))],
  },
};

/** The last of softmax(0, 0, x). */
function share(x: number): number {
  return Math.exp(x) / (2 + Math.exp(x));
}

const x = float32([1, 3], [0, 2, 4]);
const inputs = new Map([['x', x]]);

async function gradientOfSum(build: Build) {
  const model = modelOf(build);
  const { facts } = await model.executor.specialise(model.graph, inputs);
  const shape = facts.shapes.get('y') ?? [];
  const ones = float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1));
  const { gradients } = await gradientsOf(model, { inputs, seeds: new Map([['y', ones]]), wrt: ['x'] });
  return [...(gradients.get('x')?.data ?? [])];
}

describe('a gradient of 0 at an infinite derivative is 0', () => {
  it.each(Object.entries(cases))('%s', async (_, { build, gradient }) => {
    const found = await gradientOfSum(build);
    // float32 functions against float64.
    for (const [i, value] of gradient.entries()) expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(1e-6);
  });

  it('in second derivatives too: x log x has 1/x', async () => {
    const model = modelOf((b) => guarded(b, b.op('Mul', ['x', b.op('Log', ['x'])])));
    const seeds = new Map([['y', float32([1, 3], [1, 1, 1])]]);
    const { gradients } = await hessianVectorProduct(model, {
      inputs,
      seeds,
      vectors: new Map([['x', float32([1, 3], [1, 1, 1])]]),
    });
    for (const [i, value] of [0, 1 / 2, 1 / 4].entries())
      expect(Math.abs((gradients.get('x')?.data[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-6);
  });

  it('but keeps a second derivative behind a gradient that happens to be 0: x_0 log x_1 mixes as 1/x_1', async () => {
    // The guard, so that zeros absorb at all, is around 1/x_0.
    const model = modelOf((b) => {
      const column = (i: number) => b.op('Gather', ['x', b.constant(int64([1], [i]))], { axis: 1 });
      const masked = b.op('Where', [
        b.constant(tensor('bool', [1], Uint8Array.of(0))),
        b.op('Log', [column(0)]),
        b.scalar(0),
      ]);
      return b.op('Add', [b.op('Mul', [column(0), b.op('Log', [column(1)])]), masked]);
    });
    const { gradients } = await hessianVectorProduct(model, {
      inputs,
      seeds: new Map([['y', float32([1, 1], [1])]]),
      vectors: new Map([['x', float32([1, 3], [1, 0, 0])]]),
    });
    expect([...(gradients.get('x')?.data ?? [])]).toEqual([0, 0.5, 0]);
  });
});

describe('what stays infinite or not a number is named', () => {
  const at = async (values: readonly number[], build: Build) => {
    const seeds = new Map([['y', float32([1, 3], [1, 1, 1])]]);
    return gradientsOf(modelOf(build), { inputs: new Map([['x', float32([1, 3], values)]]), seeds, wrt: ['x'] });
  };

  it('in a gradient: the node whose derivative it is, not those that it flows through', async () => {
    // 1/√(1 − x²) at 1
    const found = at([1, 0, 0.5], (b) => b.op('Asin', [b.op('Neg', ['x'])], {}, { name: 'the-arc' }));
    await expect(found).rejects.toMatchObject({ code: 'not-finite' });
    await expect(found).rejects.toThrow(/"the-arc".*the gradient at "x" is infinite/);
  });

  it('in an output: the node that makes it', async () => {
    const found = at([0, 1, 2], (b) => b.op('Neg', [b.op('Log', ['x'], {}, { name: 'the-logarithm' })]));
    await expect(found).rejects.toThrow(/"the-logarithm".*"y" is infinite/);
  });

  it('a softmax of −∞ throughout without a guard: the softmax', async () => {
    const mask = float32([3], [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    const found = at([0, 1, 2], (b) =>
      b.op('Neg', [b.op('Softmax', [b.op('Add', ['x', b.constant(mask)])], { axis: -1 }, { name: 'the-softmax' })]),
    );
    await expect(found).rejects.toThrow(/"the-softmax".*"y" is not a number/);
  });

  it('but an output that nothing is asked of may be: log(0, 1, 2) without its first element', async () => {
    const seeds = new Map([['y', float32([1, 3], [0, 1, 1])]]);
    const { gradients } = await gradientsOf(
      modelOf((b) => b.op('Log', ['x'])),
      { inputs, seeds, wrt: ['x'] },
    );
    expect([...(gradients.get('x')?.data ?? [])]).toEqual([0, 0.5, 0.25]);
  });
});

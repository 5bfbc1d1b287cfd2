import { afterAll, describe, expect, it } from 'vitest';
import { column, handModel, matrix, modelOf } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Model } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { type Attribution, type AttributionRequest, attribute } from '../attribute.ts';
import type { Baseline } from '../baseline.ts';
import type { MethodName } from './index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const at = (values: readonly number[]): Baseline => ({
  kind: 'input',
  tensor: float32([1, values.length], values),
  description: 'by hand',
});

async function explain(
  model: Model,
  x: readonly number[],
  baseline: Baseline,
  method: MethodName,
  more: Partial<AttributionRequest> = {},
): Promise<Attribution> {
  return attribute(model, {
    inputs: new Map([['x', float32([1, x.length], x)]]),
    target: { kind: 'output', index: [0] },
    baseline,
    method,
    ...more,
  });
}

const valuesOf = ({ values }: Attribution) => [...([...values.values()][0] as Tensor<'float32'>).data];

/** float32 arithmetic of a few operations: 1e-5. */
function expectClose(actual: readonly number[], expected: readonly number[], digits = 5): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) expect(value, `element ${i}`).toBeCloseTo(expected[i], digits);
}

type Known = [method: MethodName, expected: number[], parameters?: Record<string, unknown>];

function knownAnswers(
  name: string,
  make: () => Model,
  x: readonly number[],
  x0: readonly number[],
  answers: readonly Known[],
): void {
  describe(name, () => {
    const model = make();
    it.each(answers)('%s', async (method, expected, parameters) => {
      const result = await explain(model, x, at(x0), method, { parameters });
      expectClose(valuesOf(result), expected);
      expect(result.sum).toBeCloseTo(
        expected.reduce((a, b) => a + b, 0),
        4,
      );
    });
  });
}

// y = 2a − 3b + c/2 + 1 at (1, 2, 4), against (0, 1, −2): T = 2·1 − 3·1 + 6/2 = 2.
const linear = () =>
  modelOf(runtime, [1, 3], (b) =>
    b.op('Add', [b.op('MatMul', ['x', matrix(b, 3, 1, [2, -3, 0.5])]), b.constant(float32([1], [1]))]),
  );
const shares = [2, -3, 3];
knownAnswers(
  'linear',
  linear,
  [1, 2, 4],
  [0, 1, -2],
  [
    ['integrated-gradients', shares],
    ['integrated-gradients', shares, { rule: 'trapezoid', steps: 2 }],
    ['integrated-gradients', shares, { rule: 'gauss-legendre', steps: 3 }],
    ['integrated-gradients', shares, { path: 'input', steps: 4 }],
    ['expected-gradients', shares, { samples: 3 }],
    ['deep-lift', shares],
    ['taylor-1', shares],
    ['taylor-2', shares],
    ['feature-ablation', shares],
    ['occlusion', shares],
    ['exact-shapley', shares],
    ['kernel-shap', shares],
    ['shapley-sampling', shares, { pairs: 2 }],
    // An additive model is its own surrogate, where nothing is penalised.
    ['lime', shares, { ridge: 0, samples: 64 }],
    ['gradient', [2, -3, 0.5]],
    ['smooth-grad', [2, -3, 0.5], { samples: 4 }],
    ['var-grad', [0, 0, 0], { samples: 4 }],
    ['guided-backpropagation', [2, -3, 0.5]],
    ['gradient-x-input', [2, -6, 2]],
    ['integrated-gradients-zero-feature', [2, -6, 2]],
    // f = 2 − 6 + 2 + 1 = −1, of which the bias takes 1 and the three inputs 2, −6 and 2.
    ['lrp-epsilon', [2, -6, 2], { epsilon: 0 }],
    // R = −1, of which the bias takes nothing: positive parts 2 and 2 of 4 take 2·(−1), the negative part −6 takes −1·(−1).
    ['lrp-alpha-beta', [-1, 1, -1], { epsilon: 0 }],
  ],
);

// y = a·b at (2, 3) against (1, 1): T = 5. Shapley: a: ½(1 + 3), b: ½(2 + 4).
const product = () => modelOf(runtime, [1, 2], (b) => b.op('Mul', [column(b, 0), column(b, 1)]));
knownAnswers(
  'product',
  product,
  [2, 3],
  [1, 1],
  [
    // ∫ b(t) dt · Δa = 2·1, ∫ a(t) dt · Δb = 1.5·2
    ['integrated-gradients', [2, 3]],
    ['deep-lift', [2, 3]],
    ['exact-shapley', [2, 3]],
    ['kernel-shap', [2, 3]],
    ['shapley-sampling', [2, 3], { pairs: 1 }],
    // b·Δa = 3, a·Δb = 4: the remainder Δa·Δb = 2 counts twice
    ['taylor-1', [3, 4]],
    // ½ H d = (Δb, Δa)/2 = (1, ½): 1·(3 − 1), 2·(2 − ½)
    ['taylor-2', [2, 3]],
    ['feature-ablation', [3, 4]],
    ['occlusion', [3, 4]],
    ['gradient', [3, 2]],
    ['gradient-x-input', [6, 6]],
    // ∫ t·3 dt · 2 = ∫ t·2 dt · 3 = 3
    ['integrated-gradients-zero-feature', [3, 3]],
    ['lrp-epsilon', [3, 3], { epsilon: 0 }],
    ['lrp-alpha-beta', [3, 3], { epsilon: 0 }],
  ],
);

// y = a/b at (6, 2) against (2, 1): T = 1. Shapley: a: ½(4/1 + 4/2) = 3, b: ½(2(½ − 1) + 6(½ − 1)) = −2.
const quotient = () => modelOf(runtime, [1, 2], (b) => b.op('Div', [column(b, 0), column(b, 1)]));
knownAnswers(
  'quotient',
  quotient,
  [6, 2],
  [2, 1],
  [
    ['deep-lift', [3, -2]],
    ['exact-shapley', [3, -2]],
  ],
);

const binary = (op: string) => () => modelOf(runtime, [1, 2], (b) => b.op(op, [column(b, 0), column(b, 1)]));
// Deletion says everything twice of AND and nothing of OR; shares add up to T = 1 in both.
knownAnswers(
  'and: min(a, b)',
  binary('Min'),
  [1, 1],
  [0, 0],
  [
    ['exact-shapley', [0.5, 0.5]],
    ['kernel-shap', [0.5, 0.5]],
    ['integrated-gradients', [0.5, 0.5]],
    ['deep-lift', [0.5, 0.5]],
    ['feature-ablation', [1, 1]],
  ],
);
knownAnswers(
  'or: max(a, b)',
  binary('Max'),
  [1, 1],
  [0, 0],
  [
    ['exact-shapley', [0.5, 0.5]],
    ['shapley-sampling', [0.5, 0.5], { pairs: 1 }],
    ['integrated-gradients', [0.5, 0.5]],
    ['deep-lift', [0.5, 0.5]],
    ['feature-ablation', [0, 0]],
  ],
);
const exclusiveOr = () => modelOf(runtime, [1, 2], (b) => b.op('Abs', [b.op('Sub', [column(b, 0), column(b, 1)])]));
// Each alone turns it on, both together off again: T = 0.
knownAnswers(
  'xor: |a − b|',
  exclusiveOr,
  [1, 1],
  [0, 0],
  [
    ['exact-shapley', [0, 0]],
    ['integrated-gradients', [0, 0]],
    ['deep-lift', [0, 0]],
    ['feature-ablation', [-1, -1]],
  ],
);

// h1 = relu(a + b − 1), h2 = relu(b − a), y = 2 h1 − h2 at (1, 2) against 0: h = (2, 1), y = 3; h0 = 0, y0 = 0.
const rectified = () =>
  modelOf(runtime, [1, 2], (b) => {
    const hidden = b.op('Gemm', ['x', matrix(b, 2, 2, [1, -1, 1, 1]), b.constant(float32([2], [-1, 0]))]);
    return b.op('MatMul', [b.op('Relu', [hidden], {}, { outputs: ['h'] }), matrix(b, 2, 1, [2, -1])]);
  });
knownAnswers(
  'a ReLU network',
  rectified,
  [1, 2],
  [0, 0],
  [
    // h1 opens at t = 1/3: 2·⅔·(1, 2); h2 is open all the way: −(−1, 2)
    ['integrated-gradients', [7 / 3, 2 / 3], { steps: 300 }],
    // Δh1/Δz1 = 2/3, Δh2/Δz2 = 1: the same here, as both paths are straight
    ['deep-lift', [7 / 3, 2 / 3]],
    ['gradient', [3, 1]],
    ['gradient-x-input', [3, 2]],
    ['taylor-1', [3, 2]],
    // no curvature but at the kinks
    ['taylor-2', [3, 2]],
    // −1 flows back to h2 and is stopped
    ['guided-backpropagation', [2, 2]],
    // R = (4, −1): h1: (1, 2)/2·4, the bias takes −2; h2: (−1, 2)/1·(−1)
    ['lrp-epsilon', [3, 2], { epsilon: 0 }],
    // R = (2·3, −1·3): h1: 6·(1/3, 2/3), h2: z⁺ = 2 from b: 2·(−3), z⁻ = −1 from a: −1·(−3)
    ['lrp-alpha-beta', [5, -2], { epsilon: 0 }],
    // v(a) = 0, v(b) = 2·1 − 2 = 0, v(ab) = 3
    ['exact-shapley', [1.5, 1.5]],
    ['kernel-shap', [1.5, 1.5]],
    ['feature-ablation', [3, 3]],
  ],
);

describe('a layer inside', () => {
  const model = rectified();
  it.each<Known>([
    // y is linear in h: 2·2, −1·1
    ['integrated-gradients', [4, -1]],
    ['deep-lift', [4, -1]],
    ['exact-shapley', [4, -1]],
    ['feature-ablation', [4, -1]],
    ['taylor-1', [4, -1]],
    ['gradient-x-input', [4, -1]],
    ['integrated-gradients-zero-feature', [4, -1]],
  ])('%s', async (method, expected) => {
    const result = await explain(model, [1, 2], at([0, 0]), method, { layer: { names: ['h'] } });
    expectClose(valuesOf(result), expected);
    expect(result.attributionTarget).toBeCloseTo(3, 5);
  });

  it('says what the zero feature explains instead of T', async () => {
    // Against (0, −1): h0 = (relu(−2), relu(−1)) = 0 still; against (0, 3): h0 = (2, 3), y0 = 1, T = 2, g(F) − g(0) = 3.
    const result = await explain(model, [1, 2], at([0, 3]), 'gradient-x-input', { layer: { names: ['h'] } });
    expect(result.attributionTarget).toBeCloseTo(2, 5);
    expect(result.error).toBeCloseTo(1, 5);
    expect(result.relativeError).toBeCloseTo(0.5, 5);
    expect(result.implicitTarget).toBeCloseTo(3, 5);
    expect(result.implicitError).toBeCloseTo(0, 5);
  });
});

describe('a sample of baselines', () => {
  const model = product();
  const baseline: Baseline = {
    kind: 'sample',
    tensors: new Map([['x', float32([2, 2], [1, 1, 0, 0])]]),
    description: 'two rows',
  };
  // Against (1, 1): (2, 3); against (0, 0): (3, 3). T = 6 − ½(1 + 0) = 5.5.
  it.each<Known>([
    ['expected-gradients', [2.5, 3], { positions: [0.5, 0.5] }],
    ['integrated-gradients', [2.5, 3]],
    ['deep-lift', [2.5, 3]],
    ['exact-shapley', [2.5, 3]],
    ['kernel-shap', [2.5, 3]],
    ['shapley-sampling', [2.5, 3], { pairs: 1 }],
    // ½(3 + 6), ½(4 + 6)
    ['feature-ablation', [4.5, 5]],
    ['occlusion', [4.5, 5]],
  ])('%s', async (method, expected, parameters) => {
    const result = await explain(model, [2, 3], baseline, method, { parameters });
    expectClose(valuesOf(result), expected);
    expect(result.baselineValue).toBeCloseTo(0.5, 6);
    expect(result.attributionTarget).toBeCloseTo(5.5, 6);
  });
});

describe('noise drawn several times', () => {
  it('is a sample of baselines: the draws of one seed, against their mean', async () => {
    const model = product();
    const result = await explain(model, [2, 3], { kind: 'noise', seed: 4, draws: 3 }, 'exact-shapley');
    const x0 = result.baselineInputs?.get('x') as Tensor<'float32'>;
    expect(x0.shape).toEqual([3, 2]);
    const drawn = [0, 1, 2].map((k) => [x0.data[2 * k], x0.data[2 * k + 1]]);
    expect(new Set(x0.data).size).toBe(6);
    // Of a·b against (a0, b0): (a − a0)(b + b0)/2 and (b − b0)(a + a0)/2; the mean of three.
    const mean = (of: (a0: number, b0: number) => number) => drawn.reduce((sum, [a0, b0]) => sum + of(a0, b0) / 3, 0);
    expectClose(valuesOf(result), [
      mean((a0, b0) => ((2 - a0) * (3 + b0)) / 2),
      mean((a0, b0) => ((3 - b0) * (2 + a0)) / 2),
    ]);
    expect(result.baselineDescription).toBe('noise, seed 4, 3 draws');
  });
});

describe('a skip connection', () => {
  // y = relu(2x) + x at 1 against 0: T = 3, of which 2 pass h.
  const model = modelOf(runtime, [1, 1], (b) =>
    b.op('Add', [b.op('Relu', [b.op('Mul', ['x', b.scalar(2)])], {}, { outputs: ['h'] }), 'x']),
  );
  it.each<MethodName>(['integrated-gradients', 'deep-lift', 'exact-shapley'])(
    'makes the error of %s, which says so',
    async (method) => {
      const result = await explain(model, [1], at([0]), method, { layer: { names: ['h'] } });
      expect(result.isCut).toBe(false);
      expect(result.completing).toEqual(['x']);
      expect(result.sum).toBeCloseTo(2, 5);
      expect(result.error).toBeCloseTo(1, 5);
      expect(result.notes.join()).toMatch(/bypassed/);
      const completed = await explain(model, [1], at([0]), method, { layer: { names: ['h', 'x'] } });
      expect(completed.isCut).toBe(true);
      expect(completed.error).toBeCloseTo(0, 5);
    },
  );
});

describe('a rectifier that is used again', () => {
  // relu(relu(a + b) − 2): as a function of the model file that is called twice, and written out.
  const body = (builder: GraphBuilder, activate: (value: string) => string) => {
    builder.input('x', 'float32', ['batch', 2]);
    const first = activate(builder.op('MatMul', ['x', matrix(builder, 2, 1, [1, 1])]));
    const second = activate(builder.op('Sub', [first, builder.scalar(2)]));
    builder.op('Identity', [second], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    return builder.build();
  };
  const written = new GraphBuilder();
  const called = new GraphBuilder();
  const inner = new GraphBuilder();
  inner.input('u', 'float32', []);
  inner.op('Relu', ['u'], {}, { outputs: ['v'] });
  const rectifier = {
    domain: 'test',
    name: 'Rectify',
    inputs: ['u'],
    outputs: ['v'],
    attributes: [],
    defaults: {},
    nodes: inner.nodes,
    opsets: new Map([['', 20]]),
  };
  const unrolled = handModel(
    runtime,
    body(written, (value) => written.op('Relu', [value])),
  );
  const reused = handModel(
    runtime,
    body(called, (value) => called.op('Rectify', [value], {}, { domain: 'test' })),
    [rectifier],
  );
  // At (2, 3) against 0: z = 5, y = 3. DeepLIFT: 3/5 · (2, 3) through Δ(5 − 2)/Δ(relu(−2)) = 3/5 and 5/5.
  it.each<Known>([
    ['deep-lift', [1.2, 1.8]],
    ['guided-backpropagation', [1, 1]],
    ['lrp-epsilon', [2, 3], { epsilon: 0 }],
    ['gradient', [1, 1]],
  ])('%s gives the same', async (method, expected) => {
    for (const model of [unrolled, reused])
      expectClose(valuesOf(await explain(model, [2, 3], at([0, 0]), method)), expected);
  });
});

describe('class activation maps', () => {
  // y = Σ V ⊙ F with F the input: V0 = 1 everywhere, V1 = (1, −1; −1, 1).
  const model = modelOf(runtime, [1, 2, 2, 2], (b) =>
    b.op(
      'ReduceSum',
      [b.op('Mul', ['x', b.constant(float32([1, 2, 2, 2], [1, 1, 1, 1, 1, -1, -1, 1]))]), b.ints([1, 2, 3])],
      { keepdims: 0 },
    ),
  );
  const feature = float32([1, 2, 2, 2], [1, 2, 3, 4, -1, 0, 1, 2]);
  const ones = float32([1, 2, 2, 2], new Float32Array(8).fill(1));
  it.each<Known>([
    // w = (1, 0)
    ['grad-cam', [1, 2, 3, 4]],
    // F0 + (−1, 0, 0, 2), cut off at 0
    ['layer-cam', [0, 2, 3, 6]],
    ['odam', [0, 2, 2, 6]],
    // α = 1/(2 + 10): w0 = 4/12; α = 1/(2 + 2) at the two positive gradients: w1 = 1/2
    ['grad-cam-plus-plus', [0, 2 / 3, 3 / 2, 7 / 3]],
    ['grad-cam-plus-plus', [1 / 3 - 1 / 2, 2 / 3, 3 / 2, 7 / 3], { signed: true }],
    // (0, 1, 2, 3) + (−2, 1, 0, 1)
    ['difference-map', [-2, 2, 2, 4]],
    // Both channels scaled to [0, 1] are the same mask, so both weigh ½
    ['score-cam', [0, 1, 2, 3]],
  ])('%s', async (method, expected, parameters) => {
    const result = await attribute(model, {
      inputs: new Map([['x', feature]]),
      target: { kind: 'output', index: [0] },
      baseline: { kind: 'input', tensor: ones, description: 'ones' },
      method,
      parameters,
      layout: { channelAxis: 1, spatialAxes: [2, 3] },
    });
    expectClose(valuesOf(result), expected);
    expect([...result.values.values()][0].shape).toEqual([1, 1, 2, 2]);
  });
});

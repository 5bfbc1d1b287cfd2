import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { constantly } from './initialization.ts';
import { linear } from './layers/linear.ts';
import type { Loss } from './losses.ts';
import { Network } from './network.ts';
import type { Optimizer } from './optimizers.ts';
import { openTrainingStep } from './step.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** y = x·W + b with W = (1, −2)ᵀ … every weight 1, bias 0, for arithmetic on paper. */
function line(inputs: number, outputs: number) {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', inputs]);
  return network.build([linear(network, x, 'y', { features: outputs, initialization: constantly(1) })]);
}

async function steps(optimizer: Optimizer, learningRate: number, count: number, clipNorm?: number) {
  const batch = {
    inputs: new Map([['x', float32([2, 1], [1, 3])]]),
    targets: float32([2, 1], [0, 1]),
    weights: Float32Array.of(1, 1),
  };
  const step = await openTrainingStep(
    { model: line(1, 1), loss: { kind: 'mean-squared-error' }, optimizer, runtime, clipNorm },
    batch,
  );
  const results = [];
  for (let i = 1; i <= count; i++) results.push(await step.run(batch, i, learningRate));
  const { parameters, state } = await step.read();
  await step.close();
  const numbers = (tensors: typeof parameters) =>
    Object.fromEntries([...tensors].map(([name, { data }]) => [name, Number(data[0])]));
  return { results, weights: numbers(parameters), state: numbers(state) };
}

// Two samples (1 → 0), (3 → 1), w = 1, b = 0: errors 1 and 2, loss (1 + 4)/2 = 2.5,
// dL/dw = 2·(1·1 + 2·3)/2 = 7, dL/db = 2·(1 + 2)/2 = 3.
describe('one step on paper', () => {
  it('takes a step of gradient descent', async () => {
    const { results, weights } = await steps({ kind: 'sgd' }, 0.1, 1);
    expect(results[0].loss).toBeCloseTo(2.5, 6);
    expect(weights['y.weight']).toBeCloseTo(1 - 0.7, 6);
    expect(weights['y.bias']).toBeCloseTo(-0.3, 6);
  });

  it('accumulates momentum over two steps', async () => {
    // After step 1: w = .3, b = −.3, v = (7, 3). Errors then: .3 − .3 − 0 = 0 and .9 − .3 − 1 = −.4;
    // g = (−.4·3, −.4) = (−1.2, −.4); v = .5·(7, 3) + g = (2.3, 1.1); w = .3 − .23, b = −.3 − .11.
    const { weights, state } = await steps({ kind: 'sgd', momentum: 0.5 }, 0.1, 2);
    expect(weights['y.weight']).toBeCloseTo(0.07, 6);
    expect(weights['y.bias']).toBeCloseTo(-0.41, 6);
    expect(state['y.weight/velocity']).toBeCloseTo(2.3, 5);
  });

  it('looks ahead with Nesterov momentum', async () => {
    // v = g = (7, 3), direction g + .5·v = (10.5, 4.5)
    const { weights } = await steps({ kind: 'sgd', momentum: 0.5, nesterov: true }, 0.1, 1);
    expect(weights['y.weight']).toBeCloseTo(1 - 1.05, 6);
    expect(weights['y.bias']).toBeCloseTo(-0.45, 6);
  });

  it('decays weights, and only matrices when asked', async () => {
    // g = 7 + .5·1
    expect((await steps({ kind: 'sgd', weightDecay: 0.5 }, 0.1, 1)).weights['y.weight']).toBeCloseTo(1 - 0.75, 6);
    // AdamW: w ← (1 − .1·.5)·w, then a step of η for every parameter (m/√v = 1 at the first step).
    const { weights } = await steps({ kind: 'adamw', weightDecay: 0.5, decayed: 'matrices' }, 0.1, 1);
    expect(weights['y.weight']).toBeCloseTo(0.95 - 0.1, 6);
    expect(weights['y.bias']).toBeCloseTo(-0.1, 6);
  });

  it('makes the first step of Adam as long as the learning rate', async () => {
    const { weights, state } = await steps({ kind: 'adam' }, 0.01, 1);
    expect(weights['y.weight']).toBeCloseTo(0.99, 6);
    expect(weights['y.bias']).toBeCloseTo(-0.01, 6);
    expect(state['y.weight/first-moment']).toBeCloseTo(0.7, 6);
    expect(state['y.weight/second-moment']).toBeCloseTo(0.049, 6);
  });

  it('clips the joint norm of the gradient', async () => {
    // ‖(7, 3)‖ = √58; scaled to 1
    const { results, weights } = await steps({ kind: 'sgd' }, 1, 1, 1);
    expect(results[0].gradientNorm).toBeCloseTo(Math.sqrt(58), 5);
    expect(weights['y.weight']).toBeCloseTo(1 - 7 / Math.sqrt(58), 5);
  });
});

describe('losses on paper', () => {
  async function lossOf(
    loss: Loss,
    logits: number[][],
    targets: ReturnType<typeof float32> | ReturnType<typeof int64>,
    weights: number[],
  ) {
    // With W = identity and b = 0 the outputs are the inputs.
    const width = logits[0].length;
    const model = line(width, width);
    const identity = float32(
      [width, width],
      Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
    );
    const batch = {
      inputs: new Map([['x', float32([logits.length, width], logits.flat())]]),
      targets,
      weights: Float32Array.from(weights),
    };
    const step = await openTrainingStep({ model, loss, optimizer: { kind: 'sgd' }, runtime }, batch);
    const zero = float32([width], new Float32Array(width));
    step.restart({
      parameters: new Map([
        ['y.weight', identity],
        ['y.bias', zero],
      ]),
      state: new Map(),
    });
    const result = await step.run(batch, 1, 0.1);
    await step.close();
    return result.loss;
  }
  const softmax = (x: number[]) => x.map((v) => Math.exp(v) / x.reduce((sum, u) => sum + Math.exp(u), 0));
  const logits = [
    [1, 2, 0.5],
    [0, -1, 3],
  ];
  const nll = logits.map((row) => softmax(row).map((p) => -Math.log(p)));

  it('weights samples and classes in cross-entropy', async () => {
    const targets = int64([2], [0, 2]);
    expect(await lossOf({ kind: 'cross-entropy' }, logits, targets, [1, 1])).toBeCloseTo(
      (nll[0][0] + nll[1][2]) / 2,
      5,
    );
    expect(await lossOf({ kind: 'cross-entropy' }, logits, targets, [1, 0])).toBeCloseTo(nll[0][0], 5);
    expect(await lossOf({ kind: 'cross-entropy', classWeights: [3, 1, 1] }, logits, targets, [1, 1])).toBeCloseTo(
      (3 * nll[0][0] + nll[1][2]) / 4,
      5,
    );
  });

  it('smooths labels and ignores targets', async () => {
    const mean = (row: number[]) => row.reduce((sum, v) => sum + v, 0) / row.length;
    const smooth = await lossOf({ kind: 'cross-entropy', labelSmoothing: 0.1 }, logits, int64([2], [0, 2]), [1, 1]);
    expect(smooth).toBeCloseTo((0.9 * nll[0][0] + 0.1 * mean(nll[0]) + 0.9 * nll[1][2] + 0.1 * mean(nll[1])) / 2, 5);
    const ignored = await lossOf({ kind: 'cross-entropy', ignore: -100 }, logits, int64([2], [-100, 2]), [1, 1]);
    expect(ignored).toBeCloseTo(nll[1][2], 5);
  });

  it('takes distributions in KL divergence, with 0·log 0 = 0', async () => {
    const loss = await lossOf({ kind: 'kl-divergence' }, logits, float32([2, 3], [0.5, 0.5, 0, 1, 0, 0]), [1, 1]);
    const first = 0.5 * (Math.log(0.5) + nll[0][0]) + 0.5 * (Math.log(0.5) + nll[0][1]);
    expect(loss).toBeCloseTo((first + nll[1][0]) / 2, 5);
  });

  it('stays finite for large logits in binary cross-entropy', async () => {
    const loss = await lossOf(
      { kind: 'binary-cross-entropy', positiveWeight: 2 },
      [[200, -200]],
      float32([1, 2], [1, 1]),
      [1],
    );
    // log(1 + e⁻²⁰⁰) = 0 and log(1 + e²⁰⁰) = 200, both of weight 2, mean of two elements
    expect(loss).toBeCloseTo(200, 4);
  });
});

describe('what a step refuses', () => {
  const batch = {
    inputs: new Map([['x', float32([1, 2], [1, 2])]]),
    targets: int64([1], [5]),
    weights: Float32Array.of(1),
  };
  const open = (changes: object) =>
    openTrainingStep(
      { model: line(2, 3), loss: { kind: 'cross-entropy' }, optimizer: { kind: 'sgd' }, runtime, ...changes },
      batch,
    );

  it('names a target that is not a class', async () => {
    await expect(open({})).rejects.toThrow(/not a class of the model \(got 5, expected 0 to 2\)/);
  });
  it('names targets of the wrong type', async () => {
    await expect(open({ loss: { kind: 'mean-squared-error' } })).rejects.toThrow(
      /targets of mean-squared-error \(got int64 1, expected float32 1×3\)/,
    );
  });
  it('names an unknown parameter', async () => {
    await expect(open({ trainable: ['z'] })).rejects.toThrow(/no parameter "z".*expected y\.weight, y\.bias/);
  });
  it('refuses settings that make no sense', async () => {
    await expect(open({ optimizer: { kind: 'sgd', momentum: 2 } })).rejects.toThrow(
      /momentum of the optimizer \(got 2/,
    );
    await expect(open({ clipNorm: 0 })).rejects.toThrow(/clipNorm/);
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import type { OnnxModel } from '../../onnx/graph.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import { kaimingNormal, kaimingUniform, normalWith, xavierNormal, xavierUniform } from '../initialization.ts';
import { Network, type Value } from '../network.ts';
import { readParameters, trainableParameters, withParameters } from '../parameters.ts';
import {
  type Activation,
  activation,
  add,
  averagePool,
  batchNorm,
  convolution,
  decoderBlock,
  embedding,
  flatten,
  globalAveragePool,
  groupNorm,
  layerNorm,
  linear,
  maxPool,
  meanOver,
  positionEmbedding,
  rmsNorm,
  selfAttention,
  transformerBlock,
} from './index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

async function run(
  model: OnnxModel,
  feeds: Record<string, Tensor>,
): Promise<{ shape: readonly number[]; values: number[] }> {
  const session = await runtime.open(model);
  const name = model.graph.outputs[0].name;
  const results = await session.run(new Map(Object.entries(feeds)), [name]);
  await session.release();
  const { shape, data } = results.get(name) as Tensor<'float32'>;
  return { shape, values: [...data] };
}

function build(shape: readonly (number | string)[], layers: (network: Network, x: Value) => Value): OnnxModel {
  const network = new Network({ seed: 7 });
  return network.build([layers(network, network.input('x', 'float32', shape))]);
}

const ramp = (shape: readonly number[]) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)),
  );
const of = (model: OnnxModel, name: string) => [...(readParameters(model, [name]).get(name) as Tensor<'float32'>).data];
/** float32 sums of a few dozen terms of size about 1 */
const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i], 5);
};

describe('layers compute what they say', () => {
  it('linear, of two axes and of three', async () => {
    const model = build(['N', 2], (n, x) => linear(n, x, 'y', { features: 3 }));
    const w = of(model, 'y.weight');
    const expected = [0, 1, 2].map((j) => 5 * w[j] - 2 * w[3 + j]);
    close((await run(model, { x: float32([1, 2], [5, -2]) })).values, expected);
    const deep = build(['N', 4, 2], (n, x) => linear(n, x, 'y', { features: 3 }));
    const { shape, values } = await run(deep, { x: float32([1, 4, 2], [5, -2, 0, 0, 0, 0, 0, 0]) });
    expect(shape).toEqual([1, 4, 3]);
    close(values.slice(0, 3), expected);
  });

  it('convolution: a pixel, the taps of its window and the declared shape', async () => {
    const model = build(['N', 2, 5, 6], (n, x) =>
      convolution(n, x, 'y', { channels: 4, kernel: 3, stride: 2, padding: 1, groups: 2 }),
    );
    const x = ramp([1, 2, 5, 6]);
    const { shape, values } = await run(model, { x });
    expect(shape).toEqual([1, 4, 3, 3]);
    expect(model.graph.outputs[0].shape).toEqual(['N', 4, 3, 3]);
    const w = of(model, 'y.weight');
    // Output channel 3 belongs to the second group, so it reads input channel 1; output (1, 1) is centred on (2, 2).
    let expected = 0;
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) expected += w[3 * 9 + i * 3 + j] * x.data[30 + (1 + i) * 6 + (1 + j)];
    close([values[3 * 9 + 4]], [expected]);
  });

  it('convolution over one axis', async () => {
    const model = build(['N', 1, 4], (n, x) => convolution(n, x, 'y', { channels: 1, kernel: 2, bias: false }));
    const w = of(model, 'y.weight');
    close((await run(model, { x: float32([1, 1, 4], [1, 2, 3, 4]) })).values, [
      w[0] + 2 * w[1],
      2 * w[0] + 3 * w[1],
      3 * w[0] + 4 * w[1],
    ]);
  });

  it('pooling', async () => {
    const x = float32([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(
      (
        await run(
          build(['N', 1, 2, 4], (n, v) => maxPool(n, v, 'y', { kernel: 2 })),
          { x },
        )
      ).values,
    ).toEqual([6, 8]);
    expect(
      (
        await run(
          build(['N', 1, 2, 4], (n, v) => averagePool(n, v, 'y', { kernel: 2 })),
          { x },
        )
      ).values,
    ).toEqual([3.5, 5.5]);
    expect(
      await run(
        build(['N', 1, 2, 4], (n, v) => globalAveragePool(n, v, 'y')),
        { x },
      ),
    ).toEqual({ shape: [1, 1], values: [4.5] });
    expect(
      await run(
        build(['N', 1, 2, 4], (n, v) => flatten(n, v, 'y')),
        { x },
      ),
    ).toEqual({ shape: [1, 8], values: [1, 2, 3, 4, 5, 6, 7, 8] });
    const tokens = float32([1, 2, 2], [1, 2, 3, 4]);
    expect(
      await run(
        build(['N', 2, 2], (n, v) => meanOver(n, v, 'y', 1)),
        { x: tokens },
      ),
    ).toEqual({ shape: [1, 2], values: [2, 3] });
  });

  it('normalisation: mean 0 and variance 1 within the group', async () => {
    const x = ramp([2, 4, 3, 3]);
    const { values } = await run(
      build(['N', 4, 3, 3], (n, v) => groupNorm(n, v, 'y', { groups: 2 })),
      { x },
    );
    const group = values.slice(36 + 18, 36 + 36);
    const mean = group.reduce((a, b) => a + b, 0) / 18;
    expect(mean).toBeCloseTo(0, 5);
    // ε = 1e-5 beside a variance of about .5
    expect(group.reduce((a, b) => a + (b - mean) ** 2, 0) / 18).toBeCloseTo(1, 3);
    const row = (
      await run(
        build(['N', 8], (n, v) => layerNorm(n, v, 'y')),
        { x: ramp([1, 8]) },
      )
    ).values;
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 4);
    close(
      (
        await run(
          build(['N', 1, 1, 2], (n, v) => batchNorm(n, v, 'y', { epsilon: 0 })),
          { x: float32([1, 1, 1, 2], [3, -1]) },
        )
      ).values,
      [3, -1],
    );
  });

  it('activations', async () => {
    const x = [-1.5, 0, 0.7];
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const expected: Partial<Record<Activation, (v: number) => number>> = {
      relu: (v) => Math.max(0, v),
      silu: (v) => v * sigmoid(v),
      tanh: Math.tanh,
      sigmoid,
      softplus: (v) => Math.log1p(Math.exp(v)),
      elu: (v) => (v > 0 ? v : Math.expm1(v)),
      'gelu-tanh': (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    };
    for (const [kind, f] of Object.entries(expected)) {
      const model = build(['N', 3], (n, v) => activation(n, v, 'y', kind as Activation));
      close((await run(model, { x: float32([1, 3], x) })).values, x.map(f));
    }
  });

  it('embedding with positions', async () => {
    const network = new Network({ seed: 3 });
    const ids = network.input('x', 'int64', ['N', 2]);
    const model = network.build([
      positionEmbedding(network, embedding(network, ids, 'token', { count: 5, features: 2 }), 'position'),
    ]);
    const [token, position] = [of(model, 'token.weight'), of(model, 'position.weight')];
    close((await run(model, { x: int64([1, 2], [4, 0]) })).values, [
      token[8] + position[0],
      token[9] + position[1],
      token[0] + position[2],
      token[1] + position[3],
    ]);
  });

  for (const causal of [false, true]) {
    it(`${causal ? 'causal ' : ''}attention, against its definition`, async () => {
      const [T, D, heads] = [3, 4, 2];
      const model = build(['N', T, D], (n, v) => selfAttention(n, v, 'a', { heads, causal }));
      const x = ramp([1, T, D]);
      const [w, p] = [of(model, 'a.qkv.weight'), of(model, 'a.projection.weight')];
      const qkv = Array.from({ length: T }, (_, t) =>
        Array.from({ length: 3 * D }, (_, j) =>
          Array.from({ length: D }, (_, i) => x.data[t * D + i] * w[i * 3 * D + j]).reduce((a, b) => a + b, 0),
        ),
      );
      const mixed = Array.from({ length: T }, () => new Array<number>(D).fill(0));
      const width = D / heads;
      for (let h = 0; h < heads; h++) {
        for (let t = 0; t < T; t++) {
          const scores = Array.from({ length: T }, (_, s) => {
            if (causal && s > t) return 0;
            let dot = 0;
            for (let d = 0; d < width; d++) dot += qkv[t][h * width + d] * qkv[s][D + h * width + d];
            return Math.exp(dot / Math.sqrt(width));
          });
          const total = scores.reduce((a, b) => a + b, 0);
          for (let d = 0; d < width; d++)
            for (let s = 0; s < T; s++) mixed[t][h * width + d] += (scores[s] / total) * qkv[s][2 * D + h * width + d];
        }
      }
      const expected = mixed.flatMap((row) =>
        Array.from({ length: D }, (_, j) => row.reduce((a, v, i) => a + v * p[i * D + j], 0)),
      );
      close((await run(model, { x })).values, expected);
    });
  }

  it('a causal transformer block does not look ahead', async () => {
    const model = build(['N', 4, 8], (n, v) => transformerBlock(n, v, 'block', { heads: 2, causal: true }));
    const [first, changed] = [ramp([1, 4, 8]), ramp([1, 4, 8])];
    changed.data.fill(9, 24);
    const [a, b] = [await run(model, { x: first }), await run(model, { x: changed })];
    expect(a.values.slice(0, 24)).toEqual(b.values.slice(0, 24));
    expect(a.values.slice(24)).not.toEqual(b.values.slice(24));
  });

  it('a norm by the root mean square', async () => {
    const model = build(['N', 3], (n, v) => rmsNorm(n, v, 'norm', { epsilon: 0 }));
    // √((1 + 4 + 4) / 3) = √3.
    close(
      (await run(model, { x: float32([1, 3], [1, -2, 2]) })).values,
      [1, -2, 2].map((value) => value / Math.sqrt(3)),
    );
  });

  it('a decoder block does not look ahead, whatever the length', async () => {
    const block = (length: number | string) =>
      build(['N', length, 8], (n, v) => decoderBlock(n, v, 'block', { heads: 2, inner: 16, longest: 6 }));
    const x = ramp([1, 5, 8]);
    const whole = (await run(block('T'), { x })).values;
    const part = await run(block('T'), { x: float32([1, 3, 8], x.data.slice(0, 24)) });
    close(part.values, whole.slice(0, 24));
    expect((await run(block(5), { x })).values).toEqual(whole);
  });

  it('a head of a decoder block starts by looking as far back as it is told', async () => {
    const network = new Network({ seed: 3 });
    const x = network.input('x', 'float32', ['N', 6, 32]);
    decoderBlock(network, x, 'block', { heads: 2, inner: 0, longest: 8, lookBack: [1, 3] });
    const model = network.build([{ name: 'block.attention', shape: ['N', 2, 6, 6] }]);
    const { values } = await run(model, { x: ramp([1, 6, 32]) });
    const most = (head: number, row: number) => {
      const weights = values.slice(head * 36 + row * 6, head * 36 + row * 6 + row + 1);
      return weights.indexOf(weights.reduce((a, b) => Math.max(a, b)));
    };
    expect([1, 2, 3, 4, 5].map((row) => most(0, row))).toEqual([0, 1, 2, 3, 4]);
    expect([3, 4, 5].map((row) => most(1, row))).toEqual([0, 1, 2]);
  });
});

describe('a network', () => {
  const residual = (seed: number) => {
    const network = new Network({ seed, name: 'small' });
    const x = network.input('x', 'float32', ['N', 3]);
    return network.build([add(network, x, linear(network, x, 'inner', { features: 3 }), 'y')], { task: 'none' });
  };

  it('has the same weights for the same seed and others for another', () => {
    expect(of(residual(1), 'inner.weight')).toEqual(of(residual(1), 'inner.weight'));
    expect(of(residual(1), 'inner.weight')).not.toEqual(of(residual(2), 'inner.weight'));
  });

  it('lists its parameters in the model file', () => {
    const model = residual(1);
    expect(trainableParameters(model)).toEqual(['inner.weight', 'inner.bias']);
    expect(model.metadata.get('task')).toBe('none');
    expect(() => trainableParameters({ ...model, metadata: new Map() })).toThrow(/does not say which/);
    expect(() => withParameters(model, new Map([['inner.bias', float32([2], [0, 0])]]))).toThrow(
      /got float32 2, expected float32 3/,
    );
  });

  it('says which layer needs to know a size', () => {
    expect(() => build(['N', 'T'], (n, x) => linear(n, x, 'y', { features: 3 }))).toThrow(
      /layer "y" must know axis -1 of "x" \(got N×T\)/,
    );
    expect(() => build(['N', 3, 4], (n, x) => selfAttention(n, x, 'a', { heads: 3 }))).toThrow(/4 features, 3 heads/);
  });
});

it('initialisations have the variance of their formula', () => {
  const fans = { in: 50, out: 30 };
  const expected: [string, typeof kaimingNormal, number][] = [
    ['kaimingNormal', kaimingNormal, 2 / 50],
    ['kaimingUniform', kaimingUniform, 2 / 50],
    ['xavierNormal', xavierNormal, 2 / 80],
    ['xavierUniform', xavierUniform, 2 / 80],
    ['normalWith', normalWith(0.3), 0.09],
  ];
  for (const [name, draw, variance] of expected) {
    const values = draw(20_000, fans, random(5));
    const measured = values.reduce((sum, v) => sum + v * v, 0) / values.length;
    // The relative deviation of a variance of 20,000 normal samples is √(2/20,000) = 1 %; 5 % is five of these.
    expect(Math.abs(measured / variance - 1), name).toBeLessThan(0.05);
  }
});

import { afterAll, describe, expect, it } from 'vitest';
import { type ReferenceNetwork, referenceGradients } from '../../test/influence/reference-networks.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { normals, random } from '../tensor/random.ts';
import { float32, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import {
  activation,
  convolution,
  embedding,
  flatten,
  linear,
  meanOver,
  positionEmbedding,
} from '../train/layers/index.ts';
import { Network } from '../train/network.ts';
import { readParameters } from '../train/parameters.ts';
import type { GradientMaterial, TwoSided } from './gradient-material.ts';
import { type ModelGradientsOptions, openPasses } from './gradient-passes.ts';
import { identity, type Matrix, matrix } from './matrix.ts';
import { precondition } from './methods/factored-curvature.ts';
import { modelGradients } from './model-gradients.ts';
import { factorPass } from './row-passes.ts';
import { checkRowsAlone } from './rows-alone.ts';
import { score, suspicion } from './score.ts';
import { dotFactors, type StoredFactors } from './stored-factors.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const tanh = (values: ArrayLike<number>) => Float64Array.from(values, Math.tanh);
const classes = 3;

interface Case {
  readonly model: OnnxModel;
  readonly input: { readonly shape: readonly number[]; readonly tokens?: number };
  readonly reference: ReferenceNetwork;
}

/** Each with layers that have biases, written twice: with the project's layers, and by hand. */
const cases: Readonly<Record<string, () => Case>> = {
  linear() {
    const network = new Network({ seed: 1 });
    const x = network.input('x', 'float32', ['N', 4]);
    const hidden = activation(network, linear(network, x, 'hidden', { features: 5 }), 'active', 'tanh');
    return {
      model: network.build([linear(network, hidden, 'logits', { features: classes })]),
      input: { shape: [4] },
      reference: {
        shapes: [
          { name: 'hidden.weight', rows: 5, columns: 5, bias: true },
          { name: 'logits.weight', rows: classes, columns: 6, bias: true },
        ],
        logits: (x, apply) => apply(1, tanh(apply(0, x))),
      },
    };
  },
  'convolution with stride 2 and groups'() {
    const network = new Network({ seed: 2 });
    const x = network.input('x', 'float32', ['N', 2, 4, 4]);
    const mapped = convolution(network, x, 'conv', { channels: 4, kernel: 3, stride: 2, padding: 1, groups: 2 });
    const flat = flatten(network, activation(network, mapped, 'active', 'tanh'), 'flat');
    return {
      model: network.build([linear(network, flat, 'logits', { features: classes })]),
      input: { shape: [2, 4, 4] },
      reference: {
        shapes: [
          { name: 'conv.weight', rows: 4, columns: 10, bias: true },
          { name: 'logits.weight', rows: classes, columns: 17, bias: true },
        ],
        logits(x, apply) {
          const maps = new Float64Array(16);
          for (let place = 0; place < 4; place++) {
            for (let group = 0; group < 2; group++) {
              const window = Float64Array.from({ length: 9 }, (_, j) => {
                const [row, column] = [
                  2 * Math.floor(place / 2) - 1 + Math.floor(j / 3),
                  2 * (place % 2) - 1 + (j % 3),
                ];
                const isInside = row >= 0 && row < 4 && column >= 0 && column < 4;
                return isInside ? x[group * 16 + row * 4 + column] : 0;
              });
              const given = apply(0, window);
              for (let c = 2 * group; c < 2 * group + 2; c++) maps[c * 4 + place] = Math.tanh(given[c]);
            }
          }
          return apply(1, maps);
        },
      },
    };
  },
  tokens() {
    const network = new Network({ seed: 3 });
    const ids = network.input('x', 'int64', ['N', 4]);
    const embedded = embedding(network, ids, 'table', { count: 6, features: 3 });
    const placed = positionEmbedding(network, embedded, 'places');
    const each = activation(network, linear(network, placed, 'mix', { features: 4 }), 'active', 'tanh');
    return {
      model: network.build([linear(network, meanOver(network, each, 'mean', 1), 'logits', { features: classes })]),
      input: { shape: [4], tokens: 6 },
      reference: {
        shapes: [
          { name: 'table.weight', rows: 3, columns: 6, bias: false },
          { name: 'mix.weight', rows: 4, columns: 4, bias: true },
          { name: 'logits.weight', rows: classes, columns: 5, bias: true },
          { name: 'places.weight', rows: 3, columns: 4, bias: false },
        ],
        logits(x, apply) {
          const mean = new Float64Array(4);
          for (let t = 0; t < 4; t++) {
            const oneOf = (size: number, at: number) =>
              Float64Array.from({ length: size }, (_, k) => (k === at ? 1 : 0));
            const place = apply(3, oneOf(4, t));
            const one = apply(0, oneOf(6, x[t])).map((value, j) => value + place[j]);
            tanh(apply(1, one)).forEach((value, j) => {
              mean[j] += value / 4;
            });
          }
          return apply(2, mean);
        },
      },
    };
  },
};

function inputs({ shape, tokens }: Case['input'], count: number, seed: number): Tensor {
  const size = count * sizeOf(shape);
  const source = random(seed);
  if (tokens)
    return int64(
      [count, ...shape],
      Array.from({ length: size }, () => source.integer(tokens)),
    );
  return float32([count, ...shape], normals(size, source));
}

async function both(one: Case) {
  const [rows, queries] = [inputs(one.input, 14, 5), inputs(one.input, 3, 6)];
  const y = { rows: Array.from({ length: 14 }, (_, i) => i % classes), queries: [0, 1, 2] };
  // Larger weights than at the start of a training, so that no probability is near a third.
  const parameters = new Map(
    [...readParameters(one.model, [...one.model.graph.initializers.keys()])].map(([name, t]) => [
      name,
      t.type === 'float32' ? float32(t.shape, normals(t.data.length, random(7, name.length))) : t,
    ]),
  );
  const initializers = new Map(
    [...one.model.graph.initializers].map(([name, old]) => [
      name,
      { ...old, location: { kind: 'memory' as const, tensor: parameters.get(name) as Tensor } },
    ]),
  );
  const model = createModel({ ...one.model, graph: { ...one.model.graph, initializers } }, runtime, {
    name: 'm',
    hash: '',
  });
  const options: ModelGradientsOptions = {
    model,
    output: model.graph.outputs[0].name,
    classes,
    rows: datasetOf({ x: rows }, { labels: int64([14], y.rows) }),
    queries: datasetOf({ x: queries }, { labels: int64([3], y.queries) }),
    batch: 5,
  };
  const ours = await modelGradients(options);
  const { reference } = one;
  // The reference's blocks in the order of ours.
  const order = ours.blocks.map(({ name }) => reference.shapes.findIndex((shape) => shape.name === name));
  const network: ReferenceNetwork = {
    shapes: order.map((b) => reference.shapes[b]),
    logits: (x, apply) => reference.logits(x, (b, a) => apply(order.indexOf(b), a)),
  };
  const theta: number[] = [];
  for (const { name, rows: r, columns, bias } of network.shapes) {
    const weight = parameters.get(name) as Tensor<'float32'>;
    const biases = parameters.get(name.replace('weight', 'bias')) as Tensor<'float32'> | undefined;
    const width = bias ? columns - 1 : columns;
    // A convolution's weight lies as [outputs, …]; others as [inputs, outputs].
    const isTurned = weight.shape.length === 2 && weight.shape[0] !== r;
    for (let o = 0; o < r; o++) {
      for (let i = 0; i < width; i++) theta.push(weight.data[isTurned ? i * r + o : o * width + i]);
      if (bias) theta.push((biases as Tensor<'float32'>).data[o]);
    }
  }
  const list = (t: Tensor, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const width = t.data.length / count;
      return Array.from(t.data as Float32Array, Number).slice(i * width, (i + 1) * width);
    });
  // The labels that ours draws from the model, so that both fit the same matrix.
  const drawn: number[] = [];
  const probabilities = await model.executor.run(model.graph, new Map([['x', rows]]), [model.graph.outputs[0].name]);
  const scores = probabilities.get(model.graph.outputs[0].name) as Tensor<'float32'>;
  for (let i = 0; i < 14; i++) {
    const z = Array.from(scores.data.subarray(i * classes, (i + 1) * classes), Math.exp);
    let [u, k] = [random(1, 1000 + i).uniform() * z.reduce((a, b) => a + b), 0];
    while (k < classes - 1 && (u -= z[k]) > 0) k++;
    drawn.push(k);
  }
  const dense = referenceGradients(
    network,
    Float64Array.from(theta),
    { x: list(rows, 14), y: y.rows },
    { x: list(queries, 3), y: y.queries },
    drawn,
  );
  const base = { rows: 14, queries: 3, seed: 1 };
  return { options, ours, dense, context: { ...base, gradients: ours }, reference: { ...base, gradients: dense } };
}

/** All projected rows, one after another. */
async function allOf(of: GradientMaterial, projections: readonly TwoSided[]): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { values } of (await of.project(projections)).pieces())
    for (const value of values.data) numbers.push(value);
  return numbers;
}

/** Largest difference over the largest value. */
function relative(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    difference = Math.max(difference, Math.abs(got[i] - wanted[i]));
    size = Math.max(size, Math.abs(wanted[i]));
  }
  return difference / size;
}

describe.each(Object.entries(cases))('gradients of a model: %s', (_, make) => {
  const ready = both(make());
  // float32 in the graph, some hundred operations: about 1e-6.
  const near = 1e-5;

  it('are those of a float64 reference, summed, projected and squared', async () => {
    const { ours, dense } = await ready;
    expect(ours.blocks).toMatchObject(dense.blocks);
    expect(relative((await ours.queries()).data, (await dense.queries()).data)).toBeLessThan(near);
    const directions = matrix(2, ours.parameters, Float64Array.from(normals(2 * ours.parameters, random(3))));
    expect(relative((await ours.dot(directions)).data, (await dense.dot(directions)).data)).toBeLessThan(near);
    const [block] = ours.blocks;
    expect(relative((await ours.dot(directions, block)).data, (await dense.dot(directions, block)).data)).toBeLessThan(
      near,
    );
    expect(relative(await ours.squaredNorms(), await dense.squaredNorms())).toBeLessThan(near);
    expect(relative(await ours.squaredNorms(block), await dense.squaredNorms(block))).toBeLessThan(near);
    const weights = matrix(2, 14, Float64Array.from(normals(28, random(4))));
    expect(relative((await ours.weightedSum(weights)).data, (await dense.weightedSum(weights)).data)).toBeLessThan(
      near,
    );
    const side = (size: number, seed: number): Matrix =>
      matrix(2, size, Float64Array.from(normals(2 * size, random(seed))));
    const projections = ours.blocks.map(({ rows, columns }) => ({ left: side(rows, 8), right: side(columns, 9) }));
    expect(relative(await allOf(ours, projections), await allOf(dense, projections))).toBeLessThan(near);
    expect((await ours.confidences()).rows).toHaveLength(14);
  });

  it('are told by factors that give the same products, of all blocks and of one', async () => {
    const { options, ours, dense } = await ready;
    const pass = factorPass(await openPasses(options));
    const factors: StoredFactors = {
      rows: 14,
      forms: pass.forms,
      async *pieces() {
        for (const [from, to] of [
          [0, 10],
          [10, 14],
        ])
          yield { first: from, rows: to - from, arrays: await pass.of({ from, to }) };
      },
    };
    const directions = matrix(3, ours.parameters, Float64Array.from(normals(3 * ours.parameters, random(3))));
    for (const only of [undefined, ...ours.blocks]) {
      const found = await dotFactors(runtime, factors, ours.blocks, directions, { only });
      expect(relative(found.data, (await dense.dot(directions, only)).data)).toBeLessThan(near);
    }
    await checkRowsAlone(await openPasses(options), options);
  });

  it('have the reference’s Gauss-Newton matrix and products with it', async () => {
    const { ours, dense } = await ready;
    expect(relative(await ours.gaussNewtonMatrix(), await dense.gaussNewtonMatrix())).toBeLessThan(near);
    expect(relative(await ours.weights(), await dense.weights())).toBeLessThan(near);
    const by = new Float64Array(ours.parameters).map((_, j) => 0.1 * Math.sin(j));
    expect(relative(await ours.at(by), await dense.at(by))).toBeLessThan(near);
    const v = matrix(1, ours.parameters, Float64Array.from(normals(ours.parameters, random(6))));
    expect(relative((await ours.gaussNewton(v)).data, (await dense.gaussNewton(v)).data)).toBeLessThan(near);
  });

  it.each(['ek-fac', 'diagonal-fisher', 'grad-cos', 'logra', 'relat-if', 'data-inf'])(
    'give the reference’s %s',
    async (name) => {
      const { context, reference } = await ready;
      expect(
        relative((await score(name, context)).values.data, (await score(name, reference)).values.data),
      ).toBeLessThan(near);
      const [own, other] = [await suspicion(name, context), await suspicion(name, reference)];
      if (own && other) expect(relative(own.values, other.values)).toBeLessThan(near);
    },
  );

  it('are cut into parts on sides that are too wide, as those of the reference are', async () => {
    const { options, context, dense, reference } = await ready;
    const gradients = await modelGradients({ ...options, widest: 4 });
    const blocks = dense.blocks.map((block, b) => ({ ...block, parts: gradients.blocks[b].parts }));
    expect(gradients.blocks.some(({ parts }) => parts?.inputs)).toBe(true);
    const cut = { ...reference, gradients: { ...dense, blocks } };
    for (const name of ['ek-fac', 'k-fac']) {
      const { values, notes } = await score(name, { ...context, gradients });
      expect(relative(values.data, (await score(name, cut)).values.data)).toBeLessThan(near);
      // It is another curvature, and that is said.
      expect(relative(values.data, (await score(name, context)).values.data)).toBeGreaterThan(1e-3);
      expect(notes.join()).toMatch(/cut into parts: .* inputs of .* in \d/);
    }
    const own = (await suspicion('ek-fac', { ...context, gradients }))?.values as Float64Array;
    expect(relative(own, (await suspicion('ek-fac', cut))?.values as Float64Array)).toBeLessThan(near);
  });

  it('do not depend on the sign and the order of eigenvectors', async () => {
    const { ours, context } = await ready;
    const turned = {
      ...ours,
      eigen: async (of: Float64Array, size: number) => {
        const { values, vectors } = await ours.eigen(of, size);
        const result = new Float64Array(size * size);
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) result[i * size + j] = -vectors[(size - 1 - i) * size + j];
        return { values: values.slice().reverse(), vectors: result };
      },
    };
    for (const name of ['ek-fac', 'k-fac']) {
      const plain = (await score(name, context)).values.data;
      expect(relative((await score(name, { ...context, gradients: turned })).values.data, plain)).toBeLessThan(near);
    }
  });
});

describe('EK-FAC', () => {
  it('refuses to cut through the groups of a convolution', async () => {
    const { options } = await both(cases['convolution with stride 2 and groups']());
    const gradients = await modelGradients({ ...options, widest: 3 });
    await expect(score('ek-fac', { rows: 14, queries: 3, seed: 1, gradients })).rejects.toThrow(
      /"conv.weight" has groups and is too wide.*4 outputs in 2 groups/,
    );
  });

  it('is the inverse of the whole matrix where that is a Kronecker product', () => {
    // Λ in a rotated basis: the dense matrix is (Q_S ⊗ Q_A) diag(Λ + δ) (Q_S ⊗ Q_A)ᵀ; with Q by 45° and Λ by hand.
    const c = Math.SQRT1_2;
    const q = matrix(2, 2, Float64Array.of(c, c, -c, c));
    const block = { name: 'W', rows: 2, columns: 2, offset: 0 };
    const values = [Float64Array.of(1, 3, 7, 15)];
    const dense = new Float64Array(16);
    for (let a = 0; a < 2; a++)
      for (let b = 0; b < 2; b++)
        for (let i = 0; i < 4; i++)
          for (let j = 0; j < 4; j++) {
            const entry = (at: number) => q.data[a * 2 + Math.floor(at / 2)] * q.data[b * 2 + (at % 2)];
            dense[i * 4 + j] += (values[0][a * 2 + b] + 1) * entry(i) * entry(j);
          }
    const solved = precondition(identity(4), [block], { rotations: [{ left: q, right: q }], values }, [1]);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        let product = 0;
        for (let k = 0; k < 4; k++) product += dense[i * 4 + k] * solved.data[k * 4 + j];
        expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
      }
  });
});

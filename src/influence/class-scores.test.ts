import { afterAll, describe, expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { normals, random } from '../tensor/random.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, linear } from '../train/layers/index.ts';
import { Network } from '../train/network.ts';
import { readParameters } from '../train/parameters.ts';
import { modelGradients } from './model-gradients.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Float32 in the graph: about 1e-7 of the largest value. */
function expectClose(got: ArrayLike<number>, wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries()) expect(got[i]).toBeCloseTo(value, 6);
}

describe('one number that tells two classes apart', () => {
  it('has the gradients and the curvature of a logistic regression', async () => {
    const network = new Network({ seed: 5 });
    const score = linear(network, network.input('x', 'float32', ['N', 3]), 'score', { features: 1 });
    const model = network.build([activation(network, score, 'p', 'sigmoid')]);
    const x = normals(15, random(6));
    const labels = [0, 1, 1, 0, 1];
    const rows = datasetOf({ x: float32([5, 3], x) }, { labels: int64([5], labels) });
    const opened = createModel(model, runtime, { name: 'logistic', hash: '' });
    // The value that the sigmoid reads, as it stands in the graph that is run.
    const last = opened.graph.nodes.find(({ op }) => op === 'Sigmoid');
    const gradients = await modelGradients({
      ...{ model: opened, output: last?.inputs[0] ?? '', classes: 2, rows, queries: rows },
    });
    const weight = readParameters(model, ['score.weight', 'score.bias']);
    const theta = [...(weight.get('score.weight')?.data ?? []), ...(weight.get('score.bias')?.data ?? [])].map(Number);
    const inputs = labels.map((_, i) => [...x.subarray(3 * i, 3 * i + 3), 1]);
    const p = inputs.map((a) => 1 / (1 + Math.exp(-a.reduce((sum, value, j) => sum + value * theta[j], 0))));
    expect(gradients.parameters).toBe(4);
    // ∇ log p(y) = (y − p) a; G = mean p (1 − p) a aᵀ.
    const queries = inputs.flatMap((a, i) => a.map((value) => (labels[i] - p[i]) * value));
    expectClose((await gradients.queries()).data, queries);
    const curvature = Array.from({ length: 16 }, (_, at) => {
      const [j, k] = [Math.floor(at / 4), at % 4];
      return inputs.reduce((sum, a, i) => sum + p[i] * (1 - p[i]) * a[j] * a[k], 0) / 5;
    });
    expectClose(await gradients.gaussNewtonMatrix(), curvature);
    const confidences = await gradients.confidences();
    expectClose(
      confidences.rows,
      labels.map((label, i) => (label ? p[i] : 1 - p[i])),
    );
  });
});

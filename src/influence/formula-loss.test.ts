import { afterAll, expect, it } from 'vitest';
import { clusters } from '../../test/influence/softmax-regression.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, linear } from '../train/layers/index.ts';
import { Network } from '../train/network.ts';
import { formulaGradients } from './formula-gradients.ts';
import { modelGradients } from './model-gradients.ts';
import { score } from './score.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const dataset = (seed: number, count: number) => {
  const { x, y } = clusters(count, 3, 3, seed);
  return datasetOf({ x: float32([count, 3], Float32Array.from(x.data)) }, { labels: int64([count], y) });
};
const network = new Network({ seed: 4 });
const x = network.input('x', 'float32', ['N', 3]);
const hidden = activation(network, linear(network, x, 'hidden', { features: 4 }), 'active', 'tanh');
const model = createModel(network.build([linear(network, hidden, 'logits', { features: 3 })]), runtime, {
  name: 'small',
  hash: '',
});
const output = model.graph.outputs[0].name;
const options = { model, output, classes: 3, rows: dataset(1, 20), queries: dataset(2, 2), weightDecay: 0.01 };
const context = { rows: 20, queries: 2, seed: 1 };

async function scoresBy(loss: string, method = 'influence') {
  const gradients = await formulaGradients({ ...options, loss }, await modelGradients(options));
  return (await score(method, { ...context, gradients })).values.data;
}

it('gives the scores of the cross-entropy where that is written as a formula', async () => {
  const gradients = await modelGradients(options);
  for (const method of ['influence', 'grad-dot', 'ek-fac']) {
    const plain = (await score(method, { ...context, gradients })).values.data;
    // Both in float32, by other operators.
    for (const loss of ['-log(p)', 'log(sum(exp(logits))) * 0 - log(p)'])
      for (const [j, value] of (await scoresBy(loss, method)).entries())
        expect(Math.abs(value - plain[j])).toBeLessThan(1e-4 * Math.max(...plain.map(Math.abs)));
  }
});

it('scales each row by the derivative of a focal loss', async () => {
  // ℓ = −(1−p)² log p; dℓ/d(−log p) = (1−p)² − 2 p (1−p) log p.
  const gradients = await modelGradients(options);
  const plain = (await score('influence', { ...context, gradients })).values.data;
  const focal = await scoresBy('-(1 - p) * (1 - p) * log(p)');
  const { rows: p } = await gradients.confidences();
  const most = Math.max(...plain.map(Math.abs));
  for (const [j, value] of focal.entries()) {
    const own = p[j % 20];
    const factor = (1 - own) ** 2 - 2 * own * (1 - own) * Math.log(own);
    expect(Math.abs(value - factor * plain[j])).toBeLessThan(1e-4 * most);
  }
});

it.each([
  ['-log(q)', /no output "q"/],
  ['-log(p', /formula cannot be read/],
  ['logits', /does not give one number/],
])('refuses %s', async (loss, message) => {
  await expect(scoresBy(loss)).rejects.toThrow(message);
});

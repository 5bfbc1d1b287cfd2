import { afterAll, describe, expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { normals, random } from '../tensor/random.ts';
import { int64 } from '../tensor/tensor.ts';
import { activation, embedding, linear } from '../train/layers/index.ts';
import { Network } from '../train/network.ts';
import { noLabel } from './gradient-passes.ts';
import { matrix } from './matrix.ts';
import { modelGradients } from './model-gradients.ts';
import { score } from './score.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const words = 5;
const length = 4;

/** Scores of the next word at each of four tokens. */
function nextWord() {
  const network = new Network({ seed: 4 });
  const ids = network.input('ids', 'int64', ['N', length]);
  const x = embedding(network, ids, 'table', { count: words, features: 3 });
  const hidden = activation(network, linear(network, x, 'mix', { features: 4 }), 'active', 'tanh');
  const model = network.build([linear(network, hidden, 'logits', { features: words })]);
  return createModel(model, runtime, { name: 'next word', hash: '' });
}

const texts = [0, 1, 2, 3, 3, 2, 1, 0, 4, 4, 1, 1];

/** Gradients of three texts with the given labels of their tokens. */
function gradients(labels: readonly number[]) {
  const model = nextWord();
  const rows = datasetOf({ ids: int64([3, length], texts) }, { labels: int64([3, length], labels) });
  return modelGradients({ model, output: 'logits', classes: words, rows, queries: rows, batch: 2 });
}

describe('rows with a label for each token', () => {
  const none = noLabel;
  const first = [1, 0, none, none, none, none, 3, none, 2, none, none, none];
  const second = [none, none, 4, none, 2, none, none, 0, none, none, none, 1];
  const both = first.map((label, i) => (label === none ? second[i] : label));

  it('have the sum of the gradients of their tokens', async () => {
    const all = await gradients(both);
    const direction = matrix(1, all.parameters, Float64Array.from(normals(all.parameters, random(5))));
    const of = async (labels: readonly number[]) => (await (await gradients(labels)).dot(direction)).data;
    const [together, one, other] = [await of(both), await of(first), await of(second)];
    // Float32 gradients below 10.
    for (let i = 0; i < 3; i++) expect(together[i]).toBeCloseTo(one[i] + other[i], 4);
    expect(Math.abs(together[0])).toBeGreaterThan(1e-3);
  });

  it('move nothing where no token counts', async () => {
    const found = await gradients([...first.slice(0, 8), none, none, none, none]);
    const squares = await found.squaredNorms();
    expect(squares[2]).toBe(0);
    expect(squares[0]).toBeGreaterThan(0);
  });

  it('are scored with their own labels, and none are drawn for them', async () => {
    const context = { rows: 3, queries: 3, seed: 1, gradients: await gradients(both) };
    const { values } = await score('ek-fac', context, { labels: 'given' });
    // A step on a row raises its own log-probability.
    for (let i = 0; i < 3; i++) expect(values.data[i * 3 + i]).toBeGreaterThan(0);
    await expect(score('ek-fac', context)).rejects.toThrow(/one label a row/);
  });
});

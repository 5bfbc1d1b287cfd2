import { expect, it } from 'vitest';
import { clusters } from '../../../test/influence/softmax-regression.ts';
import { datasetOf } from '../../dataset/in-memory.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { activation, linear, Network } from '../../train/index.ts';
import { rowOf } from '../matrix.ts';
import { modelGradients } from '../model-gradients.ts';
import { type MeasuredTerms, measuredValue, sliceWeights } from './measured-query.ts';

const network = new Network({ seed: 3 });
const x = network.input('x', 'float32', ['N', 4]);
const hidden = activation(network, linear(network, x, 'hidden', { features: 5 }), 'active', 'tanh');
const built = network.build([linear(network, hidden, 'logits', { features: 3 })]);
const dataset = (count: number, seed: number) => {
  const { x: points, y } = clusters(count, 4, 3, seed);
  return datasetOf({ x: float32([count, 4], Float32Array.from(points.data)) }, { labels: int64([count], y) });
};

it('weighs the rows of a slice alike, and those of a second against them', () => {
  expect([...sliceWeights([2])]).toEqual([0.5, 0.5]);
  expect([...sliceWeights([1, 4])]).toEqual([1, -0.25, -0.25, -0.25, -0.25]);
  const logs = [Math.log(0.5), Math.log(0.25), Math.log(0.75)];
  // .5 − (.25 + .75)/2
  expect(measuredValue({ weights: sliceWeights([1, 2]), of: 'probability' }, logs)).toBeCloseTo(0, 12);
});

it.each<MeasuredTerms['of']>(['log-probability', 'probability'])(
  'takes the gradient of one f of many rows: %s',
  async (of) => {
    const runtime = createNodeRuntime({ threads: 1 });
    const model = createModel(built, runtime, { name: 'small', hash: '' });
    const asked = {
      model,
      output: built.graph.outputs[0].name,
      classes: 3,
      rows: dataset(6, 1),
      queries: dataset(7, 2),
    };
    const each = await modelGradients({ ...asked, batch: 4 });
    const terms: MeasuredTerms = { weights: sliceWeights([3, 4]), of };
    const all = await modelGradients({ ...asked, batch: 4, measured: terms });
    const [own, parts] = [await all.queries(), await each.queries()];
    const { queries: p } = await each.confidences();
    expect([own.rows, own.columns]).toEqual([1, all.parameters]);
    const gradient = Float64Array.from(rowOf(own, 0));
    for (let j = 0; j < own.columns; j++) {
      let sum = 0;
      // ∇p = p ∇ log p.
      for (let q = 0; q < 7; q++) sum += terms.weights[q] * (of === 'probability' ? p[q] : 1) * rowOf(parts, q)[j];
      // Rounding of float32 in sums of seven.
      expect(gradient[j]).toBeCloseTo(sum, 5);
    }
    // f moves along a step as its gradient says; by central differences, whose error is of third order.
    const step = Float64Array.from(gradient, (_, j) => 0.01 * Math.cos(j));
    const [ahead, behind] = [await all.at(step), await all.at(step.map((one) => -one))];
    const said = gradient.reduce((sum, one, j) => sum + one * step[j], 0);
    expect(ahead).toHaveLength(1);
    expect((ahead[0] - behind[0]) / 2 / said).toBeCloseTo(1, 2);
    await runtime.close();
  },
);

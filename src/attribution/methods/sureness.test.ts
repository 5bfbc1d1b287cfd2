import { afterAll, describe, expect, it } from 'vitest';
import { drawn, matrix, modelOf, twoBoxDetector } from '../../../test/attribution-models.ts';
import type { Model } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Attribution, attribute } from '../attribute.ts';
import type { MethodName } from './index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const players = 14;
// A smooth network of 14 features with strong interactions: y = tanh(x·W)·v over 16 units.
const network = modelOf(runtime, [1, players], (b) => {
  const hidden = b.op('Tanh', [b.op('MatMul', ['x', matrix(b, players, 16, [...drawn([players * 16], 3).data])])]);
  return b.op('MatMul', [hidden, matrix(b, 16, 1, [...drawn([16], 4).data])]);
});
const x = drawn([1, players], 5);
const x0 = drawn([1, players], 6, 0.2);

type Parameters = Readonly<Record<string, unknown>>;
const run = (method: MethodName, parameters: Parameters = {}) =>
  attribute(network, {
    inputs: new Map([['x', x]]),
    target: { kind: 'output', index: [0] },
    baseline: { kind: 'input', tensor: x0, description: 'drawn' },
    method,
    parameters,
  });

/** Root mean square over elements and seeds of what the values do, and of what the standard errors say they do. */
async function calibration(seeds: number, explain: (seed: number) => Promise<Attribution>) {
  const found: Attribution[] = [];
  for (let seed = 1; seed <= seeds; seed++) found.push(await explain(seed));
  const of = (tensors: ReadonlyMap<string, Tensor<'float32'>> | undefined) =>
    [...(tensors?.values() ?? [])].flatMap(({ data }) => [...data]);
  const [values, errors] = [found.map((one) => of(one.values)), found.map((one) => of(one.standardErrors))];
  let [spread, stated] = [0, 0];
  for (const [i] of values[0].entries()) {
    const mean = values.reduce((sum, one) => sum + one[i], 0) / seeds;
    spread += values.reduce((sum, one) => sum + (one[i] - mean) ** 2, 0) / (seeds - 1);
    stated += errors.reduce((sum, one) => sum + one[i] ** 2, 0) / seeds;
  }
  return Math.sqrt(stated / spread);
}

describe('standard errors', () => {
  // Over 24 seeds and 14 elements the spread itself is known to some 10 %; the jackknife of a fit of 13 unknowns to 86
  // pairs is somewhat too careful. Neighbouring parts of a path are not alike, so the last one is an upper bound.
  it.each([
    ['kernel-shap', { samples: 200 }, 0.75, 1.4],
    ['lime', { samples: 200 }, 0.75, 1.4],
    ['shapley-sampling', { pairs: 8 }, 0.75, 1.3],
    ['rise', { samples: 150 }, 0.75, 1.3],
    ['smooth-grad', { samples: 20, noise: 0.3 }, 0.75, 1.3],
    ['expected-gradients', { samples: 20 }, 0.75, 3.5],
  ] as const)('of %s are how far seeds lie apart', async (method, parameters, least, most) => {
    const ratio = await calibration(24, (seed) => run(method, { ...parameters, seed }));
    expect(ratio).toBeGreaterThan(least);
    expect(ratio).toBeLessThan(most);
  });

  it('of D-RISE are, too', async () => {
    const detector: Model = twoBoxDetector(runtime);
    const ratio = await calibration(40, (seed) =>
      attribute(detector, {
        inputs: new Map([['x', drawn([1, 1, 8, 8], 13)]]),
        target: { kind: 'detectionScore', anchor: 0, class: 0 },
        baseline: { kind: 'zero' },
        layout: { channelAxis: 1, spatialAxes: [2, 3] },
        method: 'd-rise',
        parameters: { samples: 60, cells: 3, boxes: 'corners', seed },
      }),
    );
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.3);
  });

  it('are told relative to the largest value', async () => {
    const { values, standardErrors, relativeStandardError } = await run('kernel-shap', { samples: 200 });
    const [value, error] = [values, standardErrors].map((tensors) => [...(tensors?.get('x')?.data ?? [])]);
    const largest = Math.max(...value.map(Math.abs));
    // float32 of what was divided in float64.
    expect(relativeStandardError).toBeCloseTo(Math.max(...error) / largest, 6);
  });

  it('are 0 where every coalition was seen, and absent where nothing is drawn', async () => {
    const few = await attribute(
      modelOf(runtime, [1, 3], (b) => b.op('MatMul', ['x', matrix(b, 3, 1, [1, 2, 3])])),
      {
        inputs: new Map([['x', drawn([1, 3], 5)]]),
        target: { kind: 'output', index: [0] },
        baseline: { kind: 'zero' },
        method: 'kernel-shap',
      },
    );
    expect(few.relativeStandardError).toBe(0);
    expect((await run('feature-ablation')).standardErrors).toBeUndefined();
  });
});

describe('methods that sample', () => {
  it.each([
    ['kernel-shap', 'maxSamples', 'coalitions', 1024],
    ['lime', 'maxSamples', 'samples', 1000],
    ['shapley-sampling', 'maxPairs', 'pairs', 10],
  ] as const)('%s goes on until it is sure, or its budget is spent', async (method, most, count, first) => {
    const once = await run(method, { tolerance: 0 });
    expect(once.chosen[count]).toBeLessThanOrEqual(first);
    const reached = once.relativeStandardError as number;
    const sure = await run(method, { tolerance: reached / 2, [most]: 64 * first });
    expect(sure.relativeStandardError).toBeLessThanOrEqual(reached / 2);
    expect(sure.chosen[count]).toBeGreaterThan(once.chosen[count] as number);
    const spent = await run(method, { tolerance: reached / 100, [most]: 2 * first });
    // Coalitions that were drawn twice are evaluated once.
    expect(spent.chosen[count]).toBeLessThanOrEqual(2 * first);
    expect(spent.cost.forward).toBeLessThanOrEqual(spent.estimate.forward);
  });

  it('take the number of samples that is stated, and no more', async () => {
    expect((await run('lime', { samples: 30, tolerance: 1e-6 })).cost.forward).toBeLessThan(40);
  });
});

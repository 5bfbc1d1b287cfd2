import { describe, expect, it } from 'vitest';
import {
  clusters,
  gradientsOf,
  type Labelled,
  retrainingOf,
  softmaxRegression,
} from '../../test/influence/softmax-regression.ts';
import { pearson } from '../tensor/correlation.ts';
import { takeMatrixRows } from './matrix.ts';
import { openNewtonSteps } from './newton-step.ts';
import { score } from './score.ts';

// Logistic regression of two classes in float64, at its optimum.
const data = clusters(80, 3, 2, 5, 1.2);
const queries = clusters(5, 3, 2, 6);
const model = softmaxRegression(data, 0.05);
const all = new Uint32Array(80).fill(1);
const theta = model.fit(all);
const gradients = gradientsOf(model, theta, queries);
const retraining = retrainingOf(model, queries);

const part = (rows: readonly number[]): Labelled => ({
  x: takeMatrixRows(data.x, rows),
  y: Int32Array.from(rows, (i) => data.y[i]),
  classes: 2,
});
const groupGradients = (rows: readonly number[]) => gradientsOf(softmaxRegression(part(rows), 0.05), theta, queries);

async function compare(rows: readonly number[]) {
  const counts = all.slice();
  for (const row of rows) counts[row] = 0;
  const [before, after] = [await retraining.train(all, 0), await retraining.train(counts, 0)];
  const { values } = await score('influence', { rows: 80, queries: 5, seed: 1, gradients });
  const steps = await openNewtonSteps(gradients);
  const { changes } = await steps.without(await groupGradients(rows));
  return {
    retrained: [...after.queries.map((value, q) => value - before.queries[q])],
    newton: [...changes],
    sum: before.queries.length
      ? Array.from({ length: 5 }, (_, q) => -rows.reduce((sum, i) => sum + values.data[q * 80 + i], 0))
      : [],
  };
}

/** Retrained change for one of predicted change, by least squares through 0. */
const ratio = (predicted: readonly number[], measured: readonly number[]) =>
  predicted.reduce((sum, p, i) => sum + p * measured[i], 0) / predicted.reduce((sum, p) => sum + p * p, 0);

describe('one Newton step without a group', () => {
  it('is the exact retraining of a logistic regression for few rows', async () => {
    const { retrained, newton } = await compare([3, 10, 41]);
    // What the step leaves is of second order: (3/80)² of the curvature, some hundredths of the effect.
    const most = retrained.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const [q, value] of retrained.entries()) expect(Math.abs(newton[q] - value)).toBeLessThan(0.05 * most);
  });

  it('stays right for half a class and for a quarter of the rows, where the sum says too little', async () => {
    const halfOfClass = Array.from({ length: 20 }, (_, i) => 4 * i);
    const { retrained, newton, sum } = await compare(halfOfClass);
    expect(ratio(newton, retrained)).toBeGreaterThan(0.85);
    expect(ratio(newton, retrained)).toBeLessThan(1.15);
    expect(ratio(sum, retrained)).toBeGreaterThan(1.3);
    expect(pearson(newton, retrained)).toBeGreaterThan(0.99);
  });

  it('says how far the model is from its optimum', async () => {
    const steps = await openNewtonSteps(gradients);
    for (const change of await steps.stepOnAll()) expect(Math.abs(change)).toBeLessThan(1e-9);
    // From weights that are moved away, the step leads back: f changes by what it is better at the optimum.
    const away = theta.map((value, j) => value + 0.05 * Math.sin(j));
    const moved = gradientsOf(model, away, queries);
    const back = await (await openNewtonSteps(moved)).stepOnAll();
    const [there, here] = [await gradients.at(new Float64Array(8)), await moved.at(new Float64Array(8))];
    // One step of several: a tenth of the way is left.
    const gain = back.map((_, q) => there[q] - here[q]);
    expect(ratio([...back], [...gain])).toBeGreaterThan(0.9);
    expect(ratio([...back], [...gain])).toBeLessThan(1.1);
  });

  it('solves by products what it solves by the matrix', async () => {
    const rows = [1, 2, 3, 4, 5, 6];
    const group = await groupGradients(rows);
    const whole = await (await openNewtonSteps(gradients)).without(group);
    const large = { ...gradients, parameters: 5001 };
    // As many weights as a matrix is not held for; everything else is that of the small model.
    const products = await (
      await openNewtonSteps({ ...large, at: (step) => gradients.at(step.subarray(0, 8)) })
    ).without(group);
    for (const [q, value] of whole.changes.entries()) expect(products.changes[q]).toBeCloseTo(value, 4);
  });
});

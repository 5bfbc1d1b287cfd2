import { describe, expect, it } from 'vitest';
import { clusters, contextOf, gradientsOf, softmaxRegression } from '../../../test/influence/softmax-regression.ts';
import { pearson } from '../../tensor/correlation.ts';
import { denseGradients } from '../dense-gradients.ts';
import type { TrainingCheckpoint } from '../gradient-material.ts';
import { rowOf } from '../matrix.ts';
import { score } from '../score.ts';

/** A block of one weight: rows' gradients, the query's gradient and the curvature at one checkpoint are numbers. */
function checkpoint(step: number, learningRate: number, rows: number[], query: number): TrainingCheckpoint {
  const column = (values: number[]) => ({ rows: values.length, columns: 1, data: Float64Array.from(values) });
  return {
    step,
    learningRate,
    gradients: denseGradients({
      blocks: [{ name: 'w', rows: 1, columns: 1, offset: 0 }],
      weightDecay: 0.1,
      rows: column(rows),
      queries: column([query]),
      sampled: () => column(rows),
      covariances: () => [{ inputs: Float64Array.of(1), outputs: Float64Array.of(1) }],
      gaussNewton: () => Float64Array.of(1),
      confidences: { rows: new Float64Array(rows.length), queries: new Float64Array(1) },
      weights: new Float64Array(1),
      at: () => new Float64Array(1),
    }),
  };
}

describe('SOURCE', () => {
  // H = mean g² + λ by EK-FAC: (1 + 9)/2 + .1 = 5.1 and (4 + 0)/2 + .1 = 2.1; the whole matrix is 1 + .1 in both.
  it.each([
    ['EK-FAC', 0, [5.1, 2.1]],
    ['the whole curvature', 1, [1.1, 1.1]],
  ])('is what the formula says, with one weight and %s', async (_, whole, curvatures) => {
    // Times: .1·2/(1 − .5) = .4 and .05·4/.5 = .4.
    const checkpoints = [checkpoint(2, 0.1, [1, 3], 99), checkpoint(6, 0.05, [2, 0], 7)];
    const context = { rows: 2, queries: 1, seed: 1, checkpoints };
    const { values } = await score('source', context, { momentum: 0.5, whole });
    const [first, second] = curvatures.map((h) => ({ through: (1 - Math.exp(-0.4 * h)) / h, on: Math.exp(-0.4 * h) }));
    const r = 7 * second.on;
    const expected = [
      -(7 * second.through * 2 + r * first.through * 1) / 2,
      -(7 * second.through * 0 + r * first.through * 3) / 2,
    ];
    expect([...values.data]).toEqual(expected.map((value) => expect.closeTo(value, 10)));
  });

  it('follows the unrolled derivative of gradient descent on softmax regression', async () => {
    const [data, queries] = [clusters(60, 4, 3, 1), clusters(4, 4, 3, 2)];
    const model = softmaxRegression(data, 0.01);
    // The checkpoints of the gradient descent that the fixture differentiates: 400 steps of .3.
    let theta = new Float64Array(model.size);
    const checkpoints: TrainingCheckpoint[] = [];
    for (let step = 1; step <= 400; step++) {
      const move = theta.map((value) => model.weightDecay * value);
      for (let i = 0; i < 60; i++) {
        const g = model.gradient(theta, model.inputOf(i), data.y[i]);
        for (let k = 0; k < move.length; k++) move[k] += g[k] / 60;
      }
      theta = theta.map((value, k) => value - 0.3 * move[k]);
      if (step % 40 === 0) checkpoints.push({ step, learningRate: 0.3, gradients: gradientsOf(model, theta, queries) });
    }
    const context = { ...contextOf(data, queries), checkpoints };
    const [truth, found] = [await score('unrolled', context), await score('source', context)];
    for (let q = 0; q < 4; q++) expect(pearson(rowOf(truth.values, q), rowOf(found.values, q))).toBeGreaterThan(0.9);
  });

  it('refuses checkpoints out of order', async () => {
    const checkpoints = [checkpoint(6, 0.1, [1, 3], 1), checkpoint(2, 0.1, [1, 3], 1)];
    const wrong = score('source', { rows: 2, queries: 1, seed: 1, checkpoints });
    await expect(wrong).rejects.toThrow(/got steps 6, 2, expected rising steps/);
  });
});

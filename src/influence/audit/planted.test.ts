import { expect, it } from 'vitest';
import { clusters, contextOf } from '../../../test/influence/softmax-regression.ts';
import type { Matrix } from '../matrix.ts';
import { foundByMethods, plantErrors } from './planted.ts';

const rows = clusters(200, 4, 3, 5, 0.5);
const probabilities = contextOf(rows, clusters(1, 4, 3, 9)).predictions?.rows as Matrix;

it('plants wrong labels of two kinds, as many as were asked for, the same for a seed', () => {
  const uniform = plantErrors({ labels: rows.y, probabilities }, 'uniform', { share: 0.05, seed: 1 });
  expect(uniform.wrong).toHaveLength(10);
  const changed = Array.from(rows.y.keys()).filter((row) => uniform.labels[row] !== rows.y[row]);
  expect(changed).toEqual(uniform.wrong);
  expect(plantErrors({ labels: rows.y, probabilities }, 'uniform', { share: 0.05, seed: 1 })).toEqual(uniform);
  const { labels, wrong } = plantErrors({ labels: rows.y, probabilities }, 'confusable', { share: 0.05, seed: 1 });
  for (const row of wrong) {
    const p = Array.from({ length: 3 }, (_, k) => (k === rows.y[row] ? -1 : Number(probabilities.data[row * 3 + k])));
    expect(labels[row]).toBe(p.indexOf(p.reduce((a, b) => (a > b ? a : b))));
  }
});

it('says how many of them each order finds', () => {
  const planted = plantErrors({ labels: rows.y, probabilities }, 'uniform', { share: 0.05, seed: 1 });
  const found = foundByMethods(planted, probabilities, undefined, 1);
  const by = new Map(found.map((one) => [one.method, one]));
  // Clusters lie apart: a model that has not seen the wrong labels gives each of them a large loss.
  expect(by.get('loss')?.found.mean).toBe(1);
  expect(by.get('audit')?.overLoss.mean).toBe(0);
  expect(by.get('random')?.found.mean).toBeLessThan(0.5);
  expect(by.has('neighbours')).toBe(false);
});

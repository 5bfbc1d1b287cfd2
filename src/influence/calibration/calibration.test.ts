import { describe, expect, it } from 'vitest';
import {
  clusters,
  contextOf,
  gradientsOf,
  type Labelled,
  retrainingOf,
  softmaxRegression,
  withRows,
} from '../../../test/influence/softmax-regression.ts';
import { pearson } from '../../tensor/correlation.ts';
import { random } from '../../tensor/random.ts';
import { type Matrix64, rowOf, takeMatrixRows } from '../matrix.ts';
import { score } from '../score.ts';
import { calibratedEffect, calibrateEffects } from './calibration.ts';
import { calibrationKey, readCalibrationDocument } from './calibration-document.ts';
import { planCalibration } from './plan.ts';
import { calibrationTrainings, planRemovals, type Removal, removalSizes } from './removals.ts';

const removalsOf = (count: number): Removal[] =>
  Array.from({ length: count }, (_, j) => ({ rows: j % 2 ? [j] : [j, j + 1], chosen: 'random' }));

/** f after the trainings of two seeds, from the change of each removal and seed. */
function valuesOf(removals: number, seeds: number, change: (removal: number, seed: number) => number): Float64Array {
  return Float64Array.from(
    Array.from({ length: seeds }, (_, s) => [
      s,
      ...Array.from({ length: removals }, (_, j) => s + change(j, s)),
    ]).flat(),
  );
}

describe('a calibration', () => {
  const removals = removalsOf(10);
  const predicted = removals.map((_, j) => (j - 4.5) / 10);
  const fitted = (change: (removal: number, seed: number) => number, seeds = 2) =>
    calibrateEffects({ predicted, removals, spreads: [1], seeds, values: valuesOf(10, seeds, change) });

  it('finds the slope of changes that are three times as large as predicted, without scatter', () => {
    const { slope, scatter, r2, spearman, bySize } = fitted((j) => 3 * predicted[j]);
    expect(slope.mean).toBeCloseTo(3, 12);
    expect(slope.low).toBeCloseTo(3, 12);
    expect(scatter).toBeLessThan(1e-12);
    expect(r2).toBeCloseTo(1, 12);
    expect(spearman).toBe(1);
    expect(bySize.map(({ rows, points }) => [rows, points])).toEqual([
      [1, 5],
      [2, 5],
    ]);
  });

  it('takes the spread over the seeds into the interval: slopes 1.5 and 2.5 are 2 ± t₁ · .5', () => {
    // s/√2 = .7071/1.4142 = .5; t of one degree of freedom at 95 %: 12.706.
    const { slope } = fitted((j, s) => (s ? 2.5 : 1.5) * predicted[j]);
    expect(slope.mean).toBeCloseTo(2, 12);
    expect((slope.high as number) - 2).toBeCloseTo(6.353, 3);
  });

  it('covers the slope that made noisy changes', () => {
    const source = random(4);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const { slope } = fitted((j) => 2 * predicted[j] + 0.1 * source.normal(), 5);
      if ((slope.low as number) < 2 && 2 < (slope.high as number)) covered++;
    }
    // 95 % and wider, as the spreads are added: at least 93 % of 200.
    expect(covered).toBeGreaterThan(185);
  });

  it('gives what-ifs the scatter of removals of about as many rows, and none beyond them', () => {
    const calibration = {
      slope: { mean: 2, low: 1.8, high: 2.2 },
      bySize: [
        { rows: 1, points: 1000, slope: 2, scatter: 0, relative: 0 },
        { rows: 10, points: 1000, slope: 2, scatter: 9, relative: 0.3 },
      ],
    };
    const near = calibratedEffect(calibration, 0.5, { rows: 1, spread: 0.2 });
    expect(near?.mean).toBe(1);
    expect(near?.high).toBeCloseTo(1.1, 12);
    const wide = calibratedEffect(calibration, 0.5, { rows: 12, spread: 0.2 });
    // ±√(.1² + (1.962 · .3 · √12 · .2)²) = ±√(.01 + .1663) = .420
    expect((wide?.high as number) - 1).toBeCloseTo(0.42, 3);
    expect(calibratedEffect(calibration, 0.5, { rows: 16, spread: 0.2 })).toBeUndefined();
  });

  it('refuses one seed and few removals', () => {
    expect(() => fitted(() => 1, 1)).toThrow(/too few trainings/);
    const few = removalsOf(4);
    const values = valuesOf(4, 2, () => 1);
    expect(() => calibrateEffects({ predicted, removals: few, spreads: [1], seeds: 2, values })).toThrow(
      /and 10 removals/,
    );
  });

  it('is told from one of other scores by its key', () => {
    const scored = { model: 'a', data: 'b', method: 'ek-fac', parameters: { share: 0.1 }, weightDecay: 0 };
    expect(calibrationKey(scored)).toBe(calibrationKey({ ...scored }));
    expect(calibrationKey(scored)).not.toBe(calibrationKey({ ...scored, parameters: { share: 0.2 } }));
    expect(() => readCalibrationDocument('{"format":"other"}', 'x.json')).toThrow(/not a calibration record/);
  });
});

describe('removals', () => {
  const n = 400;
  const scores: Matrix64 = { rows: 1, columns: n, data: Float64Array.from({ length: n }, (_, i) => i) };
  const labels = Array.from({ length: n }, (_, i) => i % 2);
  const planned = planRemovals({ scores, labels, targets: [1], count: 20, seed: 1 });

  it('have every size and every kind once', () => {
    expect(removalSizes(n)).toEqual([1, 2, 4, 8, 20]);
    expect(new Set(planned.map(({ rows, chosen }) => `${rows.length} ${chosen}`)).size).toBe(20);
    expect(planRemovals({ scores, labels, targets: [1], count: 20, seed: 1 })).toEqual(planned);
  });

  it('are drawn among twice as many of the strongest rows, or of the class', () => {
    for (const { rows, chosen } of planned) {
      const far = chosen === 'opponents' ? Math.max(...rows) : n - 1 - Math.min(...rows);
      if (chosen === 'opponents' || chosen === 'proponents') expect(far).toBeLessThan(2 * rows.length);
      if (chosen === 'random-same-class') expect(rows.every((row) => labels[row] === 1)).toBe(true);
    }
  });

  it('are trained without, beside a training on all rows for each seed', () => {
    const trainings = calibrationTrainings(4, [{ rows: [1, 2], chosen: 'random' }], [7, 8]);
    expect(trainings.map(({ seed, counts }) => [seed, ...counts])).toEqual([
      [7, 1, 1, 1, 1],
      [7, 1, 0, 0, 1],
      [8, 1, 1, 1, 1],
      [8, 1, 0, 0, 1],
    ]);
  });
});

// Softmax regression in float64, fitted to its optimum: what a change does is known exactly.
describe('exact influence of a softmax regression', () => {
  const data = clusters(60, 4, 3, 1);
  const queries = clusters(6, 4, 3, 2);
  const model = softmaxRegression(data, 0.01);
  const context = contextOf(data, queries);
  const all = new Uint32Array(60).fill(1);
  const fOf = async (of: Labelled, counts: Uint32Array) =>
    (await retrainingOf(softmaxRegression(of, 0.01), queries).train(counts, 0)).queries;

  it('is calibrated by removals with a slope near 1', async () => {
    const { values } = await score('influence', context);
    const { x, y } = queries;
    const plan = planCalibration({
      ...{ scores: values, labels: data.y, targets: y, count: 20, seed: 1, seeds: [0, 1] },
      queries: Array.from({ length: x.rows }, (_, q) => ({ from: `${q}`, target: y[q] })),
    });
    const trainings = calibrationTrainings(60, plan.removals, plan.seeds);
    const f = await Promise.all(trainings.map(({ counts }) => fOf(data, counts)));
    const { slope, r2 } = calibrateEffects({
      ...{ predicted: plan.predicted, removals: plan.removals, spreads: plan.spreads, seeds: 2 },
      values: Float64Array.from(f.flatMap((one) => [...one])),
    });
    // Up to 3 of 60 rows go: a row that has a part in the curvature itself does more than its score says, never less.
    expect(slope.mean).toBeGreaterThan(1);
    expect(slope.mean).toBeLessThan(1.6);
    expect(r2).toBeGreaterThan(0.9);
  });

  /** Effects of an action on every row, and what the scores say of them, for every query; Pearson's correlation. */
  const agreement = async (
    predict: (row: number, q: number) => number,
    changed: (row: number) => Promise<Float64Array>,
    before: Float64Array,
  ) => {
    const [p, m]: [number[], number[]] = [[], []];
    for (let row = 0; row < 60; row += 2) {
      const after = await changed(row);
      for (let q = 0; q < queries.x.rows; q++) {
        p.push(predict(row, q));
        m.push(after[q] - before[q]);
      }
    }
    return pearson(p, m) as number;
  };

  it('predicts removing, counting twice, relabelling and adding: Pearson ≥ .95 each', async () => {
    const { values, directions } = await score('influence', context);
    const before = await fOf(data, all);
    const tau = (row: number, q: number) => values.data[q * 60 + row];
    const counted = (row: number, count: number) => {
      const counts = all.slice();
      counts[row] = count;
      return fOf(data, counts);
    };
    expect(
      await agreement(
        (row, q) => -tau(row, q),
        (row) => counted(row, 0),
        before,
      ),
    ).toBeGreaterThan(0.95);
    expect(await agreement(tau, (row) => counted(row, 2), before)).toBeGreaterThan(0.95);

    const theta = model.fit(all);
    const scoresOf = async (other: Labelled) =>
      gradientsOf(softmaxRegression(other, 0.01), theta, queries).dot((directions as Matrix64[])[0]);
    const moved = { ...data, y: data.y.map((k) => (k + 1) % 3) };
    const others = await scoresOf(moved);
    const relabelled = (row: number) => {
      const y = Int32Array.from(data.y);
      y[row] = moved.y[row];
      return fOf({ ...data, y }, all);
    };
    const gain = (row: number, q: number) => others.data[q * 60 + row] - tau(row, q);
    expect(await agreement(gain, relabelled, before)).toBeGreaterThan(0.95);

    const fresh = clusters(60, 4, 3, 7);
    const added = await scoresOf(fresh);
    const adding = (row: number) =>
      fOf(withRows(data, [rowOf(takeMatrixRows(fresh.x, [row]), 0)], [fresh.y[row]]), new Uint32Array(61).fill(1));
    expect(await agreement((row, q) => added.data[q * 60 + row], adding, before)).toBeGreaterThan(0.95);
  });
});

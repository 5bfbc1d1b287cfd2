import { describe, expect, it } from 'vitest';
import { type Bank, datamodelCeiling, datamodelScore } from './datamodel-score.ts';

/** Four trainings on three rows, two quantities. */
const weights = Float32Array.of(1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0);
const bank = (values: number[]): Bank => ({ weights, values: Float64Array.from(values), trainings: 4 });

describe('the linear datamodeling score', () => {
  // τ = (1, 2, 4) predicts 7, 6, 5, 3 for the four trainings; the second quantity has the scores reversed in sign.
  const scores = Float64Array.of(1, 2, 4, -1, -2, -4);

  it('is 1 where the order is right, −1 where it is reversed', () => {
    expect(datamodelScore(scores, bank([9, -9, 8, -8, 2, -2, 1, -1]))).toMatchObject({
      lds: 1,
      each: Float64Array.of(1, 1),
    });
    expect([...datamodelScore(scores, bank([9, 9, 8, 8, 2, 2, 1, 1])).each]).toEqual([1, -1]);
  });

  it('tells by how much effects are larger than predicted', () => {
    // f = 2.5 · prediction
    const values = [7, 6, 5, 3].flatMap((sum) => [2.5 * sum, -2.5 * sum]);
    expect(datamodelScore(scores, bank(values)).slope).toBeCloseTo(2.5, 12);
  });

  it('leaves out a quantity that no training changes', () => {
    const { lds, each } = datamodelScore(scores, bank([9, 5, 8, 5, 2, 5, 1, 5]));
    expect([...each]).toEqual([1, Number.NaN]);
    expect(lds).toBe(1);
  });
});

it('the ceiling is the rank correlation of two banks', () => {
  // Ranks of 1 2 3 4 against 1 3 2 4: 1 − 6·(0 + 1 + 1 + 0)/(4·15) = .8; the second quantity agrees.
  const [a, b] = [bank([1, 1, 2, 2, 3, 3, 4, 4]), bank([1, 5, 3, 6, 2, 7, 4, 8])];
  expect(datamodelCeiling(a, b)).toBeCloseTo(0.9, 12);
});

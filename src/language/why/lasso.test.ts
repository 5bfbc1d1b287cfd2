import { describe, expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { lasso, predicted } from './lasso.ts';
import { randomSets } from './unit-game.ts';

describe('a sparse linear fit', () => {
  const rows = randomSets(60, 6, random(1));

  it('finds what a sparse sum is made of', () => {
    const values = Float64Array.from(rows, (row) => 4 + 2 * row[1] - 3 * row[4]);
    const fit = lasso(rows, values);
    // The smallest penalty is a thousandth of the one that leaves nothing, and shrinks coefficients by about as much.
    expect(fit.coefficients[1]).toBeCloseTo(2, 1);
    expect(fit.coefficients[4]).toBeCloseTo(-3, 1);
    for (const j of [0, 2, 3, 5]) expect(Math.abs(fit.coefficients[j])).toBeLessThan(0.02);
    expect(predicted(fit, rows[0])).toBeCloseTo(values[0], 1);
  });

  it('leaves out what is noise: the chosen penalty is no small one', () => {
    const source = random(7);
    const values = Float64Array.from(rows, (row) => 5 * row[2] + source.normal());
    const fit = lasso(rows, values);
    const others = fit.coefficients.filter((_, j) => j !== 2).map(Math.abs);
    expect(fit.coefficients[2]).toBeGreaterThan(4);
    expect(others.filter((value) => value === 0).length).toBeGreaterThanOrEqual(1);
    expect(others.every((value) => value < 0.8)).toBe(true);
  });

  it('gives nothing where nothing varies', () => {
    const fit = lasso(rows, new Float64Array(60).fill(3));
    expect([...fit.coefficients]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(fit.intercept).toBe(3);
  });
});

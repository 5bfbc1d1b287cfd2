import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { familiarityOf } from './familiarity.ts';
import { matrixOf, rowOf } from './matrix.ts';

// Rows in directions around (1, 0): angles of at most 0.5.
const around = (count: number, seed: number) => {
  const source = random(seed);
  return matrixOf(
    Array.from({ length: count }, () => {
      const angle = source.uniform() - 0.5;
      return [3 * Math.cos(angle), 3 * Math.sin(angle)];
    }),
  );
};

describe('how familiar a query is', () => {
  it('says few of a query in a direction where no row lies, and not of one among them', () => {
    const rows = around(200, 1);
    const far = familiarityOf(matrixOf([[0, 1]]), rows, 0);
    expect(far).toMatchObject({ few: true, fartherRows: 0, compared: 200 });
    // The nearest rows are at an angle of about π/2 − 0.5: 1 − cos of it is 1 − sin 0.5 = .52.
    expect(far?.distance).toBeGreaterThan(0.5);
    expect(far?.distance).toBeLessThan(0.6);
    expect(familiarityOf(matrixOf([[5, 0]]), rows, 0)?.few).toBe(false);
  });

  it('measures the mean distance to ten rows, whatever their lengths', () => {
    // Ten rows at a right angle to the query, ten opposite to it: the nearest ten have distance 1.
    const rows = matrixOf([
      ...Array.from({ length: 10 }, (_, i) => [0, 1 + i]),
      ...Array.from({ length: 10 }, (_, i) => [-1 - i, 0]),
    ]);
    expect(familiarityOf(matrixOf([[2, 0]]), rows, 0)?.distance).toBeCloseTo(1, 12);
  });

  it('calls about one row in twenty of the same kind rare, not more', () => {
    const source = random(4);
    const drawn = (count: number) =>
      matrixOf(Array.from({ length: count }, () => Array.from({ length: 5 }, (_, j) => source.normal() + (j ? 0 : 3))));
    const [rows, queries] = [drawn(200), drawn(100)];
    let few = 0;
    for (let i = 0; i < 100; i++) if (familiarityOf(matrixOf([rowOf(queries, i)]), rows, 0)?.few) few++;
    // 5 % of 100 is 5, with a standard deviation of 2.2 of the queries and 1.5 of the rows: three of 2.7.
    expect(few).toBeLessThan(13);
    expect(few).toBeGreaterThan(0);
  });

  it('says nothing of fewer than twenty rows', () => {
    expect(familiarityOf(matrixOf([[1, 0]]), around(19, 1), 0)).toBeUndefined();
  });
});

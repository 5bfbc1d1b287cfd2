import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { cholesky, solveCholesky } from './cholesky.js';
import { multiply } from './combine-rows.js';
import { orthonormalRows } from './orthonormal.js';
import { symmetricEigen } from './symmetric-eigen.js';
import { truncatedSvd } from './truncated-svd.js';

const drawn = (count: number, seed: number): Float64Array => {
  const source = random(seed);
  return Float64Array.from({ length: count }, () => source.normal());
};
const times = (a: Float64Array, b: Float64Array, rows: number, inner: number, columns: number) => {
  const c = new Float64Array(rows * columns);
  multiply(a, b, c, rows, inner, columns);
  return c;
};
const transposed = (a: Float64Array, rows: number, columns: number) =>
  Float64Array.from({ length: a.length }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)]);
const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const identity = (n: number) => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
const difference = (a: Float64Array, b: Float64Array) => largest(a.map((value, i) => value - b[i]));

/** `n×n` of rank r: Fᵀ F of r drawn rows. */
const covariance = (n: number, rank: number, seed: number) => {
  const f = drawn(rank * n, seed);
  return times(transposed(f, rank, n), f, n, rank, n);
};
const symmetric = (n: number, seed: number) => {
  const a = drawn(n * n, seed);
  return a.map((value, i) => value + a[(i % n) * n + Math.floor(i / n)]);
};

describe('a product', () => {
  it('is that of the definition, whatever its sides', () => {
    // (1 2; 3 4; 5 6)(1 0 2; 0 1 3)
    expect([...times(Float64Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(1, 0, 2, 0, 1, 3), 3, 2, 3)]).toEqual([
      1, 2, 8, 3, 4, 18, 5, 6, 28,
    ]);
    const [a, b] = [drawn(7 * 5, 1), drawn(5 * 3, 2)];
    const plain = Float64Array.from({ length: 21 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 5; k++) sum += a[Math.floor(i / 3) * 5 + k] * b[k * 3 + (i % 3)];
      return sum;
    });
    // Five products of numbers near 1, in another order: some units of 2⁻⁵².
    expect(difference(times(a, b, 7, 5, 3), plain)).toBeLessThan(1e-14);
  });
});

describe('eigenvectors of a symmetric matrix', () => {
  it('are those known by hand', () => {
    // (2 1; 1 2): 1 with (1, −1)/√2, 3 with (1, 1)/√2.
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect(values[0]).toBeCloseTo(1, 14);
    expect(values[1]).toBeCloseTo(3, 14);
    expect(vectors[0] * vectors[1]).toBeCloseTo(-0.5, 14);
    expect(vectors[2] * vectors[3]).toBeCloseTo(0.5, 14);
    // A path of n points, 2 on the diagonal and −1 beside it: 2 − 2 cos(kπ/(n + 1)).
    const n = 90;
    const path = Float64Array.from({ length: n * n }, (_, i) => {
      const distance = Math.abs(Math.floor(i / n) - (i % n));
      return distance === 0 ? 2 : distance === 1 ? -1 : 0;
    });
    const found = symmetricEigen(path, n).values;
    for (let k = 1; k <= n; k++) expect(found[k - 1]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 12);
  });

  it.each([
    ['drawn', 1, symmetric(1, 1)],
    ['drawn', 5, symmetric(5, 2)],
    ['drawn', 33, symmetric(33, 3)],
    ['drawn', 200, symmetric(200, 4)],
    ['a covariance of fewer rows than columns', 150, covariance(150, 40, 5)],
    ['equal values', 80, identity(80).map((value) => 3 * value)],
    ['zero', 40, new Float64Array(1600)],
    ['huge numbers', 40, symmetric(40, 6).map((value) => value * 1e200)],
    ['tiny numbers', 40, symmetric(40, 7).map((value) => value * 1e-200)],
    [
      'two blocks that do not touch',
      80,
      symmetric(80, 8).map((value, i) => (Math.floor(i / 80) < 40 === i % 80 < 40 ? value : 0)),
    ],
  ])('of %s, %i wide, give the matrix back and stand at right angles', (_, n, matrix) => {
    const { values, vectors } = symmetricEigen(matrix, n);
    const size = largest(values) || 1;
    expect([...values]).toEqual([...values].sort((a, b) => a - b));
    const scaled = vectors.map((value, i) => (value * values[Math.floor(i / n)]) / size);
    const back = times(transposed(vectors, n, n), scaled, n, n, n);
    // Backward stable: n · 2⁻⁵² · ‖A‖, with a small factor.
    const bound = 20 * n * 2 ** -52;
    expect(
      difference(
        back,
        matrix.map((value) => value / size),
      ),
    ).toBeLessThan(bound);
    expect(difference(times(vectors, transposed(vectors, n, n), n, n, n), identity(n))).toBeLessThan(bound);
  });
});

describe('a Cholesky factor', () => {
  it('is that known by hand, and solves', () => {
    // (4 2; 2 5) = (2 0; 1 2)(2 1; 0 2)
    const { factor } = cholesky(Float64Array.of(4, 2, 2, 5), 2);
    expect([...(factor ?? [])]).toEqual([2, 0, 1, 2]);
    const n = 60;
    const matrix = covariance(n, 90, 9);
    const x = drawn(n, 10);
    const found = solveCholesky(cholesky(matrix, n).factor as Float64Array, times(matrix, x, n, n, 1));
    // The condition of this matrix is some hundreds.
    expect(difference(found, x)).toBeLessThan(1e-10);
  });

  it('tells the row of the first pivot that is not positive', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toEqual({ factor: undefined, failedAt: 1 });
    expect(cholesky(Float64Array.of(Number.NaN), 1).failedAt).toBe(0);
  });
});

describe('orthonormal rows', () => {
  it('span the rows, and are orthogonal to those before', () => {
    const [rows, columns] = [6, 10];
    const a = drawn(rows * columns, 11);
    const { q, r, rank } = orthonormalRows(a, rows, columns);
    expect(rank).toBe(6);
    expect(difference(times(r, q, rows, rows, columns), a)).toBeLessThan(1e-14);
    expect(difference(times(q, transposed(q, rows, columns), rows, columns, rows), identity(rows))).toBeLessThan(1e-15);
    for (let i = 0; i < rows; i++) for (let j = i + 1; j < rows; j++) expect(r[i * rows + j]).toBe(0);
    const more = orthonormalRows(drawn(2 * columns, 12), 2, columns, q).q;
    expect(largest(times(more, transposed(q, rows, columns), 2, columns, rows))).toBeLessThan(1e-15);
  });

  it('drop a row that depends on the others', () => {
    const { q, rank } = orthonormalRows(Float64Array.of(3, 4, 6, 8, 0, 1), 3, 2);
    expect(rank).toBe(2);
    expect([...q].map((value) => Number(value.toFixed(12)) + 0)).toEqual([0.6, 0.8, 0, 0, -0.8, 0.6]);
  });
});

describe('the largest singular values', () => {
  const normal = (seed: number) => {
    const source = random(seed);
    return { normal: () => source.normal() };
  };

  it('are those that the matrix was made of', () => {
    const [rows, columns, count] = [80, 50, 5];
    const u = orthonormalRows(drawn(20 * rows, 13), 20, rows).q;
    const v = orthonormalRows(drawn(20 * columns, 14), 20, columns).q;
    const sigma = Float64Array.from({ length: 20 }, (_, i) => 10 / (i + 1));
    const scaled = v.map((value, i) => value * sigma[Math.floor(i / columns)]);
    const matrix = times(transposed(u, 20, rows), scaled, rows, 20, columns);
    const found = truncatedSvd(matrix, rows, columns, count, normal(1));
    for (let i = 0; i < count; i++) expect(found.values[i]).toBeCloseTo(sigma[i], 8);
    expect(found.residual).toBeLessThan(1e-9);
    for (let i = 0; i < count; i++) {
      const row = found.u.subarray(i * rows, (i + 1) * rows);
      const dot = row.reduce((sum, value, r) => sum + value * u[i * rows + r], 0);
      expect(Math.abs(dot)).toBeCloseTo(1, 8);
    }
  });

  it('take a matrix of lower rank, and one that has as many as are asked for', () => {
    const low = times(transposed(drawn(2 * 9, 15), 2, 9), drawn(2 * 12, 16), 9, 2, 12);
    const found = truncatedSvd(low, 9, 12, 4, normal(2));
    expect(found.values[1]).toBeGreaterThan(0.1);
    expect(found.values[2]).toBeLessThan(1e-6);
    const all = truncatedSvd(Float64Array.of(3, 0, 0, 0, -2, 0), 2, 3, 2, normal(3));
    expect(all.values[0]).toBeCloseTo(3, 12);
    expect(all.values[1]).toBeCloseTo(2, 12);
  });
});

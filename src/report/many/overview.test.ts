import { expect, it } from 'vitest';
import { overviewOf } from './overview.ts';
import { failedRow, type ResultRow } from './result-row.ts';

const row = (item: number, predicted: string | undefined, relativeError?: number, more: Partial<ResultRow> = {}) =>
  ({ item, part: 0, source: `${item}.png`, grade: 'good', predicted, relativeError, ...more }) as ResultRow;

it('has the quantiles of all errors, each the smallest value that the share does not exceed', () => {
  const tenths = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 1, 0.4, 0.8, 0.6];
  expect(overviewOf(tenths.map((error, i) => row(i, 'cat', error))).errors).toEqual([0.5, 0.9, 1]);
  // Of two, one is half; more than half of three are two.
  expect(overviewOf([row(0, 'cat', 0.2), row(1, 'cat', 0.1)]).errors).toEqual([0.1, 0.2, 0.2]);
  expect(overviewOf([row(0, 'cat', 0.3), row(1, 'cat', 0.2), row(2, 'cat', 0.1)]).errors).toEqual([0.2, 0.3, 0.3]);
  expect(overviewOf([row(0, 'cat')]).errors).toBeUndefined();
});

it('counts inputs by what the model said, the most frequent first, with their median error', () => {
  const rows = [
    row(0, 'dog', 0.4),
    row(1, 'cat', 0.1),
    // A second explanation of the same input.
    row(1, 'cat', 0.3, { part: 1 }),
    row(2, 'cat', 0.2),
    row(3, undefined),
    row(4, 'ant', 0.5),
  ];
  expect(overviewOf(rows).classes).toEqual([
    { name: 'cat', inputs: 2, error: 0.2 },
    { name: 'ant', inputs: 1, error: 0.5 },
    { name: 'dog', inputs: 1, error: 0.4 },
    { name: 'nothing', inputs: 1, error: undefined },
  ]);
});

it('counts grades, failures and what did not converge', () => {
  const overview = overviewOf([
    row(0, 'cat', 0.1, { converged: true }),
    row(1, 'cat', 0.4, { grade: 'poor', converged: false }),
    row(2, 'cat', undefined, { grade: 'open' }),
    failedRow(3, '3.png', 'it cannot be read'),
  ]);
  expect(overview).toMatchObject({
    inputs: 4,
    explanations: 3,
    failed: 1,
    grades: { good: 1, poor: 1, open: 1 },
    notConverged: 1,
  });
});

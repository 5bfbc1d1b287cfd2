import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { denseGradients } from './dense-gradients.ts';
import { rowKinds } from './kinds.ts';
import { type Matrix64, zeros } from './matrix.ts';

const [rows, columns] = [120, 30];

/** Gradients of one layer of 5 × 6 weights: noise, and for the first rows a direction of their own in threes. */
function gradientsOf(planted: number, strength: number) {
  const source = random(17);
  const own = Array.from({ length: 3 }, () => Float64Array.from({ length: columns }, () => source.normal()));
  const of: Matrix64 = zeros(rows, columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      of.data[i * columns + j] = source.normal() + (i < planted ? strength * own[i % 3][j] : 0);
  const none = zeros(0, columns);
  return denseGradients({
    blocks: [{ name: 'layer', rows: 5, columns: 6, offset: 0 }],
    rows: of,
    queries: none,
    weightDecay: 0,
    sampled: () => none,
    covariances: () => [],
    gaussNewton: () => new Float64Array(0),
    confidences: { rows: new Float64Array(0), queries: new Float64Array(0) },
    weights: new Float64Array(columns),
    at: () => new Float64Array(0),
  });
}

const site = Array.from({ length: rows }, (_, i) => (i % 3 === 1 && i < 45 ? 'north' : 'elsewhere'));
const columnsOf = new Map([['site', site]]);
/** The planted rows harm, all others help a little. */
const scores = Float64Array.from({ length: rows }, (_, i) => (i < 45 ? -1 - i / 100 : 0.01));

describe('kinds of rows', () => {
  it('are the planted directions, with what each does and what tells it from the data', async () => {
    const kinds = await rowKinds(gradientsOf(45, 2), scores, columnsOf, { seed: 1 });
    const harmful = kinds.filter(({ helps }) => !helps);
    expect(harmful).toHaveLength(3);
    for (const { rows: own, alike, others } of harmful) {
      expect(new Set(own.map((i) => i % 3)).size).toBe(1);
      expect(own.length).toBeGreaterThanOrEqual(12);
      expect(alike).toBeGreaterThan((others as number) + 0.3);
    }
    // The kinds of a sign hold all that was sorted.
    expect(harmful.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(harmful.reduce((sum, { score }) => sum + score, 0)).toBeLessThan(0.9 * -45);
    const north = harmful.find(({ rows: own }) => own[0] % 3 === 1);
    expect(north?.marks).toEqual([{ column: 'site', value: 'north', share: 1, ofData: 15 / rows }]);
    expect(harmful.filter(({ marks }) => marks.length > 0)).toHaveLength(1);
  });

  it('are one of each sign where rows have nothing in common', async () => {
    const kinds = await rowKinds(gradientsOf(0, 0), scores, new Map(), { seed: 1 });
    expect(kinds.map(({ helps, share }) => [helps, share])).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });

  it('are the same for a seed, and none where no row acts', async () => {
    const [one, again] = [0, 0].map(() => rowKinds(gradientsOf(45, 2), scores, columnsOf, { seed: 2 }));
    expect(await one).toEqual(await again);
    expect(await rowKinds(gradientsOf(45, 2), new Float64Array(rows), columnsOf, { seed: 2 })).toEqual([]);
  });
});

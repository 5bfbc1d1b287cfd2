import { describe, expect, it } from 'vitest';
import { clusters, contextOf, retrainingOf, softmaxRegression } from '../../../test/influence/softmax-regression.ts';
import { matrixOf, rowOf } from '../matrix.ts';
import { type InfluenceContext, score } from '../score.ts';
import { wordsOf } from './bm25.ts';
import { betaWeights } from './semivalues.ts';

/** Every order of 0 … n − 1. */
function orders(n: number): number[][] {
  if (n === 0) return [[]];
  return orders(n - 1).flatMap((order) =>
    Array.from({ length: n }, (_, at) => [...order.slice(0, at), n - 1, ...order.slice(at)]),
  );
}

/** Shapley values by walking through every order of the players: the definition. */
function bruteForce(n: number, value: (coalition: ReadonlySet<number>) => number): number[] {
  const all = orders(n);
  const result = new Array<number>(n).fill(0);
  for (const order of all) {
    const coalition = new Set<number>();
    let before = value(coalition);
    for (const player of order) {
      coalition.add(player);
      const now = value(coalition);
      result[player] += (now - before) / all.length;
      before = now;
    }
  }
  return result;
}

describe('KNN-Shapley', () => {
  // 7 rows on a line, the query at 0.
  const at = [0.1, -0.2, 0.4, 0.7, -0.9, 1.2, 1.5];
  const label = [0, 1, 0, 0, 1, 1, 0];
  const context = (rows: readonly number[]): InfluenceContext => ({
    rows: rows.length,
    queries: 1,
    seed: 0,
    labels: { rows: Int32Array.from(label.slice(0, rows.length)), queries: Int32Array.of(0), classes: 2 },
    embeddings: { rows: matrixOf(rows.map((x) => [x])), queries: matrixOf([[0]]) },
  });
  const votes = (rows: readonly number[], k: number) => (coalition: ReadonlySet<number>) =>
    [...coalition]
      .sort((a, b) => Math.abs(rows[a]) - Math.abs(rows[b]))
      .slice(0, k)
      .filter((i) => label[i] === 0).length / k;

  it.each([1, 2, 3, 5, 10])('is the Shapley value of the votes by definition, k = %i', async (k) => {
    const { values } = await score('knn-shapley', context(at), { k });
    const wanted = bruteForce(7, votes(at, k));
    // The definition sums 5,040 rounded terms below 1.
    for (const [i, value] of wanted.entries()) expect(values.data[i]).toBeCloseTo(value, 12);
    expect(values.data.reduce((sum, value) => sum + value)).toBeCloseTo(votes(at, k)(new Set(at.keys())), 14);
  });

  it('takes the mean of both orders of rows at one distance', async () => {
    // Labels 0 and 1 at distance 1, k = 1: right first: 0 has 1/2 + 1/2·…; by hand: first game (1, 0), second (1/2, −1/2).
    const { values } = await score('knn-shapley', context([1, -1]), { k: 1 });
    expect([...values.data]).toEqual([0.75, -0.25]);
  });
});

describe('semivalues of trainings', () => {
  const rows = clusters(5, 2, 2, 3);
  const queries = clusters(1, 2, 2, 4);
  const context = contextOf(rows, queries);
  const model = softmaxRegression(rows, 0.01);
  const known = new Map<string, number>();
  const f = async (coalition: readonly number[]) => {
    const counts = new Uint32Array(5);
    for (const i of coalition) counts[i] = 1;
    const key = counts.join();
    const trained = known.get(key) ?? (await retrainingOf(model, queries).train(counts, 0)).queries[0];
    known.set(key, trained);
    return trained;
  };
  const fill = async () => {
    for (let s = 0; s < 32; s++) await f([0, 1, 2, 3, 4].filter((i) => (s >> i) & 1));
    return (coalition: ReadonlySet<number>) =>
      known.get([0, 1, 2, 3, 4].map((i) => (coalition.has(i) ? 1 : 0)).join()) ?? Number.NaN;
  };

  it('are the Shapley value by definition where all coalitions are trained', async () => {
    const value = await fill();
    const wanted = bruteForce(5, value);
    const { values, notes } = await score('tmc-shapley', context, { permutations: 32, tolerance: 0 });
    expect(notes).toEqual(['exact: all 32 coalitions were trained']);
    for (const [i, one] of wanted.entries()) expect(values.data[i]).toBeCloseTo(one, 12);
    const shapley = await score('beta-shapley', context, { permutations: 32, alpha: 1, beta: 1 });
    for (const [i, one] of wanted.entries()) expect(shapley.values.data[i]).toBeCloseTo(one, 12);
  });

  it('add up to f(all) − f(none) when sampled, and come near the exact values', async () => {
    const value = await fill();
    const wanted = bruteForce(5, value);
    const { values } = await score('tmc-shapley', context, { permutations: 6, tolerance: 0 });
    const total = value(new Set([0, 1, 2, 3, 4])) - value(new Set());
    expect(values.data.reduce((sum, one) => sum + one)).toBeCloseTo(total, 12);
    // Six orders of 120: not exact, but the largest row is the largest.
    expect([...values.data]).not.toEqual(wanted);
    expect(values.data.indexOf(values.data.reduce((a, b) => Math.max(a, b)))).toBe(
      wanted.indexOf(wanted.reduce((a, b) => Math.max(a, b))),
    );
  });

  it('say how much a truncated walk left out', async () => {
    const { notes } = await score('tmc-shapley', context, { permutations: 6, tolerance: 10 });
    expect(notes).toEqual(['truncated: 100 % of the contributions taken as 0']);
  });

  it('weigh coalitions by the Beta distribution: for α = 4, β = 1 small ones count more', () => {
    // n = 3, α = 2, β = 1: w(j) = 3·C(2, j−1)·B(j, 5−j)/B(2, 1) = 3·(1/4, 2/12, 1/12... )/(1/2).
    // B(1,4) = 1/4, B(2,3) = 1/12, B(3,2) = 1/12; C = 1, 2, 1: w = 3·2·(1/4, 1/6, 1/12) = (1.5, 1, 0.5).
    const weights = betaWeights(3, 2, 1);
    for (const [j, weight] of [1.5, 1, 0.5].entries()) expect(weights[j]).toBeCloseTo(weight, 12);
    expect(betaWeights(40, 16, 1).reduce((sum, weight) => sum + weight) / 40).toBeCloseTo(1, 10);
  });

  it('give Banzhaf values by definition', async () => {
    const value = await fill();
    const { values } = await score('banzhaf', context, { subsets: 32 });
    for (let i = 0; i < 5; i++) {
      let wanted = 0;
      for (let s = 0; s < 32; s++) {
        const coalition = new Set([0, 1, 2, 3, 4].filter((j) => (s >> j) & 1 && j !== i));
        wanted += (value(new Set([...coalition, i])) - value(coalition)) / 32;
      }
      expect(values.data[i]).toBeCloseTo(wanted, 12);
    }
  });

  it('refuse too few bags for Data-OOB', async () => {
    await expect(score('data-oob', context, { bags: 1 })).rejects.toMatchObject({ code: 'out-of-range' });
  });
});

describe('BM25', () => {
  it('scores by hand', async () => {
    expect(wordsOf('Card, card-42 ÄRGER')).toEqual(['card', 'card', '42', 'ärger']);
    const texts = { rows: ['lost card', 'lost', 'pin'], queries: ['card'] };
    const context = { rows: 3, queries: 1, seed: 0, texts };
    const { values } = await score('bm25', context);
    // idf = log(1 + 2.5/1.5); c = 1; |d| = 2, mean 4/3: scale 1.2·(.25 + .75·1.5) = 1.65; 2.2/2.65.
    expect(values.data[0]).toBeCloseTo(Math.log(1 + 2.5 / 1.5) * (2.2 / 2.65), 12);
    expect([...rowOf(values, 0)].slice(1)).toEqual([0, 0]);
  });
});

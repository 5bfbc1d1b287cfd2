import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { diverse, groupInfluences } from './groups.ts';
import { matrix } from './matrix.ts';
import { judgeScores } from './reliability.ts';
import { studentTwoSided } from './student-t.ts';

describe('Student’s distribution', () => {
  // Tables: t of 0.05 two-sided; one degree of freedom is Cauchy: p = 1 − (2/π) atan t.
  it.each([
    [12.706, 1, 0.05],
    [2.776, 4, 0.05],
    [4.604, 4, 0.01],
    [2.042, 30, 0.05],
  ])('t = %d with %i degrees of freedom', (t, freedom, p) => {
    // The tables have four digits of t.
    expect(studentTwoSided(t, freedom)).toBeCloseTo(p, 4);
  });

  it('is Cauchy’s for one degree of freedom', () => {
    for (const t of [0.1, 1, 3, 50]) expect(studentTwoSided(t, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(t), 12);
    expect(studentTwoSided(0, 3)).toBeCloseTo(1, 12);
  });
});

describe('the reliability of scores', () => {
  const models = (effect: (i: number) => number, seed: number) => {
    const source = random(seed);
    return Array.from({ length: 6 }, () =>
      matrix(
        1,
        2000,
        Float64Array.from({ length: 2000 }, (_, i) => effect(i) + source.normal()),
      ),
    ) as never;
  };

  it('calls at most one in twenty rows without an effect stable', () => {
    let [stable, weak] = [0, 0];
    for (let seed = 0; seed < 5; seed++) {
      const { reliability } = judgeScores(models(() => 0, seed));
      stable += reliability.filter((one) => one === 'stable').length;
      weak += reliability.filter((one) => one === 'weak').length;
    }
    expect(stable / 10_000).toBeLessThan(0.05);
    // One in twenty would hold alone: 500 of 10,000, standard deviation 22.
    expect(Math.abs(stable + weak - 500)).toBeLessThan(110);
  });

  it('finds effects that are there, and few that are not among those it calls stable', () => {
    const { reliability, mean } = judgeScores(models((i) => (i < 200 ? 6 : 0), 9));
    const found = reliability.slice(0, 200).filter((one) => one === 'stable').length;
    const wrong = reliability.slice(200).filter((one) => one === 'stable').length;
    expect(found).toBeGreaterThan(180);
    expect(wrong / (found + wrong)).toBeLessThan(0.12);
    expect(mean.data.slice(0, 200).every((value) => value > 0)).toBe(true);
  });

  it('needs five models', () => {
    expect(() => judgeScores((models(() => 0, 1) as never[]).slice(2))).toThrow(/at least 5/);
  });
});

describe('groups and choices of rows', () => {
  it('add up, and say where the sum understates', () => {
    const scores = matrix(1, 4, Float64Array.of(1, 2, -4, 0.5)) as never;
    const columns = new Map([['source', ['a', 'a', 'b', 'b']]]);
    expect(groupInfluences(scores, 0, columns)).toEqual([
      { column: 'source', value: 'b', rows: 2, share: 0.5, score: -3.5, understated: true },
      { column: 'source', value: 'a', rows: 2, share: 0.5, score: 3, understated: true },
    ]);
  });

  it('hold at most one of many copies', () => {
    const order = Array.from({ length: 40 }, (_, i) => i);
    expect(diverse(order, 10, (a, b) => a < 30 && b < 30)).toEqual([0, 30, 31, 32, 33, 34, 35, 36, 37, 38]);
  });
});

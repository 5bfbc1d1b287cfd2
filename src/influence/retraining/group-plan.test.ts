import { describe, expect, it } from 'vitest';
import { clusters, retrainingOf, softmaxRegression } from '../../../test/influence/softmax-regression.ts';
import { groupEffects, groupRows, planGroups } from './group-plan.ts';

describe('groups of rows', () => {
  const groups = groupRows(['a', 'b', 'a', 'c', 'a', 'b'], [5]);

  it('are the rows of each value, less those that are held out', () => {
    expect(groups).toEqual([
      { value: 'a', rows: [0, 2, 4] },
      { value: 'b', rows: [1] },
      { value: 'c', rows: [3] },
    ]);
  });

  it('are left out one at a time, beside a training on all', () => {
    const plan = planGroups({ rows: 6, groups, how: 'without', seeds: [3, 4] });
    expect(plan.trainings.map(({ seed, counts }) => [seed, ...counts])).toEqual(
      [3, 4].flatMap((seed) => [
        [seed, 1, 1, 1, 1, 1, 0],
        [seed, 0, 1, 0, 1, 0, 0],
        [seed, 1, 0, 1, 1, 1, 0],
        [seed, 1, 1, 1, 0, 1, 0],
      ]),
    );
    // f: all 1 and 2; without a .4 and 1.2; without b 1.1 and 2.1; without c 1 and 2.
    const effects = groupEffects(plan, [1, 0.4, 1.1, 1, 2, 1.2, 2.1, 2]);
    expect(effects.map(({ value, rows, effect }) => [value, rows, effect.mean.toFixed(6)])).toEqual([
      ['b', 1, '-0.100000'],
      ['c', 1, '0.000000'],
      ['a', 3, '0.700000'],
    ]);
    // .6 and .8: .7 ± 12.706 · .1414/√2.
    expect(effects[2].effect.high).toBeCloseTo(0.7 + 12.7062 * 0.1, 3);
  });

  it('share out a small game by the formula', () => {
    // v(a) = 1, v(b) = 2, v(ab) = 4, c adds nothing: φ_a = (1 + 2)/2, φ_b = (2 + 3)/2, φ_c = 0.
    const plan = planGroups({ rows: 6, groups, how: 'shapley', seeds: [1] });
    expect(plan.trainings).toHaveLength(8);
    expect([...plan.trainings[0].counts]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...plan.trainings[3].counts]).toEqual([1, 1, 1, 0, 1, 0]);
    const v = [0, 1, 2, 4];
    const effects = groupEffects(
      plan,
      plan.parts.map(({ coalition }) => v[coalition & 3]),
    );
    expect(effects.map(({ value, effect }) => [value, effect.mean])).toEqual([
      ['c', 0],
      ['a', 1.5],
      ['b', 2.5],
    ]);
  });

  it('share out a softmax regression: Shapley values by every order of its groups', async () => {
    const data = clusters(24, 3, 3, 1);
    const queries = clusters(1, 3, 3, 2);
    const retraining = retrainingOf(softmaxRegression(data, 0.05), queries);
    const four = groupRows(Array.from({ length: 24 }, (_, i) => `g${i % 4}`));
    const plan = planGroups({ rows: 24, groups: four, how: 'shapley', seeds: [0] });
    const values: number[] = [];
    for (const { counts } of plan.trainings) values.push((await retraining.train(counts, 0)).queries[0]);
    const found = new Map(groupEffects(plan, values).map(({ value, effect }) => [value, effect.mean]));
    // The definition: what each adds, over the 24 orders in which the four may come.
    const by = new Map<string, number>();
    const walk = (order: readonly number[], coalition: number) => {
      for (let g = 0; g < 4; g++) {
        if (order.includes(g)) continue;
        const next = coalition | (1 << g);
        const share = (values[next] - values[coalition]) * [6, 2, 1, 1][order.length];
        by.set(four[g].value, (by.get(four[g].value) ?? 0) + share / 24);
        walk([...order, g], next);
      }
    };
    walk([], 0);
    for (const [value, wanted] of by) expect(found.get(value)).toBeCloseTo(wanted, 12);
    const total = [...found.values()].reduce((sum, one) => sum + one, 0);
    expect(total).toBeCloseTo(values[15] - values[0], 12);
  });

  it('are refused where they are one, or too many for Shapley', () => {
    expect(() => planGroups({ rows: 2, groups: groups.slice(0, 1), how: 'without', seeds: [1] })).toThrow(/no groups/);
    const many = groupRows(Array.from({ length: 13 }, (_, i) => `${i}`));
    expect(() => planGroups({ rows: 13, groups: many, how: 'shapley', seeds: [1] })).toThrow(/2\^13 coalitions/);
  });
});

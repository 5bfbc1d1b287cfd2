import { describe, expect, it } from 'vitest';
import { membershipTests } from './membership-test.ts';
import { leftOutOf, neighbourShares, shareAgreement } from './share-agreement.ts';
import type { Candidate, DoneTraining, VerifiedItem } from './verification.ts';

const items: VerifiedItem[] = ['a', 'b', 'c', 'd'].map((id) => ({ id, image: id, group: id, stratum: 'common' }));
const training = (arm: string, seed: number, costs: readonly number[], without?: string): DoneTraining => ({
  ...{ arm, seed, removed: [], replaced: {}, without },
  costs: Object.fromEntries(items.map(({ id }, i) => [id, { whole: costs[i] }])),
});

describe('shares against leaving out', () => {
  const trainings = [
    training('full', 1, [10, 10, 10, 10]),
    training('full', 2, [11, 11, 11, 11]),
    // Effects of x are 3, 1, 0 and −2 nats, averaged over two seeds; those of y 1, 2, 5 and 1.
    training('without x', 1, [14, 11, 10, 8], 'x'),
    training('without x', 2, [13, 12, 11, 9], 'x'),
    training('without y', 1, [11, 12, 15, 11], 'y'),
    training('without y', 2, [12, 13, 16, 12], 'y'),
  ];
  const leftOut = leftOutOf(trainings, items);

  it('are effects against full data of the same seed', () => {
    expect(leftOut?.values).toEqual(['x', 'y']);
    expect(leftOut?.effects).toEqual([
      [3, 1],
      [1, 2],
      [0, 5],
      [-2, 1],
    ]);
    expect(leftOutOf(trainings.slice(0, 2), items)).toBeUndefined();
  });

  it('agree where the largest share is of the largest effect', () => {
    const shares = {
      right: [
        [1, 0],
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      wrong: [
        [0, 1],
        [1, 0],
        [1, 0],
        [1, 0],
      ],
    };
    const [right, wrong] = shareAgreement(leftOut as NonNullable<typeof leftOut>, items, shares);
    expect([right.first.mean, right.clear, right.ndcg.mean]).toEqual([1, 1, 1]);
    expect([wrong.first.mean, wrong.clear]).toEqual([0, 0]);
    // By hand, gains (3 1), (1 2), (0 5), (0 1) in the wrong order, the second place over log₂ 3.
    const second = 1 / Math.log2(3);
    const ndcg = [(1 + 3 * second) / (3 + second), (1 + 2 * second) / (2 + second), second, second];
    expect(wrong.ndcg.mean).toBeCloseTo(
      ndcg.reduce((sum, one) => sum + one / 4, 0),
      9,
    );
  });

  it('come from the nearest images, the nearer first where counts are equal', () => {
    const of = Int32Array.from([0, 1, 1, 0, -1]);
    const [x, y] = neighbourShares([1, 0, 3, 2], of, 2);
    expect(x).toBeCloseTo(0.5, 5);
    expect(y).toBeGreaterThan(x);
    expect(neighbourShares([4], of, 2)).toEqual([0, 0]);
  });
});

describe('membership by costs', () => {
  const candidates: Candidate[] = [0, 1, 2, 3].flatMap((k) => [
    { id: `in ${k}`, image: '', stratum: 'common', member: true },
    { id: `out ${k}`, image: '', stratum: 'common', member: false },
  ]);
  const asked = (arm: string, inside: number, outside: number): DoneTraining => ({
    ...{ arm, seed: 1, removed: [], replaced: {} },
    costs: Object.fromEntries(candidates.map(({ id, member }) => [id, { whole: member ? inside : outside }])),
  });

  it('is certain where members cost less, and chance where all cost the same', () => {
    const [test] = membershipTests([asked('full', 5, 9), asked('traced', 9, 9)], candidates);
    expect(test).toMatchObject({ members: 4, lookAlikes: 4, own: { mean: 1, low: 1, high: 1 }, against: { mean: 1 } });
    const [same] = membershipTests([asked('full', 7, 7)], candidates);
    expect(same.own).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
    expect(same.against).toBeUndefined();
  });

  it('is not asked without look-alikes', () => {
    expect(membershipTests([asked('full', 5, 9)], [])).toEqual([]);
  });
});

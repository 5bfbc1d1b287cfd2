import { describe, expect, it } from 'vitest';
import { planExperiment, planLeaveOneOut } from './experiment.ts';
import { answerOf, classEffects, judgeQuantity, leftOutEffects } from './judge-experiment.ts';
import { beyondRandom, pairedEstimate, studentQuantile, verdictOf } from './paired.ts';

const labels = Int32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
const none: ReadonlyMap<number, number> = new Map();
const kept = (counts: Uint32Array) => Array.from(counts.keys()).filter((row) => counts[row] > 0);
const gone = (counts: Uint32Array) => Array.from(counts.keys()).filter((row) => counts[row] === 0);

describe('an experiment', () => {
  const change = { dropped: [0, 1], relabelled: new Map([[6, 0]]) };
  const plan = planExperiment({ rows: 12, labels, change, heldOut: [5, 11], seeds: [3, 4], seed: 1 });

  it('trains in pairs: the same seeds with and without the change, and without random rows of the same classes', () => {
    expect(plan.parts).toEqual([
      { arm: 'with', seed: 3 },
      { arm: 'changed', seed: 3 },
      { arm: 'with', seed: 4 },
      { arm: 'changed', seed: 4 },
      { arm: 'control', seed: 3 },
      { arm: 'control', seed: 4 },
    ]);
    expect(gone(plan.trainings[0].counts)).toEqual([5, 11]);
    expect(gone(plan.trainings[1].counts)).toEqual([0, 1, 5, 11]);
    expect([...(plan.trainings[1].labels ?? [])]).toEqual([[6, 0]]);
    for (const { counts } of plan.trainings.slice(4)) {
      const dropped = gone(counts).filter((row) => row !== 5 && row !== 11);
      // Three rows were changed, two of class 0 and one of class 1.
      expect(dropped.map((row) => labels[row]).sort()).toEqual([0, 0, 1]);
    }
    expect(plan.size).toBe(3);
  });

  it('takes other random rows for each control', () => {
    const many = planExperiment({ rows: 12, labels, change, seeds: [1, 2, 3, 4, 5, 6], seed: 1 });
    const drawn = many.trainings.slice(12).map(({ counts }) => gone(counts).join());
    expect(new Set(drawn).size).toBeGreaterThan(3);
  });

  it('says where a class is changed as a whole, and draws from all classes then', () => {
    const whole = { dropped: [0, 1, 2, 3, 4, 5], relabelled: none };
    const { sameClasses, notes, trainings } = planExperiment({ rows: 12, labels, change: whole, seeds: [1], seed: 2 });
    expect(sameClasses).toBe(false);
    expect(notes.join()).toMatch(/any class/);
    expect(kept(trainings[2].counts)).toHaveLength(6);
  });

  it('refuses a change of nothing, and one that leaves nothing', () => {
    const plan = (dropped: number[]) =>
      planExperiment({ rows: 3, change: { dropped, relabelled: none }, seeds: [1], seed: 1 });
    expect(() => plan([])).toThrow(/nothing is changed/);
    expect(() => plan([0, 1, 2])).toThrow(/no row is left/);
  });

  it('compares seed by seed', () => {
    // With 1 and 3; changed +1 and +2; random −.5 and +.5.
    const values = [1, 2, 3, 5, 0.5, 3.5];
    const { effect, random, beyond } = judgeQuantity(plan, { title: 'f', unit: '', values });
    // Mean 1.5, s = √.5, t(1) = 12.706, half = 12.706 · √.5/√2 = 6.353.
    expect(effect.mean).toBeCloseTo(1.5, 12);
    expect(effect.high).toBeCloseTo(1.5 + 6.3531, 3);
    expect(random.mean).toBeCloseTo(0, 12);
    // s of the controls √.5, half = 12.706 · √.5 · √1.5.
    expect(beyond.high).toBeCloseTo(1.5 + 12.7062 * Math.sqrt(0.75), 3);
    const rows = Float64Array.from(values.flatMap((value) => [value, 2 * value]));
    const [first, second] = classEffects(plan, rows, Int32Array.of(0, 1), ['a', 'b']);
    expect([first.class, first.effect.mean, second.class, second.effect.mean]).toEqual(['a', 1.5, 'b', 3]);
  });
});

it('leaves out rows one at a time, and ranks them by what they do', () => {
  const plan = planLeaveOneOut({ rows: 3, each: [0, 2], heldOut: [1], seeds: [1, 2] });
  expect(plan.parts.map(({ row }) => row)).toEqual([undefined, 0, 2, undefined, 0, 2]);
  expect(plan.trainings.map(({ counts }) => kept(counts))).toEqual([[0, 2], [2], [0], [0, 2], [2], [0]]);
  // f with both 5; without row 0 it rises by 1 and 3, without row 2 it falls by 2.
  const [worst, best] = leftOutEffects(plan, [5, 6, 3, 5, 8, 3]);
  expect([worst.row, worst.effect.mean, best.row, best.effect.mean]).toEqual([0, -2, 2, 2]);
  expect(worst.reliability).toBeUndefined();
});

describe('estimates', () => {
  it.each([
    [1, 12.7062],
    [4, 2.77645],
    [9, 2.26216],
    [100, 1.98397],
  ])('have the quantile of Student’s distribution for %i degrees of freedom', (freedom, expected) => {
    // Tables have four digits behind the point.
    expect(studentQuantile(freedom)).toBeCloseTo(expected, 4);
  });

  it('have no interval of one value, or of one number again and again', () => {
    expect(pairedEstimate([2])).toEqual({ mean: 2 });
    expect(pairedEstimate([-0.3, -0.3, -0.3])).toEqual({ mean: -0.3 });
    const beyond = beyondRandom([-0.3, -0.3, -0.3], [-0.1, -0.1, -0.1]);
    expect(beyond).toEqual({ mean: expect.closeTo(-0.2, 12) });
    expect(verdictOf(pairedEstimate([-0.3, -0.3, -0.3]), beyond)).toBe('no-effect');
  });

  it('call at most 5 % of random choices something else than random', () => {
    // Effects of choices spread by 1 and of seeds by 1: what a random choice in question is compared with.
    let state = 1;
    const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    let claims = 0;
    const trials = 4000;
    for (let i = 0; i < trials; i++) {
      const choice = normal();
      const ours = Array.from({ length: 5 }, () => choice + normal());
      const controls = Array.from({ length: 5 }, () => normal() + normal());
      const verdict = verdictOf(pairedEstimate(ours), beyondRandom(ours, controls));
      if (verdict === 'helps' || verdict === 'harms') claims++;
    }
    expect(claims / trials).toBeLessThan(0.05);
  });

  it.each([
    [[1, 2], [0.5, 1], 'helps'],
    [[-2, -1], [-2, -1], 'harms'],
    [[1, 2], [-1, 1], 'like-random'],
    [[-2, -1], [1, 2], 'less-harm'],
    [[1, 2], [-2, -1], 'less-help'],
    [[-1, 2], [1, 2], 'no-effect'],
  ] as const)('of %j, less random %j, are called %s', ([low, high], [from, to], expected) => {
    const estimate = (a: number, b: number) => ({ mean: (a + b) / 2, low: a, high: b });
    expect(verdictOf(estimate(low, high), estimate(from, to))).toBe(expected);
  });

  it('are told in words', () => {
    const measured = {
      title: 'accuracy',
      unit: 'points',
      values: { with: [1], changed: [2], control: [1] },
      effect: { mean: 1.234, low: 0.5, high: 2 },
      random: { mean: -0.1 },
      beyond: { mean: 1.3, low: 1, high: 2 },
      verdict: 'helps',
    } as const;
    expect(answerOf('Without these 3 rows', [measured])).toBe(
      'Without these 3 rows: accuracy +1.23 points [+0.5, +2]. Without as many random rows: −0.1 points. The change helps: more than leaving out as many random rows.',
    );
  });
});

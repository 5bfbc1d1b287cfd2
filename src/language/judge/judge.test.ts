import { describe, expect, it } from 'vitest';
import { coverage, simulatedJudges, simulatedRating } from '../../../test/language/simulated-judges.ts';
import { random } from '../../tensor/random.ts';
import type { TextModel } from '../text-model.ts';
import { cohensKappa, krippendorffsAlpha, overItems } from './agreement.ts';
import { type AnswerPair, judgePairs, readChoice } from './judge-pairs.ts';
import { predictionPowered } from './prediction-powered.ts';
import { type ExplainedCase, simulatability } from './simulatability.ts';

/** A model that answers by a rule, and counts how often it is asked. */
function rule(answer: (prompt: string) => string): TextModel & { asked: number } {
  const model = {
    name: 'rule',
    asked: 0,
    access: { chat: true, completion: true, scores: false, alternatives: 0, prefill: false, repeatable: true },
    generate: async (prompt: unknown) => {
      model.asked++;
      return { text: answer(String(prompt)), ended: 'stop' as const, tokens: undefined };
    },
    score: async () => {
      throw new Error('not asked');
    },
  };
  return model;
}

/** Pairs where a says the right number and b another one; b is the longer one. */
const pairs: AnswerPair[] = Array.from({ length: 40 }, (_, i) => ({
  id: `q${i}`,
  question: `What is ${i} plus 1?`,
  a: `It is ${i + 1}.`,
  b: `After long thought it is ${i + 2}.`,
}));

const answers = (prompt: string) => [...prompt.matchAll(/Answer \d\n-----\n(.*)\n/g)].map(([, text]) => text);

/** Knows sums. */
const expert = (prompt: string) => {
  const sum = Number(/What is (\d+)/.exec(prompt)?.[1]) + 1;
  return String(answers(prompt).findIndex((text) => text.includes(` ${sum}.`)) + 1);
};

describe('a judge of pairs', () => {
  it('that knows the answer is believed', async () => {
    const model = rule(expert);
    const { verdict, winRate, orderBias, consistency, longerWins } = await judgePairs(model, pairs);
    expect(verdict).toBe('a');
    expect(winRate?.mean).toBe(1);
    // Wilson for 40 of 40: 40 / (40 + 3.841).
    expect(winRate?.low).toBeCloseTo(0.912, 3);
    expect(orderBias?.mean).toBe(0);
    expect(consistency?.mean).toBe(1);
    expect(longerWins?.mean).toBe(0);
    expect(model.asked).toBe(80);
  });

  it('that always takes the first has a bias of 1 and no verdict', async () => {
    const { verdict, counts, orderBias, consistency } = await judgePairs(
      rule(() => '1'),
      pairs,
    );
    expect(orderBias).toMatchObject({ mean: 1, high: 1 });
    expect(orderBias?.low).toBeCloseTo(2 * 0.912 - 1, 2);
    expect(counts.undecided).toBe(40);
    expect(consistency?.mean).toBe(0);
    expect(verdict).toBeUndefined();
  });

  it('is not believed on five pairs, which a coin decides alike once in 16', async () => {
    const few = await judgePairs(rule(expert), pairs.slice(0, 5));
    expect([few.chance, few.verdict]).toEqual([2 / 32, undefined]);
    expect((await judgePairs(rule(expert), pairs.slice(0, 6))).verdict).toBe('a');
    const one = await judgePairs(rule(expert), pairs.slice(0, 1));
    expect(one.verdict).toBeUndefined();
    expect(one.winRate?.low).toBeLessThan(0.5);
  });

  it('that measures length is seen to', async () => {
    const longest = (prompt: string) => (answers(prompt)[0].length > answers(prompt)[1].length ? '1' : '2');
    const { longerWins, verdict } = await judgePairs(rule(longest), pairs);
    expect(verdict).toBe('b');
    expect(longerWins?.mean).toBe(1);
  });

  it('that throws a coin has no verdict', async () => {
    const source = random(3);
    const { verdict, orderBias } = await judgePairs(
      rule(() => (source.uniform() < 0.5 ? '1' : '2')),
      pairs,
      { atOnce: 1 },
    );
    expect(verdict).toBeUndefined();
    expect(Math.abs(orderBias?.mean as number)).toBeLessThan(0.3);
  });

  it('may abstain, and may say what cannot be read', async () => {
    const { counts, orderBias } = await judgePairs(
      rule((prompt) => (/What is 1\d/.test(prompt) ? 'I like both' : '0')),
      pairs,
    );
    expect(counts).toEqual({ a: 0, b: 0, undecided: 0, abstained: 30, unreadable: 10 });
    expect(orderBias).toBeUndefined();
  });

  it.each([
    ['1', 'first'],
    [' Answer 2.', 'second'],
    ['**0**', 'neither'],
    ['12', undefined],
    ['1 or 2', undefined],
    ['Answer 1 is longer, so 2', undefined],
  ])('says %j, which is %s', (reply, choice) => expect(readChoice(reply)).toBe(choice));

  it.each<[string, AnswerPair[], RegExp]>([
    ['nothing', [], /there are no pairs/],
    ['one id twice', [pairs[0], pairs[0]], /two pairs have one id/],
    ['equal answers', [{ ...pairs[0], b: pairs[0].a }], /two equal answers/],
    ['a missing answer', [pairs[1], { ...pairs[0], b: ' ' }], /no answer b.*leave the pair out/],
  ])('refuses %s before it asks', async (_, wrong, message) => {
    const model = rule(() => '1');
    await expect(judgePairs(model, wrong)).rejects.toThrow(message);
    expect(model.asked).toBe(0);
  });
});

describe('agreement', () => {
  it("is Cohen's κ by hand", () => {
    // 50 items: both yes 20, both no 15, 5 and 10 apart: p_o = .7, p_e = .5 · .6 + .5 · .4 = .5, κ = .4 (Cohen's example).
    const a = [...Array(25).fill('yes'), ...Array(25).fill('no')];
    const b = [...Array(20).fill('yes'), ...Array(5).fill('no'), ...Array(10).fill('yes'), ...Array(15).fill('no')];
    expect(cohensKappa(a, b)).toBeCloseTo(0.4, 12);
    expect(cohensKappa(['x', 'x'], ['x', 'x'])).toBeUndefined();
  });

  it("is Krippendorff's α of his own example", () => {
    // Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C: four observers, twelve units.
    const _ = undefined;
    const raters = [
      [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
      [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
      [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
      [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ];
    expect(krippendorffsAlpha(raters)).toBeCloseTo(0.743, 3);
    expect(krippendorffsAlpha(raters, 'ordinal')).toBeCloseTo(0.815, 3);
    expect(krippendorffsAlpha(raters, 'interval')).toBeCloseTo(0.849, 3);
  });

  it('has an interval over items', () => {
    const source = random(5);
    const truth = Array.from({ length: 200 }, () => source.integer(2));
    const seen = truth.map((value) => (source.uniform() < 0.8 ? value : 1 - value));
    const { value, low, high } = overItems([truth, seen], ([a, b]) => cohensKappa(a, b));
    // 80 % agreement of even shares: κ = .6, with a standard error of about .056.
    expect(value).toBeGreaterThan(0.45);
    expect((high as number) - (low as number)).toBeGreaterThan(0.15);
    expect((high as number) - (low as number)).toBeLessThan(0.3);
  });
});

describe('people behind a judge', () => {
  it.each(simulatedJudges)('are covered in 93 %% of 500 runs or more, by $name', (judge) => {
    const { covered, shorter } = coverage(judge, 500);
    expect(covered).toBeGreaterThanOrEqual(465);
    if (judge.error < 1) expect(shorter).toBeLessThan(0.6);
    else expect(shorter).toBeLessThan(1.05);
  });

  it('are not where the judge alone is', () => {
    const { judgeAlone, mean } = simulatedRating(7, simulatedJudges[1]);
    expect(judgeAlone).toBeGreaterThan(0.9);
    expect(mean).toBeLessThan(0.75);
  });

  it('are enough where the judge says always the same', () => {
    const labels = [1, 0, 1, 1, 0, 1];
    const { weight, mean, low, high, peopleAlone } = predictionPowered(labels, Array(6).fill(1), Array(50).fill(1));
    expect(weight).toBe(0);
    expect({ mean, low, high }).toEqual(peopleAlone);
  });

  it('are computed by hand', () => {
    // λ = 1: mean of the rest 3, mean of y − f over (2 − 1, 4 − 3, 6 − 5) = 1.
    const { mean } = predictionPowered([2, 4, 6], [1, 3, 5], [2, 3, 4], { fixedWeight: 1 });
    expect(mean).toBe(4);
  });

  it('may be wrong elsewhere, where the judge made no mistake on the few that people rated', () => {
    const { mean, low, high } = predictionPowered([1, 1, 0.5, 1, 1, 1, 1], [1, 1, 0.5, 1, 1, 1, 1], Array(18).fill(1));
    expect(mean).toBe(1);
    // 1 − .05^(1/7) = .348: so large a share of mistakes would go unseen in seven items once in twenty.
    expect(high - mean).toBeCloseTo(0.348, 3);
    expect(mean - low).toBeCloseTo(0.348, 3);
  });

  it('must be three at least', () => {
    expect(() => predictionPowered([1, 0], [1, 0], [1, 0, 1])).toThrow(/too little to correct a judge with/);
    expect(() => predictionPowered([1, 0, 1], [1, 0], [1, 0, 1])).toThrow(/must have rated what people rated/);
  });
});

describe('whether explanations let a reader foretell', () => {
  const labels = ['ham', 'spam'];
  const explained = (explain: (i: number) => string): ExplainedCase[] =>
    Array.from({ length: 30 }, (_, i) => ({
      id: `m${i}`,
      input: `message ${i}`,
      said: labels[i % 2],
      explanation: explain(i),
    }));
  /** Guesses from what was looked at, else ham. */
  const reader = () => rule((prompt) => (/a link counted/.test(prompt) ? 'Spam.' : 'ham'));

  it('is a gain over the input alone and over the explanation of another case', async () => {
    const cases = explained((i) => (i % 2 ? 'a link counted' : 'a greeting counted'));
    const { gain, specificGain, accuracy, constant, leaking } = await simulatability(reader(), cases, labels);
    expect(accuracy['input alone'].mean).toBe(0.5);
    expect(accuracy['own explanation'].mean).toBe(1);
    expect(gain.low).toBeGreaterThan(0.2);
    expect(specificGain.mean).toBe(1);
    expect(constant).toBe(0.5);
    expect(leaking).toEqual([]);
  });

  it('is none where every explanation says the same', async () => {
    const { gain, specificGain } = await simulatability(
      reader(),
      explained(() => 'a link counted'),
      labels,
    );
    expect(specificGain).toMatchObject({ mean: 0, low: 0, high: 0 });
    expect(gain.mean).toBe(0);
  });

  it('does not count where the explanation names the label', async () => {
    const { leaking, withoutLeaking } = await simulatability(
      reader(),
      explained((i) => (i % 2 ? 'it looks like spam: a link counted' : 'a greeting counted')),
      labels,
    );
    expect(leaking).toHaveLength(15);
    expect(withoutLeaking?.gain.mean).toBe(0);
  });

  it('refuses cases without labels', async () => {
    const wrong = [{ id: 'x', input: '', said: 'eggs', explanation: '' }, ...explained(() => 'y')];
    await expect(simulatability(reader(), wrong, labels)).rejects.toThrow(/none of the labels.*eggs/);
    await expect(simulatability(reader(), [], labels)).rejects.toThrow(/too little to foretell/);
  });
});

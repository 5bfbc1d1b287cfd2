import { describe, expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { arms, type PromptScores } from './arms.ts';
import { type Contrast, contrastsOf, type Effect, effectOf } from './contrasts.ts';
import { verdictOf } from './verdict.ts';
import type { DoneTraining, VerifiedItem } from './verification.ts';

const item = (id: string, group: string, stratum: string): VerifiedItem => ({ id, image: id, group, stratum });

describe('effects', () => {
  it('are means over seeds and prompts, with intervals that cover what they were drawn from', () => {
    expect(effectOf([[1], [3]])).toEqual({ mean: 2, low: undefined, high: undefined, seeds: 2, prompts: 1 });
    expect(effectOf([[2, 2, 2]])).toMatchObject({ mean: 2, low: 2, high: 2 });
    // Of worlds with mean 1, about 19 in 20 intervals cover it; seeds of three are few, so somewhat less.
    const source = random(5);
    let covering = 0;
    for (let world = 0; world < 60; world++) {
      const ofSeed = [0, 1, 2].map(() => 0.3 * source.normal());
      const ofPrompt = Array.from({ length: 12 }, () => source.normal());
      const { low, high } = effectOf(ofSeed.map((s) => ofPrompt.map((p) => 1 + s + p + 0.5 * source.normal())));
      if ((low ?? 0) <= 1 && (high ?? 0) >= 1) covering++;
    }
    expect(covering).toBeGreaterThan(48);
  });

  it('compare arms with full data of the same seed, average the items of a prompt, and keep strata apart', () => {
    const items = [item('a', 'p', 's'), item('b', 'p', 's'), item('c', 'q', 's'), item('u', 'u', 'unrelated')];
    const training = (arm: string, seed: number, costs: number[]): DoneTraining => ({
      ...{ arm, seed, removed: [], replaced: {} },
      costs: Object.fromEntries(items.map(({ id }, i) => [id, { whole: costs[i] }])),
    });
    const contrasts = contrastsOf(
      [
        training('full', 1, [10, 10, 10, 5]),
        training('full', 2, [20, 20, 20, 7]),
        training('traced', 1, [12, 16, 11, 5]),
        training('traced', 2, [22, 26, 21, 7]),
        training('filter', 1, [11, 11, 11, 5]),
        training('filter', 2, [21, 21, 21, 7]),
      ],
      items,
    );
    const mean = (arm: string, against: string | undefined, stratum: string) =>
      contrasts.find((one) => one.arm === arm && one.against === against)?.effects.whole[stratum].mean;
    // Prompt p rises by (2 + 6)/2 = 4, q by 1.
    expect(mean('traced', undefined, 's')).toBe(2.5);
    expect(mean('traced', 'filter', 's')).toBe(1.5);
    expect(mean('traced', undefined, 'unrelated')).toBe(0);
    // Another seed is 10 apart, once each way.
    expect(mean('reseeded', undefined, 's')).toBe(0);
    // Prompts of one family go together: there is a single one here, and no interval.
    const related = items.map((item) => (item.stratum === 's' ? { ...item, family: 'f' } : item));
    const one = contrastsOf([training('full', 1, [1, 1, 1, 1]), training('traced', 1, [2, 4, 9, 1])], related);
    expect(one[0].effects.whole.s).toMatchObject({ mean: 4, prompts: 1, low: undefined });
    const verdict = verdictOf(contrasts);
    expect(verdict.support).toMatch(/s: (yes|not shown), 1\.50/);
    expect(verdict.specificity).toMatch(/^Not asked/);
  });
});

describe('verdicts', () => {
  const effect = (mean: number, low: number, high: number): Effect => ({ mean, low, high, seeds: 3, prompts: 8 });
  const row = (arm: string, against: string | undefined, strata: Record<string, Effect>): Contrast => ({
    arm,
    against,
    effects: { whole: strata },
  });

  it('say how much look-alikes carry, and which way unrelated items move', () => {
    const of = (unrelated: Effect) =>
      verdictOf([
        row('traced', undefined, { copies: effect(80, 50, 100), unrelated: effect(0, -2, 2) }),
        row('traced', 'filter', { copies: effect(72, 40, 99), unrelated }),
        row('swap', undefined, { copies: effect(2, 1, 5), unrelated: effect(0, -2, 2) }),
      ]);
    // 1 − 2/80.
    expect(of(effect(0, -1, 1)).specificity).toMatch(
      /is left, 2\.00 \(1\.00, 5\.00\) of 80\.00: look-alikes carry 98 %/,
    );
    expect(of(effect(0, -1, 1)).unrelated).toMatch(/stay within what chance does: 0\.00/);
    expect(of(effect(3, 1, 5)).unrelated).toMatch(/move as well, so the effect is not of these items alone: 3\.00/);
    // Without a control nothing is said of them, whatever strata there are.
    const alone = [row('traced', undefined, { unrelated: effect(0, -2, 2) })];
    expect(verdictOf(alone).unrelated).toMatch(/no arm "filter"/);
    expect(of(effect(-2, -3, -1)).unrelated).toMatch(/move less than where the others are removed.*: -2\.00/);
  });
});

describe('arms', () => {
  const images = 100;
  const scores = (best: readonly number[]) => {
    const all = Float64Array.from({ length: images }, (_, i) => -i / 1000);
    for (const [rank, image] of best.entries()) all[image] = 10 - rank;
    return all;
  };
  const prompt: PromptScores = {
    ...{ group: 'p', whole: scores([5, 6, 7]), pixels: scores([50]), encoders: [], remove: 4 },
    ...{
      region: scores([8]).map((value) => Math.max(0, value)),
      block: scores([8]).map((value) => Math.max(0, value)),
      fixed: scores([11, 12]),
      gradient: undefined,
      question: undefined,
      words: scores([5, 6, 7, 8, 60, 61, 62, 63, 64, 65, 66, 67, 68]),
    },
  };
  const context = { prompts: [prompt], images, seed: 1 };

  it('trace what several rankings find, and draw controls among the others', () => {
    const [traced] = arms.traced.choose(context);
    expect([...traced].sort((a, b) => a - b)).toEqual([5, 6, 7, 8]);
    // A question that is asked has its ranking alone.
    const stamp = { ...prompt, block: scores([9, 30, 31, 32]), question: 'block' } as const;
    expect(arms.traced.choose({ ...context, prompts: [stamp] })).toEqual([[9, 30, 31, 32]]);
    const [filter] = arms.filter.choose(context);
    expect(filter).toHaveLength(4);
    expect(filter.some((image) => traced.includes(image))).toBe(false);
    // Three times as many captions as are removed are near enough, traced ones aside.
    expect(filter.every((image) => image >= 60 || image < 4)).toBe(true);
    const [global] = arms.global.choose(context);
    expect(global.some((image) => traced.includes(image))).toBe(false);
    expect(arms.raw.choose(context)[0][0]).toBe(50);
    expect(arms.paper.choose(context)[0].slice(0, 2)).toEqual([11, 12]);
    expect(() => arms.embedding.choose(context)).toThrow(/without encoders/);
    expect(() => arms.gradient.choose(context)).toThrow(/no command that computes it/);
    const gradient = scores([20, 21]);
    expect(arms.gradient.choose({ ...context, prompts: [{ ...prompt, gradient }] })[0].slice(0, 2)).toEqual([20, 21]);
    expect(() => arms.filter.choose({ ...context, prompts: [{ ...prompt, words: undefined }] })).toThrow(
      /without prompts/,
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryModel, linearModel, pixelModel, row, switchModel } from '../../../test/evaluation-models.ts';
import { askLinear, output, score, weights, zero } from '../../../test/metric-questions.ts';
import { float32 } from '../../tensor/tensor.ts';
import { ask } from '../question.ts';
import { readyMetric, scoreWith } from '../score.ts';
import type { MetricName } from './index.ts';

// Confidence of the linear model is f/10; adding 4, 3, 2, 1 in turn gives 0, .4, .7, .9, 1 at quarters.
describe('insertion and deletion', () => {
  it.each([
    // (0/2 + .4 + .7 + .9 + 1/2)/4
    ['insertion', 2.5 / 4],
    // 1, .6, .3, .1, 0: (1/2 + .6 + .3 + .1)/4
    ['deletion', 1.5 / 4],
    // 0, .1, .3, .6, 1: (.1 + .3 + .6 + 1/2)/4
    ['insertion-lerf', 1.5 / 4],
    // 1, .9, .7, .4, 0: (1/2 + .9 + .7 + .4)/4
    ['deletion-lerf', 2.5 / 4],
  ] as const)('%s of a linear model', async (name, expected) => {
    const question = await askLinear();
    expect(await score(question, name, weights)).toBeCloseTo(expected, 6);
    // The order counts, not the values; the opposite order gives the opposite curve.
    expect(await score(question, name, [9, 8, 7, -9])).toBeCloseTo(expected, 6);
    expect(await score(question, name, [-4, -3, -2, -1])).toBeCloseTo(1 - expected, 6);
    // Two points between the ends, after 1 and 3 features.
    const steps2 = {
      insertion: [0, 0.4, 0.9, 1],
      deletion: [1, 0.6, 0.1, 0],
      'insertion-lerf': [0, 0.1, 0.6, 1],
      'deletion-lerf': [1, 0.9, 0.4, 0],
    }[name];
    const area =
      ((steps2[0] + steps2[1]) / 2) * 0.25 + ((steps2[1] + steps2[2]) / 2) * 0.5 + ((steps2[2] + steps2[3]) / 2) * 0.25;
    expect(await score(question, name, weights, { steps: 2 })).toBeCloseTo(area, 6);
  });

  it('of AND, OR and XOR', async () => {
    const curves = async (kind: 'and' | 'or' | 'xor', x: readonly number[], values: readonly number[]) => {
      const question = await ask(switchModel(kind), { inputs: row(...x), target: output, reference: zero });
      // In sixths, to which areas over three features come.
      const sixths = async (name: MetricName) => Number((6 * (await score(question, name, values))).toFixed(9));
      return [await sixths('insertion'), await sixths('deletion')];
    };
    // AND needs both: inserting 0, 1, 2 gives 0, 0, 1, 1; one removed ends it: 1, 0, 0, 0.
    expect(await curves('and', [1, 1, 1], [3, 2, 1])).toEqual([3, 1]);
    // The idle third input second: 0, 0, 0, 1; first: 1, 1, 0, 0.
    expect(await curves('and', [1, 1, 1], [3, 1, 2])).toEqual([1, 1]);
    expect(await curves('and', [1, 1, 1], [2, 1, 3])).toEqual([1, 3]);
    // OR needs one: 0, 1, 1, 1; removing both ends it: 1, 1, 0, 0.
    expect(await curves('or', [1, 1, 1], [3, 2, 1])).toEqual([5, 3]);
    // XOR(1, 0): the first alone decides: 0, 1, 1, 1 and 1, 0, 0, 0.
    expect(await curves('xor', [1, 0, 1], [3, 2, 1])).toEqual([5, 1]);
  });

  it('no order beats that of the weights of a linear model', async () => {
    const question = await askLinear();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
        async (values) => {
          expect(await score(question, 'insertion', values)).toBeLessThanOrEqual(2.5 / 4 + 1e-6);
          expect(await score(question, 'deletion', values)).toBeGreaterThanOrEqual(1.5 / 4 - 1e-6);
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('sufficiency and comprehensiveness', () => {
  it('are the mean drops over the shares', async () => {
    const question = await askLinear();
    const shares = { shares: [0.25, 0.5] };
    // Only the top one or two: .4, .7 → 1 − .55; without them: .6, .3 → 1 − .45.
    expect(await score(question, 'sufficiency', weights, shares)).toBeCloseTo(0.45, 6);
    expect(await score(question, 'comprehensiveness', weights, shares)).toBeCloseTo(0.55, 6);
    // The wrong end: .1, .3 → .8 and .9, .7 → .2.
    expect(await score(question, 'sufficiency', [1, 2, 3, 4], shares)).toBeCloseTo(0.8, 6);
    expect(await score(question, 'comprehensiveness', [1, 2, 3, 4], shares)).toBeCloseTo(0.2, 6);
    // A share below one feature still takes one.
    expect(await score(question, 'comprehensiveness', weights, { shares: [0.01] })).toBeCloseTo(0.4, 6);
  });

  it('read probabilities for a class, whatever form of it was explained', async () => {
    // p = σ(2 − 1) at x; only the first: σ(2); without it: σ(−1).
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    for (const kind of ['classLogit', 'classProbability', 'classLogProbability'] as const) {
      const question = await ask(binaryModel([2, -1]), {
        inputs: row(1, 1),
        target: { kind, class: 0 },
        reference: zero,
      });
      expect(await score(question, 'sufficiency', [2, -1], { shares: [0.5] })).toBeCloseTo(sigmoid(1) - sigmoid(2), 5);
      expect(await score(question, 'comprehensiveness', [2, -1], { shares: [0.5] })).toBeCloseTo(
        sigmoid(1) - sigmoid(-1),
        5,
      );
    }
  });
});

describe('average drop and increase in confidence', () => {
  it('fade the input by the map', async () => {
    const question = await askLinear();
    // Scaled to 1, 2/3, 1/3, 0: 4 + 2 + 2/3 of 10.
    expect(await score(question, 'average-drop', weights)).toBeCloseTo(1 - 20 / 3 / 10, 6);
    expect(await score(question, 'increase-in-confidence', weights)).toBe(0);
    // Hiding negative attribution raises its confidence: σ(2) > σ(1).
    const binary = await ask(binaryModel([2, -1]), {
      inputs: row(1, 1),
      target: { kind: 'classLogit', class: 0 },
      reference: zero,
    });
    expect(await score(binary, 'increase-in-confidence', [2, -1])).toBe(1);
    expect(await score(binary, 'average-drop', [2, -1])).toBe(0);
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    expect(await score(binary, 'average-drop', [-1, 2])).toBeCloseTo((sigmoid(1) - sigmoid(-1)) / sigmoid(1), 5);
  });
});

describe('ROAD', () => {
  const series = linearModel([1, 1, 1, 1, 1]);
  const askSeries = (peak = 5) =>
    ask(series, { inputs: row(0, 0, peak, 0, 0), target: output, reference: zero, layout: { spatialAxes: [1] } });

  it('removes by imputing from neighbours', async () => {
    const question = await askSeries();
    const parameters = { shares: [0.2], noise: 0 };
    // Without the peak its neighbours 0 and 0 stand for it: c = 0. Without an end, its neighbour 0 does: c = 1.
    expect(await score(question, 'road', [0.1, 0.3, 1, 0.2, 0.4], parameters)).toBeCloseTo(1, 6);
    expect(await score(question, 'road', [0.9, 0.3, 0, 0.2, 0.4], parameters)).toBeCloseTo(-1, 6);
    // Beside the peak: ½(0 + 5) instead of 0 → 1.5. Least first: an end.
    expect(await score(question, 'road', [0.1, 1, 0.3, 0.2, 0.4], parameters)).toBeCloseTo(1 - 1.5, 6);
    // Two removed, the peak and its right neighbour: both 0. Least first, 0 and 1 are ⅓ and ⅔ … 0, 5: (5 + 5)/5 → 2 + 1.
    const two = await scoreWith(readyMetric({ name: 'road', parameters: { shares: [0.4], noise: 0 } }), question, {
      map: { values: Float64Array.of(0.1, 0.2, 1, 0.9, 0.5) },
    });
    expect(two.parts?.mostFirst).toBeCloseTo(0, 5);
    // An end without a known neighbour takes what its own neighbour has: 5, 5 → 15/5.
    expect(two.parts?.leastFirst).toBeCloseTo(3, 2);
  });

  it('imputes each channel by itself and each set from the input', async () => {
    // f = Σa + 10 Σb of two channels a and b, 31 + 170 = 201.
    const x = float32([1, 2, 5], [1, 2, 4, 8, 16, 5, 1, 7, 1, 3]);
    const model = pixelModel([1, 1, 1, 1, 1, 10, 10, 10, 10, 10], 'sum', [2, 5]);
    const layout = { channelAxis: 1, spatialAxes: [2] };
    const question = await ask(model, { inputs: new Map([['x', x]]), target: output, reference: zero, layout });
    // Least first: step 0 takes a = 2, b = 1 → 32 + 130; with 4, which takes 8 and 1 → 24 + 110: 162 and 134.
    // Most first: step 2 takes 5 and 1 → 32 + 110; with 1, on the lines from 1 to 8 and 5 to 1 → 34 + 150: 142 and 184.
    const expected = ((162 + 134) / 2 - (142 + 184) / 2) / 201;
    // The solver stops at a thousandth of the range, .016 a step.
    expect(await score(question, 'road', [0.1, 0.5, 0.9, 0.3, 0.2], { shares: [0.2, 0.4], noise: 0 })).toBeCloseTo(
      expected,
      3,
    );
  });

  it('adds noise of the asked size, the same for one seed', async () => {
    const question = await askSeries();
    const values = [0.1, 0.3, 1, 0.2, 0.4];
    const noisy = await score(question, 'road', values, { shares: [0.2], noise: 0.1 });
    expect(noisy).not.toBeCloseTo(1, 6);
    // One imputed value on either side, deviation .1 · 2 of a sum of 5: far within .3.
    expect(Math.abs(noisy - 1)).toBeLessThan(0.3);
    expect(await score(question, 'road', values, { shares: [0.2], noise: 0.1 })).toBe(noisy);
    // Its size is relative to the spread of the input: in other units everything else is the same too.
    expect(await score(await askSeries(500), 'road', values, { shares: [0.2], noise: 0.1 })).toBeCloseTo(noisy, 5);
  });

  it('refuses features without neighbours', async () => {
    await expect(score(await askLinear(), 'road', weights)).rejects.toThrow(/features with neighbours/);
  });
});

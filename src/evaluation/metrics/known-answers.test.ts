import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { binaryModel, closeRuntime, layeredModel, linearModel, row, switchModel } from '../../../test/evaluation-models.ts';
import type { Baseline } from '../../attribution/baseline.ts';
import { pointOf, prepare } from '../../attribution/prepare.ts';
import { readInitializer } from '../../onnx/initializer.ts';
import type { Initializer } from '../../onnx/graph.ts';
import type { Model } from '../../runtime/model.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { float32 } from '../../tensor/tensor.ts';
import { ask, type Question } from '../question.ts';
import { randomisedModel, weightedNodes } from '../randomised-model.ts';
import { readyMetric, scoreWith } from '../score.ts';
import { type MetricName, metricTable } from './index.ts';
import type { Explanation } from './metric.ts';

afterAll(closeRuntime);

const zero: Baseline = { kind: 'zero' };
const output = { kind: 'output', index: [0] } as const;

const linear = linearModel([4, 3, 2, 1]);
const weights = [4, 3, 2, 1];
const ones = row(1, 1, 1, 1);

const askLinear = (truth?: Uint8Array) => ask(linear, { inputs: ones, target: output, reference: zero, truth });

async function score(question: Question, name: MetricName, values: readonly number[], parameters = {}, rest: Partial<Explanation> = {}) {
  return (await scoreWith(readyMetric({ name, parameters }), question, { map: { values: Float64Array.from(values) }, ...rest })).score;
}

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
    const steps2 = { insertion: [0, 0.4, 0.9, 1], deletion: [1, 0.6, 0.1, 0], 'insertion-lerf': [0, 0.1, 0.6, 1], 'deletion-lerf': [1, 0.9, 0.4, 0] }[name];
    const area = ((steps2[0] + steps2[1]) / 2) * 0.25 + ((steps2[1] + steps2[2]) / 2) * 0.5 + ((steps2[2] + steps2[3]) / 2) * 0.25;
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
      fc.asyncProperty(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }), async (values) => {
        expect(await score(question, 'insertion', values)).toBeLessThanOrEqual(2.5 / 4 + 1e-6);
        expect(await score(question, 'deletion', values)).toBeGreaterThanOrEqual(1.5 / 4 - 1e-6);
      }),
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
      const question = await ask(binaryModel([2, -1]), { inputs: row(1, 1), target: { kind, class: 0 }, reference: zero });
      expect(await score(question, 'sufficiency', [2, -1], { shares: [0.5] })).toBeCloseTo(sigmoid(1) - sigmoid(2), 5);
      expect(await score(question, 'comprehensiveness', [2, -1], { shares: [0.5] })).toBeCloseTo(sigmoid(1) - sigmoid(-1), 5);
    }
  });
});

describe('average drop and increase in confidence', () => {
  it('fade the input by the map', async () => {
    const question = await askLinear();
    // Scaled to 1, 2/3, 1/3, 0: 4 + 2 + 2/3 of 10.
    expect(await score(question, 'average-drop', weights)).toBeCloseTo(1 - (20 / 3) / 10, 6);
    expect(await score(question, 'increase-in-confidence', weights)).toBe(0);
    // Hiding what speaks against the class raises its confidence: σ(2) > σ(1).
    const binary = await ask(binaryModel([2, -1]), { inputs: row(1, 1), target: { kind: 'classLogit', class: 0 }, reference: zero });
    expect(await score(binary, 'increase-in-confidence', [2, -1])).toBe(1);
    expect(await score(binary, 'average-drop', [2, -1])).toBe(0);
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    expect(await score(binary, 'average-drop', [-1, 2])).toBeCloseTo((sigmoid(1) - sigmoid(-1)) / sigmoid(1), 5);
  });
});

describe('infidelity, sensitivity-n and faithfulness correlation', () => {
  it('are perfect for the weights of a linear model', async () => {
    const question = await askLinear();
    expect(await score(question, 'infidelity', weights)).toBeCloseTo(0, 9);
    expect(await score(question, 'sensitivity-n', weights)).toBeCloseTo(1, 6);
    expect(await score(question, 'faithfulness-correlation', weights, { share: 0.5 })).toBeCloseTo(1, 6);
  });

  it('tell the opposite, nothing, and other units apart', async () => {
    const question = await askLinear();
    const [opposite, doubled] = [weights.map((weight) => -weight), weights.map((weight) => 2 * weight)];
    // β ≥ 0 leaves the opposite nothing: Σm²/Σm² = 1; without rescaling (−m − m)²/m² = 4, doubled (2m − m)²/m² = 1.
    expect(await score(question, 'infidelity', opposite)).toBeCloseTo(1, 9);
    expect(await score(question, 'infidelity', [0, 0, 0, 0])).toBeCloseTo(1, 9);
    expect(await score(question, 'infidelity', opposite, { rescale: false })).toBeCloseTo(4, 5);
    expect(await score(question, 'infidelity', doubled)).toBeCloseTo(0, 9);
    expect(await score(question, 'infidelity', doubled, { rescale: false })).toBeCloseTo(1, 5);
    for (const name of ['sensitivity-n', 'faithfulness-correlation'] as const) {
      expect(await score(question, name, opposite)).toBeCloseTo(-1, 6);
      expect(await score(question, name, doubled)).toBeCloseTo(1, 6);
      // A constant map promises the same for every set of a size.
      expect(await score(question, name, [1, 1, 1, 1])).toBe(0);
    }
  });

  it('infidelity of the Shapley values of AND', async () => {
    // Sets have a size from 1 to 3, each as likely; A = (½, ½, 0); a set promises ½ for 0, ½ for 1, and does 1 if it has either.
    // Σpm = 6/9, Σp² = 5/9, Σm² = 8/9: least error 1 − (6/9)²/(5/9·8/9) = 1 − 36/40 = .1
    const question = await ask(switchModel('and'), { inputs: row(1, 1, 1), target: output, reference: zero });
    // 2,000 sets: the standard error of the ratio is below .01.
    expect(await score(question, 'infidelity', [0.5, 0.5, 0], { samples: 2000 })).toBeCloseTo(0.1, 1);
    // For OR (do 1 only with both): Σpm = 4/9 (the pair and the whole), Σm² = 4/9, Σp² = 5/9: 1 − (4/9)²/(20/81) = .2
    const or = await ask(switchModel('or'), { inputs: row(1, 1, 1), target: output, reference: zero });
    const scores = [await score(question, 'infidelity', [0.5, 0.5, 0], { samples: 2000 }), await score(or, 'infidelity', [0.5, 0.5, 0], { samples: 2000 })];
    expect(Math.abs(scores[0] - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(scores[1] - 0.2)).toBeLessThan(0.03);
  });

  it('remove sets of the asked size', async () => {
    // n = 1 of 4, map (1, 0, 0, 0): promise 1 for feature 0, else 0; measured 4, 3, 2, 1 with p = ¼ each:
    // covariance ¼·4 − ¼·2.5 = .375, variances 3/16 and 1.25: .375/√(.1875·1.25) = .7746
    const question = await askLinear();
    const parameters = { share: 0.25, samples: 2000 };
    expect(Math.abs((await score(question, 'faithfulness-correlation', [1, 0, 0, 0], parameters)) - 0.7746)).toBeLessThan(0.03);
    expect(Math.abs((await score(question, 'sensitivity-n', [1, 0, 0, 0], { shares: [0.25], samples: 2000 })) - 0.7746)).toBeLessThan(0.03);
    // AND without one feature: promised 1, 0, 0, measured 1, 1, 0: (1/9)/(2/9) = ½. Without two it is always 1.
    const and = await ask(switchModel('and'), { inputs: row(1, 1, 1), target: output, reference: zero });
    for (const [name, sizes] of [
      ['faithfulness-correlation', { share: 0.3 }],
      ['sensitivity-n', { shares: [0.3] }],
    ] as const) {
      expect(Math.abs((await score(and, name, [1, 0, 0], { ...sizes, samples: 2000 })) - 0.5)).toBeLessThan(0.05);
    }
    expect(await score(and, 'faithfulness-correlation', [1, 0, 0], { share: 0.6, samples: 50 })).toBe(0);
  });
});

describe('attribution error', () => {
  it('is the missing share of the difference', async () => {
    const question = await askLinear();
    expect(await score(question, 'attribution-error', weights)).toBeCloseTo(0, 6);
    expect(await score(question, 'attribution-error', [4, 3, 2, 0])).toBeCloseTo(0.1, 6);
    expect(await score(question, 'attribution-error', [-4, -3, -2, -1])).toBeCloseTo(2, 6);
    // The method's own sum goes before that of the map.
    expect(await score(question, 'attribution-error', weights, {}, { sum: 8 })).toBeCloseTo(0.2, 6);
    // f(x) − f(b) with another reference: 10 − 5.
    const half = await ask(linear, { inputs: ones, target: output, reference: { kind: 'constant', value: 0.5 } });
    expect(await score(half, 'attribution-error', weights)).toBeCloseTo(1, 6);
  });
});

describe('sparseness and complexity', () => {
  it('of an even map, a single feature, and one between', async () => {
    const question = await askLinear();
    expect(await score(question, 'sparseness', [1, -1, 1, 1])).toBeCloseTo(0, 9);
    expect(await score(question, 'sparseness', [0, 0, -5, 0])).toBeCloseTo(3 / 4, 9);
    // Shares .1, .2, .3, .4 with weights 3.5, 2.5, 1.5, .5 over 4: .375 → 1 − .75
    expect(await score(question, 'sparseness', [3, 1, -4, 2])).toBeCloseTo(0.25, 9);
    expect(await score(question, 'complexity', [1, -1, 1, 1])).toBeCloseTo(Math.log(4), 9);
    expect(await score(question, 'complexity', [0, 0, -5, 0])).toBeCloseTo(0, 9);
    // Shares ½, ¼, ¼: ½ ln 2 + ½ ln 4
    expect(await score(question, 'complexity', [2, -1, 1, 0])).toBeCloseTo(1.5 * Math.log(2), 9);
    expect(await score(question, 'sparseness', [0, 0, 0, 0])).toBe(0);
    expect(await score(question, 'complexity', [0, 0, 0, 0])).toBeCloseTo(Math.log(4), 9);
  });

  it('do not change with the unit of the map', async () => {
    const question = await askLinear();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }), fc.double({ min: 0.1, max: 50, noNaN: true }), async (values, factor) => {
        for (const name of ['sparseness', 'complexity'] as const) {
          expect(await score(question, name, values.map((value) => -factor * value))).toBeCloseTo(await score(question, name, values), 6);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('localisation', () => {
  it('asks where the strongest features lie', async () => {
    const question = await askLinear(Uint8Array.of(1, 0, 1, 0));
    expect(await score(question, 'pointing-game', [4, 3, 2, 1])).toBe(1);
    expect(await score(question, 'pointing-game', [4, 5, 2, 1])).toBe(0);
    // Positive mass 4 + 3 + 1 of which 4; what speaks against the target counts nowhere.
    expect(await score(question, 'mass-accuracy', [4, 3, -2, 1])).toBeCloseTo(0.5, 9);
    expect(await score(question, 'mass-accuracy', [4, 0, 2, 0])).toBe(1);
    expect(await score(question, 'mass-accuracy', [-4, -1, -2, -1])).toBe(0);
    // Of the two strongest one is the object's.
    expect(await score(question, 'rank-accuracy', [4, 3, 2, 1])).toBe(0.5);
    expect(await score(question, 'rank-accuracy', [4, 1, 3, 2])).toBe(1);
    expect(await score(question, 'rank-accuracy', [1, 4, 2, 3])).toBe(0);
  });

  it('needs to know the object', async () => {
    for (const name of ['pointing-game', 'mass-accuracy', 'rank-accuracy'] as const) {
      await expect(score(await askLinear(), name, weights)).rejects.toThrow(/where the object is/);
      await expect(score(await askLinear(new Uint8Array(4)), name, weights)).rejects.toThrow(/empty mask/);
    }
    await expect(askLinear(new Uint8Array(3))).rejects.toThrow(/expected 4/);
  });
});

describe('max-sensitivity', () => {
  it('is the largest relative change of the map', async () => {
    const question = await askLinear();
    let calls = 0;
    const seen: Tensors[] = [];
    const again: Explanation['again'] = async ({ inputs }) => {
      if (inputs) seen.push(inputs);
      // Changes by 10, 30 and 20 % in turn.
      const factor = 1 + [0.1, 0.3, 0.2][calls++];
      return { values: Float64Array.from(weights, (weight) => factor * weight) };
    };
    expect(await score(question, 'max-sensitivity', weights, { samples: 3 }, { again })).toBeCloseTo(0.3, 9);
    expect(seen).toHaveLength(3);
    expect(await score(question, 'max-sensitivity', weights, {}, { again: async () => ({ values: Float64Array.from(weights) }) })).toBe(0);
    await expect(score(question, 'max-sensitivity', weights)).rejects.toThrow(/needs the method/);
  });

  it('moves every element by at most the radius, and differently each time', async () => {
    // Range 4: at most .05 · 4 = .2.
    const question = await ask(linear, { inputs: row(4, 0, 1, 2), target: output, reference: zero });
    const moved: number[][] = [];
    const again: Explanation['again'] = async ({ inputs }) => {
      moved.push(Array.from(inputs?.get('x')?.data as Float32Array));
      return { values: Float64Array.from(weights) };
    };
    await score(question, 'max-sensitivity', weights, { samples: 8, radius: 0.05 }, { again });
    const distances = moved.flatMap((values) => values.map((value, i) => Math.abs(value - [4, 0, 1, 2][i])));
    // float32 rounds 4.2 by up to 2.4e-7.
    expect(Math.max(...distances)).toBeLessThanOrEqual(0.2 + 1e-6);
    expect(Math.max(...distances)).toBeGreaterThan(0.1);
    expect(new Set(moved.map(String)).size).toBe(8);
  });
});

describe('randomisation', () => {
  const layered = layeredModel();
  const inputs = row(1, 2, -1, 0.5, 1, -2);
  const target = { kind: 'classLogit', class: 1 } as const;
  const map = [5, 1, 4, 2, 3, 0];
  const returning = (values: readonly number[]): Explanation['again'] => async () => ({ values: Float64Array.from(values) });

  it.each(['mprt', 'random-logit'] as const)('%s: 1 for the same map or its opposite, 0 for an even one', async (name) => {
    const question = await ask(layered, { inputs, target, reference: zero });
    expect(await score(question, name, map, {}, { again: returning(map) })).toBeCloseTo(1, 9);
    expect(await score(question, name, map, {}, { again: returning(map.map((value) => -value)) })).toBeCloseTo(1, 9);
    expect(await score(question, name, map, {}, { again: returning([1, 1, 1, 1, 1, 1]) })).toBe(0);
    // Ranks 5 1 4 2 3 0 against 4 2 5 1 3 0: Σd² = 1 + 1 + 1 + 1 = 4 → 1 − 6·4/(6·35) = .8857
    expect(await score(question, name, map, {}, { again: returning([4, 2, 5, 1, 3, 0]) })).toBeCloseTo(1 - 24 / 210, 9);
    await expect(score(question, name, map)).rejects.toThrow(/needs the method/);
  });

  it('mprt draws weights anew from the output to the input, the last stage all of them', async () => {
    const question = await ask(layered, { inputs, target, reference: zero });
    const models: Model[] = [];
    const again: Explanation['again'] = async ({ model }) => {
      if (model) models.push(model);
      return { values: Float64Array.from(map) };
    };
    await score(question, 'mprt', map, { stages: 2 }, { again });
    expect(models).toHaveLength(2);
    const changed = models.map(({ graph }) => ['w1', 'w2'].filter((name) => graph.initializers.get(name) !== layered.graph.initializers.get(name)));
    expect(changed).toEqual([['w2'], ['w1', 'w2']]);
    await expect(score(await ask(switchModel('and'), { inputs: row(1, 1, 1), target: output, reference: zero }), 'mprt', [1, 1, 0], {}, { again })).rejects.toThrow(/no weights/);
  });

  it('drawn weights have the moments of the old ones and another output', async () => {
    expect(weightedNodes(layered.graph).map(({ weights: names }) => names)).toEqual([['w2'], ['w1']]);
    // 10,000 weights with mean 3 and standard deviation √(1/12) · 4 = 1.155.
    const many = linearModel(Array.from({ length: 10_000 }, (_, i) => 1 + (4 * i) / 9999));
    const [name] = weightedNodes(many.graph)[0].weights;
    const data = readInitializer(randomisedModel(many, [name], 7).graph.initializers.get(name) as Initializer).data as Float32Array;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
    // Standard errors: 1.155/100 and 1.155/141; four of them.
    expect(Math.abs(mean - 3)).toBeLessThan(0.05);
    expect(Math.abs(deviation - 1.1547)).toBeLessThan(0.04);
    const valueOf = async (model: Model) => (await (await prepare(model, inputs, target)).evaluate(pointOf(inputs))).target[0];
    const values = [layered, randomisedModel(layered, ['w2'], 1), randomisedModel(layered, ['w2'], 1), randomisedModel(layered, ['w2'], 2)];
    const [own, first, same, other] = await Promise.all(values.map(valueOf));
    expect(first).toBe(same);
    expect(new Set([own, first, other]).size).toBe(3);
    expect(() => randomisedModel(layered, ['w9'], 1)).toThrow(/no weight "w9"/);
  });

  it('random logit asks for other classes', async () => {
    const question = await ask(layered, { inputs, target, reference: zero });
    const classes: unknown[] = [];
    const again: Explanation['again'] = async (change) => {
      classes.push(change.target);
      return { values: Float64Array.from(map) };
    };
    await score(question, 'random-logit', map, { classes: 9 }, { again });
    expect(classes.map((asked) => (asked as { class: number }).class).sort()).toEqual([0, 2]);
    await expect(score(await askLinear(), 'random-logit', weights, {}, { again })).rejects.toThrow(/target among classes/);
  });
});

describe('ROAD', () => {
  const series = linearModel([1, 1, 1, 1, 1]);
  const askSeries = () =>
    ask(series, { inputs: row(0, 0, 5, 0, 0), target: output, reference: zero, layout: { spatialAxes: [1] } });

  it('removes by imputing from neighbours', async () => {
    const question = await askSeries();
    const parameters = { shares: [0.2], noise: 0 };
    // Without the peak its neighbours 0 and 0 stand for it: c = 0. Without an end, its neighbour 0 does: c = 1.
    expect(await score(question, 'road', [0.1, 0.3, 1, 0.2, 0.4], parameters)).toBeCloseTo(1, 6);
    expect(await score(question, 'road', [0.9, 0.3, 0, 0.2, 0.4], parameters)).toBeCloseTo(-1, 6);
    // Beside the peak: ½(0 + 5) instead of 0 → 1.5. Least first: an end.
    expect(await score(question, 'road', [0.1, 1, 0.3, 0.2, 0.4], parameters)).toBeCloseTo(1 - 1.5, 6);
    // Two removed, the peak and its right neighbour: both 0. Least first, 0 and 1 are ⅓ and ⅔ … 0, 5: (5 + 5)/5 → 2 + 1.
    const two = await scoreWith(readyMetric({ name: 'road', parameters: { shares: [0.4], noise: 0 } }), question, { map: { values: Float64Array.of(0.1, 0.2, 1, 0.9, 0.5) } });
    expect(two.parts?.mostFirst).toBeCloseTo(0, 5);
    // An end without a known neighbour takes what its own neighbour has: 5, 5 → 15/5.
    expect(two.parts?.leastFirst).toBeCloseTo(3, 2);
  });

  it('adds noise of the asked size, the same for one seed', async () => {
    const question = await askSeries();
    const values = [0.1, 0.3, 1, 0.2, 0.4];
    const noisy = await score(question, 'road', values, { shares: [0.2], noise: 0.1 });
    expect(noisy).not.toBeCloseTo(1, 6);
    // One imputed value on either side, deviation .1 · 2 of a sum of 5: far within .3.
    expect(Math.abs(noisy - 1)).toBeLessThan(0.3);
    expect(await score(question, 'road', values, { shares: [0.2], noise: 0.1 })).toBe(noisy);
  });

  it('refuses features without neighbours', async () => {
    await expect(score(await askLinear(), 'road', weights)).rejects.toThrow(/features with neighbours/);
  });
});

describe('the table', () => {
  it('states title, formula, source, assumptions, direction and range of every metric', () => {
    for (const [name, metric] of Object.entries(metricTable)) {
      for (const text of [metric.title, metric.formula, metric.source, metric.assumes, metric.sensitivity]) expect(text.length, name).toBeGreaterThan(3);
      expect(['higher', 'lower']).toContain(metric.direction);
      expect(metric.range[0]).toBeLessThan(metric.range[1]);
      expect(metric.parameters.safeParse({}).success, name).toBe(true);
      expect(metric.parameters.safeParse({ unheard: 1 }).success, name).toBe(false);
    }
  });

  it('says what a metric costs before it runs', async () => {
    const again: Explanation['again'] = async () => ({ values: Float64Array.from([0.1, 0.3, 1, 0.2, 0.4]) });
    const truth = Uint8Array.of(0, 0, 1, 0, 0);
    for (const [name, metric] of Object.entries(metricTable)) {
      if (name === 'random-logit') continue;
      const question = await ask(linearModel([5, 4, 3, 2, 1]), { inputs: row(1, 1, 1, 1, 1), target: output, reference: zero, layout: { spatialAxes: [1] }, truth });
      // The first call of a model checks whether points may share a run.
      await scoreWith(readyMetric({ name: 'comprehensiveness' }), question, { map: { values: Float64Array.from([5, 4, 3, 2, 1]) } });
      const before = question.passes().forward;
      await scoreWith(readyMetric({ name }), question, { map: { values: Float64Array.from([0.1, 0.3, 1, 0.2, 0.4]) }, again });
      const used = question.passes().forward - before;
      const { forward } = metric.cost(metric.parameters.parse({}), 5);
      // Batches are filled up by at most a quarter of them.
      expect(used, name).toBeLessThanOrEqual(Math.ceil(forward / 0.75));
      expect(used > 0, name).toBe(forward > 0);
    }
  });

  it('refuses unknown metrics, parameters and maps that do not fit', async () => {
    const question = await askLinear();
    expect(() => readyMetric({ name: 'toString' })).toThrow(/no metric "toString"/);
    expect(() => readyMetric({ name: 'insertion', parameters: { steps: 0 } })).toThrow(/parameters of insertion/);
    await expect(score(question, 'insertion', [1, 2])).rejects.toThrow(/expected 4/);
    await expect(score(question, 'insertion', [1, 2, Number.NaN, 4])).rejects.toThrow(/not a finite number/);
    const same = new Map([['x', float32([1, 4], [0, 0, 0, 0])]]);
    await expect(ask(linear, { inputs: same, target: output, reference: zero })).rejects.toThrow(/nothing to score/);
  });
});

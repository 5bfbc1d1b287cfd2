import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { row, switchModel } from '../../../test/evaluation-models.ts';
import { askLinear, linear, ones, output, score, weights, zero } from '../../../test/metric-questions.ts';
import { ask } from '../question.ts';
import { readyMetric, scoreWith } from '../score.ts';

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
    // In Yeh's scale, (−m − m)² = 4 m² and (2m − m)² = m².
    const squared = async (values: readonly number[]) => {
      const ready = readyMetric({ name: 'infidelity', parameters: { rescale: false } });
      const { parts } = await scoreWith(ready, question, { map: { values: Float64Array.from(values) } });
      return parts?.meanSquaredError as number;
    };
    expect((await squared(opposite)) / (await squared(doubled))).toBeCloseTo(4, 5);
    expect(await squared(doubled)).toBeGreaterThan(0.1);
    expect(await score(question, 'infidelity', doubled)).toBeCloseTo(0, 9);
    expect(await score(question, 'infidelity', doubled, { rescale: false })).toBeCloseTo(1, 5);
    for (const name of ['sensitivity-n', 'faithfulness-correlation'] as const) {
      expect(await score(question, name, opposite)).toBeCloseTo(-1, 6);
      expect(await score(question, name, doubled)).toBeCloseTo(1, 6);
      // A constant map promises the same for every set of a size.
      expect(await score(question, name, [1, 1, 1, 1])).toBe(0);
    }
  });

  it('draw the same sets for every input of a seed, and others for another seed', async () => {
    const model = switchModel('and');
    const scored = async (seed: number) => {
      const question = await ask(model, { inputs: row(1, 1, 1), target: output, reference: zero, seed });
      return score(question, 'infidelity', [0.5, 0.2, 0], { samples: 7 });
    };
    const [first, other, again, same] = [await scored(0), await scored(1), await scored(0), await scored(0)];
    expect([again, same]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  it('infidelity of the Shapley values of AND', async () => {
    // Sets have a size from 1 to 3, each as likely; A = (½, ½, 0); a set promises ½ for 0, ½ for 1, and does 1 if it has either.
    // Σpm = 6/9, Σp² = 5/9, Σm² = 8/9: least error 1 − (6/9)²/(5/9·8/9) = 1 − 36/40 = .1
    const question = await ask(switchModel('and'), { inputs: row(1, 1, 1), target: output, reference: zero });
    // 2,000 sets: the standard error of the ratio is below .01.
    expect(await score(question, 'infidelity', [0.5, 0.5, 0], { samples: 2000 })).toBeCloseTo(0.1, 1);
    // For OR (do 1 only with both): Σpm = 4/9 (the pair and the whole), Σm² = 4/9, Σp² = 5/9: 1 − (4/9)²/(20/81) = .2
    const or = await ask(switchModel('or'), { inputs: row(1, 1, 1), target: output, reference: zero });
    const scores = [
      await score(question, 'infidelity', [0.5, 0.5, 0], { samples: 2000 }),
      await score(or, 'infidelity', [0.5, 0.5, 0], { samples: 2000 }),
    ];
    expect(Math.abs(scores[0] - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(scores[1] - 0.2)).toBeLessThan(0.03);
  });

  it('remove sets of the asked size', async () => {
    // n = 1 of 4, map (1, 0, 0, 0): promise 1 for feature 0, else 0; measured 4, 3, 2, 1 with p = ¼ each:
    // covariance ¼·4 − ¼·2.5 = .375, variances 3/16 and 1.25: .375/√(.1875·1.25) = .7746
    const question = await askLinear();
    const parameters = { share: 0.25, samples: 2000 };
    expect(
      Math.abs((await score(question, 'faithfulness-correlation', [1, 0, 0, 0], parameters)) - 0.7746),
    ).toBeLessThan(0.03);
    expect(
      Math.abs((await score(question, 'sensitivity-n', [1, 0, 0, 0], { shares: [0.25], samples: 2000 })) - 0.7746),
    ).toBeLessThan(0.03);
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
      fc.asyncProperty(
        fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        async (values, factor) => {
          for (const name of ['sparseness', 'complexity'] as const) {
            expect(
              await score(
                question,
                name,
                values.map((value) => -factor * value),
              ),
            ).toBeCloseTo(await score(question, name, values), 6);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('localisation', () => {
  it('asks where the strongest features lie', async () => {
    const question = await askLinear(Uint8Array.of(1, 0, 1, 0));
    expect(await score(question, 'pointing-game', [4, 3, 2, 1])).toBe(1);
    expect(await score(question, 'pointing-game', [4, 5, 2, 1])).toBe(0);
    // Positive mass 4 + 3 + 1 of which 4; negative attribution counts nowhere.
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

import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  binaryModel,
  image,
  imageLayout,
  objectPixels,
  row,
  side,
  templateModel,
} from '../../test/evaluation-models.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { random } from '../tensor/random.ts';
import { maskOf } from './map.ts';
import { insertion } from './metrics/curves.ts';
import { metrics as metricTable } from './metrics/index.ts';
import {
  type MsiPreset,
  msiCurves,
  msiPresets,
  msiProfile,
  msiScore,
  profileThresholds,
  thresholdsFrom,
  tuneAlphaMin,
} from './msi.ts';
import { ask } from './question.ts';
import { testReference } from './reference-test.ts';

const zero: Baseline = { kind: 'zero' };
const target = { kind: 'classLogit', class: 0 } as const;
const presets: readonly MsiPreset[] = ['literal', 'tolerant'];
const template = templateModel();

type Corners = readonly (readonly [number, number])[];

const askAbout = (corners: Corners, reference: Baseline = zero) =>
  ask(template, { inputs: new Map([['x', image(corners)]]), target, reference, layout: imageLayout });

const masks = {
  on: (pixels: readonly number[]) => {
    const mask = new Float64Array(side * side);
    for (const pixel of pixels) mask[pixel] = 1;
    return mask;
  },
  /** The 8 neighbours too. */
  dilated: (pixels: readonly number[], value = 1) => {
    const mask = new Float64Array(side * side);
    for (const pixel of pixels)
      for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) mask[pixel + dy * side + dx] = value;
    for (const pixel of pixels) mask[pixel] = 1;
    return mask;
  },
  all: () => new Float64Array(side * side).fill(1),
  empty: () => new Float64Array(side * side),
  random: (seed: number) => Float64Array.from({ length: side * side }, random(seed).uniform),
};

async function scoreOf(question: Awaited<ReturnType<typeof askAbout>>, values: Float64Array, preset: MsiPreset) {
  const curves = await msiCurves(question, maskOf({ values, absolute: true }), thresholdsFrom(0.5));
  return msiScore(curves, msiPresets[preset]);
}

describe('MSI on known numbers', () => {
  // p(z) = σ(2 z_0 + z_1 − 1.5·z_2): x = (1, 1, 1) → σ(1.5), b = 0 → σ(0) = .5.
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const hat = (z: number) => Math.min(1, Math.max(0, (sigmoid(z) - 0.5) / (sigmoid(1.5) - 0.5)));

  it('follows the formula, component by component', async () => {
    const question = await ask(binaryModel([2, 1, -1.5]), { inputs: row(1, 1, 1), target, reference: zero });
    // Mask (1, .7, .2): thresholds .5, .75, 1 choose {0, 1}, {0}, {0}.
    const curves = await msiCurves(question, Float64Array.of(1, 0.7, 0.2), thresholdsFrom(0.5, 2));
    // Kept alone: 2 + 1 = 3 (clipped to 1), 2 (clipped to 1), 2. Removed: −1.5 (clipped to 0), 1 − 1.5 = −.5 (0), 0.
    expect([...curves.insertion]).toEqual([1, 1, 1]);
    expect([...curves.deletion]).toEqual([0, 0, 0]);
    expect([...curves.area]).toEqual([2 / 3, 1 / 3, 1 / 3]);
    // .5·1 + .5·1 − .5·0 − 2/3
    expect(msiScore(curves, msiPresets.literal).msi).toBeCloseTo(1 / 3, 9);

    // The other way round, mask (.2, 1, .7): {1, 2}, {1}, {1}. Kept: −.5 → 0; 1 → hat(1), twice.
    // Removed: 2 → 1; 2 − 1.5 = .5 → hat(.5), twice.
    const other = await msiCurves(question, Float64Array.of(0.2, 1, 0.7), thresholdsFrom(0.5, 2));
    const expected = { insertion: [0, hat(1), hat(1)], deletion: [1, hat(0.5), hat(0.5)] };
    // float32 softmax is right to 7 digits.
    other.insertion.forEach((value, i) => expect(value).toBeCloseTo(expected.insertion[i], 5));
    other.deletion.forEach((value, i) => expect(value).toBeCloseTo(expected.deletion[i], 5));
    const score = msiScore(other, msiPresets.literal);
    expect(score.separation).toBeCloseTo(-1, 5);
    // Trapezoids over .25 each, divided by .5: (0 + h)/4 + (h + h)/4 = 3h/4.
    expect(score.insertion).toBeCloseTo((3 / 4) * hat(1), 5);
    expect(score.deletion).toBeCloseTo((1 + hat(0.5)) / 4 + hat(0.5) / 2, 5);
    expect(score.penalty).toBeCloseTo(2 / 3, 9);
    expect(score.msi).toBeCloseTo(-0.5 + 0.5 * score.insertion - 0.5 * score.deletion - 2 / 3, 9);
    expect(msiScore(other, msiPresets.tolerant).msi).toBeCloseTo(-0.5 + 0.5 * score.insertion - 2 / 3, 9);
    // A value at the threshold is chosen: {0, 1} of (.5, 1, 0) gives 3 → 1, where {1} alone would give hat(1).
    const edge = await msiCurves(question, Float64Array.of(0.5, 1, 0), thresholdsFrom(0.5, 1));
    expect([...edge.insertion].map((value) => Number(value.toFixed(4)))).toEqual([1, Number(hat(1).toFixed(4))]);
    expect([...edge.area]).toEqual([2 / 3, 1 / 3]);
    const weights = { separation: 0, insertion: 0, deletion: 1, penalty: 0 };
    expect(msiScore(other, weights).msi).toBeCloseTo(-score.deletion, 9);
  });

  it('scales other maps between 0 and 1, leaves absolute masks alone, and counts a constant map as empty', async () => {
    const question = await ask(binaryModel([2, 1, -1.5]), { inputs: row(1, 1, 1), target, reference: zero });
    const msi = metricTable['msi-literal'];
    const run = async (values: number[], absolute?: boolean) =>
      (await msi.run(question, { map: { values: Float64Array.from(values), absolute } }, z.parse(msi.parameters, {})))
        .score;
    // −5, −3.5, −1 scaled: 0, .375, 1, the same as 0, 3, 8.
    expect(await run([-1, -3.5, -5])).toBeCloseTo(await run([8, 3, 0]), 9);
    // Absolute .4, .3, .1 chooses nothing at .5: Sep = −1, AUC_I = 0, AUC_D = 1, no penalty → −1; scaled it is 1, .67, 0.
    expect(await run([0.4, 0.3, 0.1], true)).toBeCloseTo(-1, 6);
    expect(await run([0.4, 0.3, 0.1])).toBeCloseTo(1 / 2 + 1 / 2 - 2 / 3, 5);
    expect(await run([7, 7, 7])).toBeCloseTo(-1, 6);
    expect(await run([1, 1, 1], true)).toBeCloseTo(0, 6);
    await expect(run([1.2, 0, 0], true)).rejects.toThrow(/absolute mask/);
  });

  it('reads the curve over α_min from one set of passes, and tunes one α_min for all', async () => {
    const question = await ask(binaryModel([2, 1, -1.5]), { inputs: row(1, 1, 1), target, reference: zero });
    const mask = Float64Array.of(1, 0.7, 0.2);
    const profile = msiProfile(await msiCurves(question, mask, profileThresholds(8)), msiPresets.literal);
    expect(profile.map(({ alphaMin }) => alphaMin)).toEqual([1, 2, 3, 4, 5, 6, 7].map((i) => i / 8));
    const curves = await msiCurves(question, mask, thresholdsFrom(0.5, 4));
    expect(profile[3]).toEqual(msiScore(curves, msiPresets.literal));
    const other = Float64Array.of(0.2, 1, 0.7);
    const otherProfile = msiProfile(await msiCurves(question, other, profileThresholds(8)), msiPresets.literal);
    expect(otherProfile[3]).toEqual(
      msiScore(await msiCurves(question, other, thresholdsFrom(0.5, 4)), msiPresets.literal),
    );
    expect(otherProfile[3].deletion).toBeGreaterThan(0.1);
    // Above .7 one group is chosen instead of two: the best of this mask is 3/4. .5·(1 − 0) + .5 − 1/3.
    expect(tuneAlphaMin([profile])).toBe(0.75);
    expect(profile[5].msi).toBeCloseTo(2 / 3, 5);
    expect(() => tuneAlphaMin([profile, profile.slice(1)])).toThrow(/same thresholds/);
    expect(() => tuneAlphaMin([])).toThrow(/no profiles/);
    expect(() => msiScore(curves, msiPresets.literal, 0.3)).toThrow(/do not start at this α_min/);
  });
});

describe('the order of masks on an image with one object', () => {
  it.each(presets)('perfect > dilated > all ≈ 0 > random, empty, inverted (%s)', async (preset) => {
    const object = objectPixels([[4, 5]]);
    const question = await askAbout([[4, 5]]);
    const score = async (mask: Float64Array) => (await scoreOf(question, mask, preset)).msi;
    const perfect = await score(masks.on(object));
    const dilated = await score(masks.dilated(object));
    const all = await score(masks.all());
    // The whole object and nothing else: Sep = 1, AUC_I = 1, AUC_D = 0, area 5/144.
    expect(perfect).toBeCloseTo(1 - 5 / 144, 4);
    // A plus dilated by one pixel covers 5 × 5 less its corners: 21 pixels.
    expect(dilated).toBeCloseTo(1 - 21 / 144, 4);
    expect(all).toBeCloseTo(0, 6);
    for (const seed of [1, 2, 3]) expect(await score(masks.random(seed))).toBeLessThan(all);
    expect(await score(masks.empty())).toBeCloseTo(preset === 'literal' ? -1 : -0.5, 4);
    expect(await score(masks.on(object).map((value) => 1 - value))).toBeLessThan(all);
  });

  it('growing a mask past the object lowers MSI, while insertion does not notice', async () => {
    const object = objectPixels([[4, 5]]);
    const question = await askAbout([[4, 5]]);
    const compact = masks.on(object);
    const grown = masks.dilated(object, 0.8);
    const insert = async (values: Float64Array) =>
      (await insertion.run(question, { map: { values } }, { steps: 32 })).score;
    // 16 pixels more: 16/144 less.
    for (const preset of presets) {
      expect((await scoreOf(question, grown, preset)).msi).toBeCloseTo(
        (await scoreOf(question, compact, preset)).msi - 16 / 144,
        4,
      );
    }
    expect(await insert(grown)).toBeCloseTo(await insert(compact), 6);
  });
});

describe('two objects, either of which is enough', () => {
  it('literal asks for both, tolerant for one', async () => {
    const corners: Corners = [
      [1, 1],
      [7, 6],
    ];
    const question = await askAbout(corners);
    const score = async (mask: Float64Array, preset: MsiPreset) => (await scoreOf(question, mask, preset)).msi;
    const one = masks.on(objectPixels([corners[0]]));
    const both = masks.on(objectPixels(corners));
    // One of two: Sep = 1 − 1 = 0, AUC_I = 1, AUC_D = 1 → literal 0 − 5/144, tolerant .5 − 5/144; all: 0.
    expect(await score(one, 'literal')).toBeCloseTo(-5 / 144, 4);
    expect(await score(one, 'literal')).toBeLessThan(await score(masks.all(), 'literal'));
    expect(await score(one, 'tolerant')).toBeCloseTo(0.5 - 5 / 144, 4);
    expect(await score(one, 'tolerant')).toBeGreaterThan(await score(masks.all(), 'tolerant'));
    for (const preset of presets) {
      const perfect = await score(both, preset);
      expect(perfect).toBeGreaterThan(await score(masks.dilated(objectPixels(corners)), preset));
      expect(perfect).toBeGreaterThan(await score(one, preset));
      for (const seed of [1, 2, 3])
        expect(await score(masks.random(seed), preset)).toBeLessThan(await score(masks.all(), preset));
      expect(await score(masks.empty(), preset)).toBeLessThan(0);
      expect(
        await score(
          both.map((value) => 1 - value),
          preset,
        ),
      ).toBeLessThan(0);
    }
  });
});

describe('the test of the reference', () => {
  it('flags a blur that leaves the object visible, and names references that pass', async () => {
    // A weak blur keeps the shape of the plus: its match stays above the threshold.
    const question = await askAbout([[4, 5]], { kind: 'blur', sigma: 0.3 });
    const test = await testReference(question);
    expect(test).toMatchObject({ passes: false, chance: 0.5 });
    expect(test?.confidence).toBeGreaterThan(0.9);
    expect(test?.warning).toMatch(/blurred with sigma 0\.3.*these would pass: .*zero input/);
    expect(test?.alternatives.find(({ baseline }) => baseline.kind === 'zero')?.passes).toBe(true);
    expect(test?.alternatives.find(({ baseline }) => baseline.kind === 'zero')?.confidence).toBeLessThan(1e-4);
  });

  it('passes a reference that hides the object, and asks nothing of a target without chance', async () => {
    expect(await testReference(await askAbout([[4, 5]]))).toMatchObject({
      passes: true,
      warning: undefined,
      limit: 0.55,
    });
    const question = await ask(template, {
      inputs: new Map([['x', image([[4, 5]])]]),
      target: { kind: 'output', index: [0] },
      reference: zero,
      layout: imageLayout,
    });
    expect(await testReference(question)).toBeUndefined();
  });
});

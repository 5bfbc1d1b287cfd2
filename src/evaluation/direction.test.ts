import { describe, expect, it } from 'vitest';
import { binaryModel, row } from '../../test/evaluation-models.ts';
import { ask, normalisedConfidence, towardsInput } from './question.ts';
import { testReference } from './reference-test.ts';
import { goodness, readyMetric, scoreWith } from './score.ts';

const weights = [1.2, -0.7, 0.4, -0.3, 0.2];
const model = binaryModel(weights);
const values = [0.5, 1, 2, 0.25, 3];
const asked = (sign: 1 | -1) =>
  ask(model, {
    inputs: row(...values.map((value) => sign * value)),
    target: { kind: 'classProbability', class: 0 },
    reference: { kind: 'zero' },
  });
/** Exact Shapley values of the logit, `w_i x_i`, which put the features in the order of the probability's as well. */
const exact = (sign: number) => ({ values: Float64Array.from(weights, (w, i) => sign * w * values[i]) });

/** Metrics that look at the confidence between reference and input. */
const directed = [
  'msi-literal',
  'msi-tolerant',
  'insertion',
  'deletion',
  'insertion-lerf',
  'deletion-lerf',
  'sufficiency',
  'comprehensiveness',
];

describe('a confidence that falls from the reference to the input', () => {
  // σ(w·x) is ½ at the reference; −x turns every σ(z) into 1 − σ(z), so that all distances from ½ stay as they are.
  it.each(directed)('%s scores the mirrored question alike', async (name) => {
    const ready = readyMetric({ name });
    const [rising, falling] = [await asked(1), await asked(-1)];
    expect(rising.confidence).toBeGreaterThan(0.5);
    expect(falling.confidence).toBeLessThan(0.5);
    const up = await scoreWith(ready, rising, { map: exact(1) });
    const down = await scoreWith(ready, falling, { map: exact(-1) });
    expect(down.score).toBeCloseTo(up.score, 5);
  });

  it.each(directed)('%s puts the exact values above their opposite', async (name) => {
    const ready = readyMetric({ name });
    for (const sign of [1, -1] as const) {
      const question = await asked(sign);
      const right = await scoreWith(ready, question, { map: exact(sign) });
      const wrong = await scoreWith(ready, question, { map: exact(-sign) });
      expect(goodness(ready, right.score)).toBeGreaterThan(goodness(ready, wrong.score));
    }
  });

  it('is normalised from 0 at the reference to 1 at the input', async () => {
    const question = await asked(-1);
    expect(normalisedConfidence(question, question.referenceConfidence)).toBe(0);
    expect(normalisedConfidence(question, question.confidence)).toBeCloseTo(1, 12);
    // Half way between: ½.
    const between = (question.referenceConfidence + question.confidence) / 2;
    expect(normalisedConfidence(question, between)).toBeCloseTo(0.5, 12);
  });

  it('is clipped beyond both, whichever way it goes', async () => {
    for (const sign of [1, -1] as const) {
      const question = await asked(sign);
      const { confidence, referenceConfidence } = question;
      expect(normalisedConfidence(question, 2 * confidence - referenceConfidence)).toBe(1);
      expect(normalisedConfidence(question, 2 * referenceConfidence - confidence)).toBe(0);
    }
  });

  it('leaves a mask as it is', async () => {
    const mask = { values: Float64Array.of(0, 0.5, 1, 0, 0), absolute: true };
    expect(towardsInput(await asked(-1), mask)).toBe(mask);
  });
});

describe('the reference of a table', () => {
  it('need not hide the class, but must differ from the input', async () => {
    // σ(w·x) with w·x = .6 − .7 + .8 − .075 + .6 = 1.225 is .773, against .5.
    expect((await testReference(await asked(1)))?.passes).toBe(true);
    const near = await ask(model, {
      inputs: row(0.1, 0, 0, 0, 0),
      target: { kind: 'classProbability', class: 0 },
      reference: { kind: 'zero' },
    });
    // σ(.12) = .530.
    const test = await testReference(near);
    expect(test).toMatchObject({ passes: false, limit: 0.05, alternatives: [] });
    expect(test?.warning).toMatch(/as likely at the reference \(zero input, 50 %\) as at the input \(53 %\)/);
  });
});

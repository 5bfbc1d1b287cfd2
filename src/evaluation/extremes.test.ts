import { afterAll, describe, expect, it } from 'vitest';
import {
  closeRuntime,
  objectPixels,
  picture,
  pictureLayout,
  side,
  templateModel,
} from '../../test/evaluation-models.ts';
import { random } from '../tensor/random.ts';
import { type MetricName, metrics } from './metrics/index.ts';
import type { Explanation } from './metrics/metric.ts';
import { ask } from './question.ts';
import { readyMetric, scoreWith } from './score.ts';

afterAll(closeRuntime);

/**
 * The picture's only object explains the class fully: scores of a perfect map, where theory fixes them, and how far a
 * random one stays behind. `again` of the perfect explanation answers as a faithful method would: another map for
 * another class or model, the same map nearby.
 */
const expected: Readonly<Record<MetricName, { readonly perfect: number | undefined; readonly margin: number }>> = {
  // 1 − 5/144
  'msi-literal': { perfect: 1 - 5 / 144, margin: 0.5 },
  'msi-tolerant': { perfect: 1 - 5 / 144, margin: 0.5 },
  // The first of 16 points is after 8 of 144 features, all of the object among them: ½ · 8/144 is missing.
  insertion: { perfect: 1 - 4 / 144, margin: 0.2 },
  deletion: { perfect: 4 / 144, margin: 0.1 },
  'insertion-lerf': { perfect: 4 / 144, margin: 0.1 },
  'deletion-lerf': { perfect: 1 - 4 / 144, margin: 0.2 },
  // 1, 7, 14, 29 and 72 features: the first alone shows nothing, the others everything: 1/5.
  sufficiency: { perfect: 0.2, margin: 0.3 },
  // Without the first σ(4) is left, without the others nothing: (1 − .982 + 4)/5
  comprehensiveness: { perfect: 0.8036, margin: 0.3 },
  road: { perfect: undefined, margin: 0.2 },
  'average-drop': { perfect: 0, margin: 0.2 },
  // The confidence of the object alone is that of the picture: no increase for either.
  'increase-in-confidence': { perfect: 0, margin: 0 },
  infidelity: { perfect: undefined, margin: 0.15 },
  'sensitivity-n': { perfect: undefined, margin: 0.1 },
  'faithfulness-correlation': { perfect: undefined, margin: 0.1 },
  // T shared out evenly over the object.
  'attribution-error': { perfect: 0, margin: 0.5 },
  'max-sensitivity': { perfect: 0, margin: 0 },
  mprt: { perfect: 0, margin: 0.9 },
  'random-logit': { perfect: 0, margin: 0.9 },
  // 5 equal features of 144
  sparseness: { perfect: 1 - 5 / 144, margin: 0.3 },
  complexity: { perfect: Math.log(5), margin: 1 },
  'pointing-game': { perfect: 1, margin: 0.5 },
  'mass-accuracy': { perfect: 1, margin: 0.8 },
  'rank-accuracy': { perfect: 1, margin: 0.5 },
};

describe('a perfect and a random explanation', () => {
  const object = objectPixels([[4, 5]]);
  const truth = new Uint8Array(side * side);
  for (const pixel of object) truth[pixel] = 1;
  const question = ask(templateModel(), {
    inputs: new Map([['x', picture([[4, 5]])]]),
    target: { kind: 'classLogit', class: 0 },
    reference: { kind: 'zero' },
    layout: pictureLayout,
    truth,
  });

  it.each(Object.keys(metrics) as MetricName[])('%s', async (name) => {
    const asked = await question;
    const share = (asked.value - asked.referenceValue) / object.length;
    const perfectMap = { values: Float64Array.from(truth, (inside) => inside * share) };
    const even = { values: new Float64Array(side * side).fill(1) };
    const perfect: Explanation = { map: perfectMap, again: async ({ inputs }) => (inputs ? perfectMap : even) };
    const source = random(5);
    const noise = { values: Float64Array.from({ length: side * side }, () => share * source.normal()) };
    const ready = readyMetric({ name });
    const { score } = await scoreWith(ready, asked, perfect);
    const chance = (await scoreWith(ready, asked, { map: noise, again: async () => noise })).score;
    const { perfect: theory, margin } = expected[name];
    // p(x) is .99966, not 1.
    if (theory !== undefined) expect(score).toBeCloseTo(theory, 3);
    const [least, most] = ready.metric.range;
    for (const value of [score, chance]) {
      expect(value).toBeGreaterThanOrEqual(least - 1e-9);
      expect(value).toBeLessThanOrEqual(most + 1e-9);
    }
    const advantage = ready.metric.direction === 'higher' ? score - chance : chance - score;
    expect(advantage).toBeGreaterThanOrEqual(margin);
  });
});

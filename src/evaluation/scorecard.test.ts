import { describe, expect, it } from 'vitest';
import { image, imageLayout, objectPixels, side, templateModel } from '../../test/evaluation-models.ts';
import { float32 } from '../tensor/tensor.ts';
import { scorecard, scorecardMetrics } from './scorecard.ts';

describe('the scorecard', () => {
  const inputs = new Map([['x', image([[4, 5]])]]);
  // T = logit(x) − logit(b) = 8 + 12 = 20, shared out over 5 pixels.
  const pixels = new Float32Array(side * side);
  for (const pixel of objectPixels([[4, 5]])) pixels[pixel] = 4;
  const values = new Map([['x', float32([1, 1, side, side], pixels)]]);
  const request = { inputs, target: { kind: 'classLogit', class: 0 } as const, layout: imageLayout, values, sum: 20 };

  it('of a perfect explanation', async () => {
    const card = await scorecard(templateModel(), { ...request, reference: { kind: 'zero' } });
    expect(card.entries.map(({ metric }) => metric)).toEqual([...scorecardMetrics]);
    const of = (name: string) => card.entries.find(({ metric }) => metric === name);
    expect(of('attribution-error')).toMatchObject({ direction: 'lower', parts: { target: 20, sum: 20 } });
    expect(of('attribution-error')?.score).toBeCloseTo(0, 5);
    // 1 − 5/144
    expect(of('msi-literal')?.score).toBeCloseTo(0.9653, 3);
    for (const { score, low, high } of card.entries) {
      expect(low).toBeLessThanOrEqual(score);
      expect(high).toBeGreaterThanOrEqual(score);
    }
    // An even grey holds no plus; noise of the same mean might, and is then left out with a word.
    expect(card.references.slice(0, 2)).toEqual(['zero input', 'mean of the input']);
    expect(card.referenceTest).toMatchObject({ passes: true });
    expect(card.passes.forward).toBeGreaterThan(50);
    expect(card.passes.backward).toBe(0);
  });

  it('warns of a reference that shows what it should hide', async () => {
    const card = await scorecard(templateModel(), {
      ...request,
      reference: { kind: 'blur', sigma: 0.3 },
      otherReferences: [{ kind: 'blur', sigma: 0.2 }],
    });
    expect(card.notes[0]).toMatch(/scores may rank wrongly; these would pass: .*zero input/);
    expect(card.notes[1]).toMatch(/sigma 0\.2 does not hide the explained class/);
    expect(card.references).toEqual(['input blurred with sigma 0.3']);
  });
});

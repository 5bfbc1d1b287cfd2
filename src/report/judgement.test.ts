import { expect, it } from 'vitest';
import { makeExplained } from '../../test/explained.ts';
import { float32 } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';
import { judge } from './judgement.ts';
import { numberText, percentText, signedText } from './number-text.ts';

const judged = (document: Partial<ExplanationDocument>) =>
  judge(makeExplained({ attribution: float32([1, 1], [8]), document }).document);

it('says how much of the difference the shares account for, rounded down', () => {
  expect(judged({ relativeError: 0.0049 })).toEqual({
    verdict: 'The shares account for 99.5 % of the difference.',
    grade: 'good',
    warnings: [],
  });
  expect(judged({ relativeError: 2e-4 }).verdict).toContain(' 99.9 %');
  expect(judged({ relativeError: 1e-6 }).verdict).toContain('more than 99.99 %');
  expect(judged({ relativeError: 0 }).verdict).toContain('100 %');
});

it('asks for more steps where a method has not converged', () => {
  // Midpoint errors fall with the square of the steps: 50 · √(0.031 / 0.01) = 88, so that doubling is enough.
  const near = judged({ relativeError: 0.031, converged: false, chosen: { steps: 50 } });
  expect(near.warnings).toEqual(['not converged: error 3.1 %, try n = 100']);
  expect(judged({ relativeError: 0.2, converged: false, chosen: { steps: 50 } }).warnings[0]).toContain('try n = 400');
  const winding = judged({ relativeError: 5, converged: false, chosen: { steps: 400 } });
  expect(winding.warnings[0]).toContain('try another layer or baseline');
  expect(winding.verdict).toContain('another layer or baseline may need fewer');
});

it('warns of a method that compares with something else', () => {
  const implicit = 'a zero feature, to first order';
  expect(judged({ relativeError: 0.5, converged: null, implicitBaseline: implicit })).toMatchObject({
    grade: 'poor',
    warnings: ['does not add up: error 50.0 %', 'compares with a zero feature, not with your baseline'],
  });
  const rate = judged({ implicitBaseline: 'an infinitesimal change; a rate, not a share of the difference' });
  expect(rate.warnings).toEqual(['a rate of change, not a share of the difference from your baseline']);
});

it('names what completes a bypassed layer', () => {
  const { warnings, verdict } = judged({
    relativeError: 0.4,
    isCut: false,
    completing: ['p4', 'p5'],
    converged: false,
  });
  expect(warnings).toEqual(['does not add up: error 40.0 %', 'layer is bypassed']);
  expect(verdict).toContain('together with p4 + p5');
});

it('does not judge where there is nothing to compare with', () => {
  expect(judged({ attributionTarget: null, relativeError: null, baseline: null }).grade).toBe('open');
  expect(judged({ attributionTarget: 0, relativeError: 3 })).toMatchObject({
    grade: 'open',
    warnings: ['no difference to explain'],
  });
});

it('writes numbers as a person reads them', () => {
  expect([12.3456, -0.01, 0, 1234567, -0.0000123].map((value) => numberText(value, 3))).toEqual([
    '12.3',
    '−0.0100',
    '0',
    '1.2×10⁶',
    '−1.2×10⁻⁵',
  ]);
  expect(numberText(null)).toBe('–');
  expect([signedText(0.5), signedText(-0.5)]).toEqual(['+0.500', '−0.500']);
  expect([0, 0.0000001, 0.0312, 3.18, 20.12, 88_000, -88_000].map(percentText)).toEqual([
    '0 %',
    '< 0.001 %',
    '3.1 %',
    '318 %',
    '2,000 %',
    '> 10,000 %',
    '< −10,000 %',
  ]);
});

it('says once of a mean output that it is no share, and that the stated baseline hides things where it does', () => {
  const one = makeExplained({
    attribution: float32([1, 2], [3, 4]),
    document: {
      method: 'rise',
      implicitBaseline: 'none: an expected output, not a share of the difference',
      attributionTarget: 1,
      relativeError: 6,
    },
  });
  expect(judge(one.document).warnings).toEqual(['an expected output, not a share of the difference; error 600 %']);
  const guided = {
    ...one.document,
    method: 'guided-backpropagation',
    implicitBaseline: 'none: a filtered rate, no share',
  };
  expect(judge(guided as typeof one.document).warnings).toEqual([
    'does not add up: error 600 %',
    'a filtered rate, no share; your baseline is not used',
  ]);
});

import { expect, it } from 'vitest';
import { makeExplained } from '../../test/explained.ts';
import type { ExplanationDocument } from '../explain/document.ts';
import { float32 } from '../tensor/tensor.ts';
import { errorText, judge } from './judgement.ts';
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

it('asks for another method, not for more steps, where a gradient is cut off', () => {
  const note = { code: 'zero-gradient', node: 'ci', operator: 'Cast', text: 'node "ci" (Cast) cuts the gradient' };
  const cut = judged({ relativeError: 0.59, converged: false, chosen: { steps: 50 }, gradientNotes: [note] });
  expect(cut.warnings).toEqual(['does not add up: error 59.0 %, a gradient is cut off']);
  expect(cut.verdict).toMatch(/see the notes; .*exact-shapley or kernel-shap\.$/);
  expect(cut.verdict).not.toContain('steps');
  // What adds up all the same (the cut column is what it is at the baseline) is good.
  expect(judged({ relativeError: 0, gradientNotes: [note] }).grade).toBe('good');
});

it('asks for another method, not for more steps, where gradients pass through rounding', () => {
  const note = { code: 'straight-through', node: 'q', operator: 'QuantizeLinear', text: 'passed straight through' };
  const rounded = judged({ relativeError: 0.37, converged: false, chosen: { steps: 50 }, gradientNotes: [note] });
  expect(rounded.warnings).toEqual(['does not add up: error 37.0 %, gradients pass through rounding']);
  expect(rounded.verdict).toContain('more steps do not bring them together; take a method that needs none');
  expect(judged({ relativeError: 0.002, gradientNotes: [note] }).grade).toBe('good');
});

it('warns of a method that compares with something else', () => {
  const implicit = 'a zero feature, to first order';
  expect(judged({ relativeError: 0.5, converged: null, implicitBaseline: implicit })).toMatchObject({
    grade: 'poor',
    warnings: ['does not add up: error 50.0 %', 'compares with a zero feature, to first order, not with your baseline'],
  });
});

it('judges by what the values are, never by how a sentence is worded', () => {
  const rate = judged({ method: 'gradient', relativeError: 5, implicitBaseline: 'anything at all' });
  expect(rate).toEqual({
    verdict: 'Each value is a rate of change: nothing promises that they add up to the difference.',
    grade: 'open',
    warnings: ['a rate of change, not a share of the difference; your baseline is not used'],
  });
  // What the document says goes before the table: a method of the caller's own.
  const meaning = { kind: 'score', what: 'a guess' } as const;
  expect(judged({ method: 'own', meaning }).warnings[0]).toContain('a guess, not a share of the difference');
  expect(judged({ method: 'own', relativeError: 0 }).grade).toBe('good');
});

it('prints an error for shares alone', () => {
  const of = (document: Partial<ExplanationDocument>) =>
    errorText(makeExplained({ attribution: float32([1, 1], [8]), document }).document);
  expect(of({ method: 'rise', error: 1.31e6, relativeError: 1.31e6 })).toBe('– (an expected output)');
  expect(of({ method: 'taylor-1', error: 2, relativeError: 0.5 })).toBe('2.00 (50.0 %)');
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

it('says of a mean output that it is no share, and that the stated baseline hides things where it does', () => {
  const one = makeExplained({
    attribution: float32([1, 2], [3, 4]),
    document: {
      method: 'rise',
      attributionTarget: 1,
      relativeError: 6,
    },
  });
  expect(judge(one.document).warnings).toEqual(['an expected output, not a share of the difference']);
  const guided = {
    ...one.document,
    method: 'guided-backpropagation',
  };
  expect(judge(guided as typeof one.document).warnings).toEqual([
    'a filtered rate of change, not a share of the difference; your baseline is not used',
  ]);
});

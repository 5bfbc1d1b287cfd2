import { describe, expect, it } from 'vitest';
import { inventedExplanation, missedMistakes, struckTruths } from '../../../test/language/invented-explanations.ts';
import type { ExplanationFacts } from './facts.ts';
import { tell } from './tell.ts';
import { verifyText } from './verify.ts';

describe('an explanation in words', () => {
  const facts: ExplanationFacts = {
    ...inventedExplanation(1, true),
    label: '>50K',
    value: 0.721,
    baselineValue: 0.53,
    difference: 0.191,
    sum: 0.1909,
    relativeError: 0.0005,
    features: [
      { name: 'capital-gain', text: '7688', share: 0.1234 },
      { name: 'age', text: '58', share: 0.0871 },
      { name: 'hours-per-week', text: '20', share: -0.0213 },
      { name: 'occupation', text: 'Sales', share: 0.0017 },
    ],
  };

  it('is told to a developer with method, baseline and error', () => {
    expect(tell(facts, 'developer')).toEqual([
      'The model gives 72.1 % for “>50K”.',
      'For the baseline (the median of 64 rows) it gives 53 %, so the difference is 19.1 percentage points more.',
      'Integrated gradients attributes the difference from the baseline (the median of 64 rows).',
      'Raised by capital-gain (7688) by 12.3 percentage points; age (58) by 8.71 percentage points.',
      'Lowered by hours-per-week (20) by 2.13 percentage points.',
      'The 1 other feature together raise it by 0.17 percentage points.',
      'The shares add up to +19.1 percentage points; the error is 0.05 %.',
    ]);
  });

  it('is told to the one concerned without numbers', () => {
    expect(tell(facts, 'end-user')).toEqual([
      'The system says “>50K”.',
      'What counted for it most: capital-gain (7688); age (58).',
      'What counted against it most: hours-per-week (20).',
      'If one of these is wrong, ask for it to be put right and for a new decision.',
    ]);
  });

  it('puts words of a text into quotation marks, and takes them for features there only', () => {
    const text = {
      ...facts,
      kind: 'words' as const,
      features: [
        { name: 'more', share: 0.1 },
        { name: 'not', share: -0.05 },
      ],
    };
    expect(tell(text, 'end-user')[1]).toBe('What counted for it most: “more”.');
    expect(verifyText('“not” lowered it by 5 points.', text)[0]).toMatchObject({ status: 'verified' });
    expect(verifyText('“not” raised it.', text)[0]).toMatchObject({ problems: ['not lowers it'] });
  });

  it('says where values promise no sum', () => {
    const rate = { ...facts, relativeError: undefined, difference: undefined, baselineValue: undefined };
    expect(tell(rate, 'developer').at(-1)).toMatch(/promise no sum/);
  });

  it('is checked: what is wrong is struck, with the reason', () => {
    const text =
      'The model says “>50K” with 72.1 %. Mostly age did it. capital-gain lowered it by 12.3 points, thank you. Nice weather.';
    expect(verifyText(text, facts)).toEqual([
      { text: 'The model says “>50K” with 72.1 %.', status: 'verified', problems: [] },
      { text: 'Mostly age did it.', status: 'struck', problems: ['capital-gain counts more than age'] },
      {
        text: 'capital-gain lowered it by 12.3 points, thank you.',
        status: 'struck',
        problems: ['capital-gain raises it', '12.3 points is not so of capital-gain'],
      },
      { text: 'Nice weather.', status: 'silent', problems: [] },
    ]);
  });
});

describe('the check of words', () => {
  it('finds 99 of 100 mistakes', () => {
    const { seen, count } = missedMistakes(40);
    expect(count).toBeGreaterThan(200);
    expect(seen).toEqual([]);
  });

  it('strikes 2 of 100 true sentences at most: those told here, and those of others', () => {
    const { seen, count } = struckTruths(40);
    expect(count).toBeGreaterThan(600);
    expect(seen).toEqual([]);
  });
});

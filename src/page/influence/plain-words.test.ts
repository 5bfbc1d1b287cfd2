import { describe, expect, it } from 'vitest';
import type { InfluenceDocument, InfluentialRow } from '../../influence/influence-document.ts';
import { plainAnswer, plainExamples } from './plain-words.ts';

const row = (score: number, reliability?: InfluentialRow['reliability']): InfluentialRow => ({
  ...{ row: Math.abs(score), id: `r${score}`, from: `row ${score}`, label: 0, score },
  ...(reliability && { reliability }),
});
const list = (proponents: InfluentialRow[], opponents: InfluentialRow[]) => ({ proponents, opponents });
const query: InfluenceDocument['query'] = {
  ...{ from: 'x', predicted: 1, probability: 0.97, target: 1, targetProbability: 0.97 },
};
const document = { query, classes: ['cat', 'dog'], models: 1, all: list([row(3), row(2), row(1)], [row(-2), row(-1)]) };

describe('words for a person whom a prediction is about', () => {
  it('shows three examples at most: two for the answer and one against it', () => {
    expect(plainExamples(document).map(({ row: { score }, words }) => [score, words])).toEqual([
      [3, 'makes dog more likely'],
      [2, 'makes dog more likely'],
      [-2, 'makes dog less likely'],
    ]);
    expect(plainExamples({ ...document, all: list([row(3), row(2), row(1)], []) })).toHaveLength(3);
  });

  it('leaves out rows on which other seeds do not agree', () => {
    const all = list([row(3, 'noise'), row(2, 'stable')], [row(-2, 'noise')]);
    expect(plainExamples({ ...document, all }).map(({ row: { score } }) => score)).toEqual([2]);
    expect(plainAnswer({ ...document, models: 5, all: list([row(3, 'noise')], []) }).basis).toMatch(/do not agree/);
  });

  it.each([
    [0.96, 'It is sure.'],
    [0.8, 'It is fairly sure.'],
    [0.5, 'It is not sure.'],
  ])('says at a probability of %d: %s', (probability, words) => {
    const { said, rare } = plainAnswer({ ...document, query: { ...query, probability } });
    expect(said).toBe(`The model says dog. ${words}`);
    expect(said).not.toMatch(/\d/);
    expect(rare).toBeUndefined();
  });

  it('says where the model has seen few like it, without a number', () => {
    const familiarity = { distance: 0.5, fartherRows: 0.01, few: true, compared: 100 };
    expect(plainAnswer({ ...document, familiarity }).rare).toMatch(/few examples like this one/);
    expect(plainAnswer({ ...document, familiarity: { ...familiarity, few: false } }).rare).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import type { ModelInput } from '../data/model-input.ts';
import type { Prediction } from '../report/prediction.ts';
import { baselines } from './baseline-text.ts';
import { parseTarget } from './target-text.ts';

it.each([
  ['logits[3] - max(logits[5], logits[7])', { kind: 'expression', text: 'logits[3] - max(logits[5], logits[7])' }],
  ['mean(mask[1,10:20,:])', { kind: 'expression', text: 'mean(mask[1,10:20,:])' }],
  ['y[0,:]', { kind: 'expression', text: 'y[0,:]' }],
  ['logits[-1,3]', { kind: 'output', output: 'logits', index: [-1, 3] }],
  ['281', { kind: 'classLogit', class: 281 }],
  ['cat [small] (1)', { kind: 'classLogit', class: 1 }],
])('%s', (text, expected) => {
  expect(parseTarget(text, ['dog', 'cat [small] (1)'])).toEqual(expected);
});

it('points at the mistake of a formula', () => {
  expect(() => parseTarget('logits[3] - ', undefined)).toThrow(/got its end/);
  expect(() => parseTarget('size(logits[3])', undefined)).toThrow(/functions sum/);
});

it('takes the places of a class, or a rectangle, as a region', () => {
  const prediction: Prediction = {
    summary: { output: 'mask', kind: 'area', top: [] },
    target: { kind: 'output', index: [0] },
    segmentation: { size: [2, 2], classes: Uint32Array.of(0, 1, 1, 1) },
  };
  const choose = (text: string) => {
    const choice = parseTarget(text, ['sky', 'tree']);
    return typeof choice === 'function' ? choice({ source: 'a.png' } as ModelInput, prediction) : choice;
  };
  expect(choose('region:tree')).toMatchObject({ class: 1, output: 'mask', region: { size: [2, 2], runs: [1, 3] } });
  expect(choose('region:sky,1,0,2,2')).toMatchObject({ class: 0, region: { runs: [2, 2] } });
  expect(() => choose('region:sky,1,0')).toThrow(/no class "sky,1,0"/);
});

it('separates baselines, but not the rows of a table', () => {
  expect(baselines('black,mean, blur:8')).toEqual(['black', 'mean', 'blur:8']);
  expect(baselines('sample:a.csv#3,17,zero', ['pad'])).toEqual(['pad', 'sample:a.csv#3,17', 'zero']);
});

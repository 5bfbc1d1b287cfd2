import { expect, it } from 'vitest';
import { baselineText } from '../attribution/baselines/text.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Prediction } from '../explain/prediction.ts';
import { baselines, parseBaseline } from './baseline-text.ts';
import { parseTarget, targetText } from './target-text.ts';

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
  for (const corners of ['0,0,3,2', '1,0,1,2', '-1,0,2,2', '0,2,2,1']) {
    expect(() => choose(`region:sky,${corners}`)).toThrow(/the rectangle.*TOP < BOTTOM within 0 to 2/);
  }
  expect(() => choose('region:sky,1,0')).toThrow(/no class "sky,1,0"/);
});

it('separates baselines, but not the rows of a table', () => {
  expect(baselines('black,mean, blur:8')).toEqual(['black', 'mean', 'blur:8']);
  expect(baselines('sample:a.csv#3,17,zero', ['pad'])).toEqual(['pad', 'sample:a.csv#3,17', 'zero']);
});

it.each([
  ['zebra', { kind: 'classLogit', class: 3 }],
  // Labels that could be read as something else give way to their number.
  ['1', { kind: 'classLogit', class: 1 }],
  ['2', { kind: 'classLogit', class: 2 }],
  ['4', { kind: 'classLogit', class: 4 }],
  ['probability:zebra', { kind: 'classProbability', class: 3 }],
  ['log-probability:9', { kind: 'classLogProbability', class: 9 }],
  ['difference:zebra,1', { kind: 'logitDifference', a: 3, b: 1 }],
  ['token:-1,403', { kind: 'tokenLogProbability', position: -1, id: 403 }],
  ['detection:12,zebra', { kind: 'detectionScore', anchor: 12, class: 3 }],
  ['box:12,2', { kind: 'boxCoordinate', anchor: 12, coordinate: 2 }],
  ['a/b:0[1,2]', { kind: 'output', output: 'a/b:0', index: [1, 2] }],
  ['max(y[1], y[2])', { kind: 'expression', text: 'max(y[1], y[2])' }],
] as const)('writes %s and reads it again', (text, target) => {
  const labels = ['dog', 'tabby, tabby cat', 'dog', 'zebra', '7'];
  expect(targetText(target, labels)).toBe(text);
  expect(parseTarget(text, labels)).toEqual(target);
});

it.each([
  { kind: 'region', class: 0, region: { size: [1, 1], runs: [0, 1] }, reduce: 'mean' },
  { kind: 'similarity', to: [1], description: 'b.png' },
  { kind: 'output', index: [0] },
] as const)('does not write what words do not hold: $kind', (target) => {
  expect(() => targetText(target, undefined)).toThrow(/cannot be written/);
});

it.each([
  ['zero', { kind: 'zero' }],
  ['mean', { kind: 'mean' }],
  ['constant:-0.5', { kind: 'constant', value: -0.5 }],
  ['blur:6', { kind: 'blur', sigma: 6 }],
  ['noise:3', { kind: 'noise', seed: 3 }],
  ['tokens:50256', { kind: 'tokens', id: 50256 }],
] as const)('writes the baseline %s and reads it again', async (text, baseline) => {
  expect(baselineText(baseline)).toBe(text);
  const read = await parseBaseline(text, { graph: { inputs: [], initializers: new Map() } } as unknown as LoadedModel, {
    inputs: {},
    outputs: {},
  });
  expect(read({} as ModelInput)).toEqual(baseline);
});

it('does not write a baseline that words do not hold', () => {
  expect(() => baselineText({ kind: 'noise', seed: 1, draws: 4 })).toThrow(/cannot be written/);
  expect(() => baselineText({ kind: 'tokens', id: 1, keep: [0] })).toThrow(/cannot be written/);
});

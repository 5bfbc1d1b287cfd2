import { describe, expect, it } from 'vitest';
import { WhereforeError } from '../errors.ts';
import type { Prediction } from '../explain/prediction.ts';
import { formatDuration } from './progress.ts';
import { formatNumber, formatShare, formatTable } from './table-text.ts';
import { parseTarget } from './target-text.ts';

const labels = ['tench', 'tabby, tabby cat', 'tiger cat', 'zebra', '7'];

describe('parseTarget', () => {
  it.each([
    ['3', { kind: 'classLogit', class: 3 }],
    ['zebra', { kind: 'classLogit', class: 3 }],
    ['tabby, tabby cat', { kind: 'classLogit', class: 1 }],
    // A word that only one label has names it; "cat" stands in two.
    ['tabby', { kind: 'classLogit', class: 1 }],
    // Digits are a class number, even where a label is written the same.
    ['7', { kind: 'classLogit', class: 7 }],
    ['probability:tiger cat', { kind: 'classProbability', class: 2 }],
    ['log-odds:zebra', { kind: 'classLogOdds', class: 3 }],
    ['log-odds:zebra,tabby, tabby cat', { kind: 'classLogOdds', class: 3, against: 1 }],
    ['log-probability:0', { kind: 'classLogProbability', class: 0 }],
    ['difference:tabby, tabby cat,zebra', { kind: 'logitDifference', a: 1, b: 3 }],
    ['token:-1,403', { kind: 'tokenLogProbability', position: -1, id: 403 }],
    ['token:403', { kind: 'tokenLogProbability', position: -1, id: 403 }],
    ['detection:12,tabby, tabby cat', { kind: 'detectionScore', anchor: 12, class: 1 }],
    ['detection:12,zebra', { kind: 'detectionScore', anchor: 12, class: 3 }],
    ['box:12,2', { kind: 'boxCoordinate', anchor: 12, coordinate: 2 }],
    ['logits[3]', { kind: 'output', output: 'logits', index: [3] }],
    ['a/b:0[1, 2]', { kind: 'output', output: 'a/b:0', index: [1, 2] }],
    ['loss[]', { kind: 'output', output: 'loss', index: [] }],
  ])('%s', (text, target) => {
    expect(parseTarget(text, labels)).toEqual(target);
  });

  it('detection:CLASS finds the row that shows the class best', () => {
    const choose = parseTarget('detection:zebra', labels);
    const detections = [
      { anchor: 5, class: 1, score: 0.9 },
      { anchor: 8, class: 3, score: 0.7 },
      { anchor: 9, class: 3, score: 0.6 },
    ];
    const prediction = {
      summary: { output: 'boxes', kind: 'detection', top: [] },
      detections,
    } as unknown as Prediction;
    if (typeof choose !== 'function') throw new Error('a row is only known once the model has run');
    const input = { source: 'x.png' } as Parameters<typeof choose>[0];
    expect(choose(input, prediction)).toEqual({ kind: 'detectionScore', output: 'boxes', anchor: 8, class: 3 });
    const none = { ...prediction, detections: detections.slice(0, 1) };
    expect(() => choose(input, none)).toThrow(WhereforeError);
  });

  it.each([
    'cat',
    'zebrra',
    '-1',
    'chance:1',
    'difference:1',
    'token:x',
    'box:1',
    '',
    'logits[a]',
    'detection:box(1,2,3)',
    'detection:box(5,0,3,9)',
  ])('refuses %j', (text) => {
    expect(() => parseTarget(text, labels)).toThrow(WhereforeError);
  });

  it('a label without labels is refused with a way out', () => {
    expect(() => parseTarget('zebra', undefined)).toThrow(/class number/);
  });
});

describe('tables', () => {
  it('numbers stand right, texts left', () => {
    const rows = [
      ['name', 'T', 'error'],
      ['a', '1', '<0.001 %'],
      ['longer', '-12.5', '3 %'],
    ];
    expect(formatTable(rows)).toBe('name        T     error\na           1  <0.001 %\nlonger  -12.5       3 %');
  });

  it.each([
    [27.94123, '27.94'],
    [0, '0'],
    [-0.00001234, '-1.23e-5'],
    [123456, '1.23e+5'],
    [null, '–'],
    [undefined, '–'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.00093, '0.093 %'],
    [0.94, '94 %'],
    [0, '0 %'],
    [4e-8, '<0.001 %'],
    [1, '100 %'],
    [15, '>999 %'],
    [null, '–'],
  ])('a share of %d is written %s', (value, text) => {
    expect(formatShare(value)).toBe(text);
  });
});

describe('durations', () => {
  it.each([
    [0.2, '1 s'],
    [89, '89 s'],
    [150, '3 min'],
    [9000, '2.5 h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

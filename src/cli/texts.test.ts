import { describe, expect, it } from 'vitest';
import { formatDuration } from './progress.ts';
import { formatNumber, formatShare, formatTable } from './table-text.ts';

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

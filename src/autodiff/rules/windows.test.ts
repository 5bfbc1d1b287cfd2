import { describe, expect, it } from 'vitest';
import { attributesOf, type PlainAttributes } from '../../onnx/graph.ts';
import { isTiling, tapsOf, transposedWindowsOf, windowsOf } from './windows.ts';

const node = (attributes: PlainAttributes) => ({
  op: 'Conv',
  domain: '',
  name: 'node',
  inputs: ['x', 'w'],
  outputs: ['y'],
  attributes: attributesOf(attributes),
});

describe('windowsOf', () => {
  it('finds the padding that the last window reaches', () => {
    // 5 windows of 3 at stride 2 over 1 + 9: the last one reaches position 10, one beyond the end.
    const windows = windowsOf(node({ strides: [2], pads: [1, 1] }), [3], [9], [5]);
    expect([windows.begin, windows.end]).toEqual([[1], [1]]);
  });

  it('tells what is left over as negative padding', () => {
    // 3 windows of 2 at stride 2 over 7 elements read 6 of them.
    expect(windowsOf(node({ strides: [2] }), [2], [7], [3]).end).toEqual([-1]);
  });

  it('splits odd automatic padding as UPPER and LOWER say', () => {
    // 4 windows of 3 at stride 2 need 9 elements: one more than the 8 there are.
    const padding = (mode: string) => {
      const { begin, end } = windowsOf(node({ strides: [2], auto_pad: mode }), [3], [8], [4]);
      return [begin[0], end[0]];
    };
    expect(padding('SAME_UPPER')).toEqual([0, 1]);
    expect(padding('SAME_LOWER')).toEqual([1, 0]);
  });

  it('ignores pads when there is automatic padding', () => {
    expect(windowsOf(node({ auto_pad: 'VALID', pads: [3, 3] }), [3], [5], [3]).begin).toEqual([0]);
  });
});

describe('transposedWindowsOf', () => {
  it('finds the padding behind output_shape', () => {
    // 4 inputs at stride 2 with a kernel of 3 reach 9 elements; 8 are wanted: one is cut, at the start.
    const windows = transposedWindowsOf(node({ strides: [2], output_shape: [8] }), [3], [4], [8]);
    expect([windows.begin, windows.end]).toEqual([[1], [0]]);
  });
});

describe('isTiling', () => {
  it('allows elements left over, but no overlap, gap or padding', () => {
    const tiling = (attributes: PlainAttributes, wide: number, narrow: number) =>
      isTiling(windowsOf(node(attributes), [2], [wide], [narrow]));
    expect(tiling({ strides: [2] }, 7, 3)).toBe(true);
    expect(tiling({ strides: [1] }, 7, 6)).toBe(false);
    expect(tiling({ strides: [3] }, 8, 3)).toBe(false);
    expect(tiling({ strides: [2], pads: [1, 1] }, 6, 4)).toBe(false);
    expect(tiling({ strides: [2], ceil_mode: 1 }, 7, 4)).toBe(false);
  });
});

describe('tapsOf', () => {
  it('counts the last axis fastest', () => {
    expect(tapsOf([2, 2])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
  });
});

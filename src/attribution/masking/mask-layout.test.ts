import { describe, expect, it } from 'vitest';
import { maskLayout } from './mask-layout.ts';

describe('the layout of feature groups', () => {
  it('tokens with all their channels: the mask has the form of the tokens', () => {
    expect(maskLayout(Int32Array.of(0, 0, 1, 1, 2, 2), [3, 2], 3)).toEqual({
      row: [3, 2],
      positions: [3, 1],
      groups: undefined,
    });
  });

  it('pixels under every channel', () => {
    expect(maskLayout(Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3), [2, 2, 2], 4)).toEqual({
      row: [2, 2, 2],
      positions: [1, 2, 2],
      groups: undefined,
    });
  });

  it('groups side by side inside one axis', () => {
    expect(maskLayout(Int32Array.of(0, 0, 1, 1, 0, 0, 1, 1), [8], 2)).toEqual({
      row: [2, 2, 2],
      positions: [1, 2, 1],
      groups: undefined,
    });
  });

  it('any others are looked up, those of no group behind the last one', () => {
    expect(maskLayout(Int32Array.of(1, 1, -1, -1, 0, 0), [3, 2], 2)).toEqual({
      row: [3, 2],
      positions: [3, 1],
      groups: Int32Array.of(1, 2, 0),
    });
  });
  it('a group each, in another order: looked up', () => {
    expect(maskLayout(Int32Array.of(1, 0), [2], 2).groups).toEqual(Int32Array.of(1, 0));
  });

  it('fewer positions than groups, and elements of no group: looked up', () => {
    expect(maskLayout(Int32Array.of(0, 1), [2], 3).groups).toEqual(Int32Array.of(0, 1));
    expect(maskLayout(Int32Array.of(0, -1), [2], 1).groups).toEqual(Int32Array.of(0, 1));
  });
});

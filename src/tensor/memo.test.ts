import { describe, expect, it } from 'vitest';
import { memo, namedMemo } from './memo.ts';

describe('memo', () => {
  it('makes a value once for each object, undefined as well', () => {
    const made: object[] = [];
    const of = memo((key: { readonly n: number }) => {
      made.push(key);
      return key.n || undefined;
    });
    const [zero, one] = [{ n: 0 }, { n: 1 }];
    expect([of(zero), of(one), of(zero), of(one), of({ n: 1 })]).toEqual([undefined, 1, undefined, 1, 1]);
    expect(made).toEqual([zero, one, { n: 1 }]);
  });

  it('keeps names of an object apart', () => {
    const of = namedMemo<object, number>();
    const key = {};
    expect([of(key, 'a', () => 1), of(key, 'b', () => 2), of(key, 'a', () => 3), of({}, 'a', () => 4)]).toEqual([
      1, 2, 1, 4,
    ]);
  });

  it('forgets a promise that fails', async () => {
    const of = namedMemo<object, Promise<number>>();
    const key = {};
    await expect(of(key, 'a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await of(key, 'a', () => Promise.resolve(2))).toBe(2);
    expect(await of(key, 'a', () => Promise.resolve(3))).toBe(2);
  });
});

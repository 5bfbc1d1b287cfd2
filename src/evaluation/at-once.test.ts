import { describe, expect, it } from 'vitest';
import { atOnce } from './at-once.ts';

describe('work on several items at once', () => {
  it('is never on more than allowed, and gives results in the order of the items', async () => {
    let [underWay, most] = [0, 0];
    const ended: number[] = [];
    const results = await atOnce([5, 1, 4, 2, 3], 2, async (item, index) => {
      most = Math.max(most, ++underWay);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      underWay--;
      ended.push(item);
      return [item, index];
    });
    expect(results).toEqual([
      [5, 0],
      [1, 1],
      [4, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(most).toBe(2);
    expect(ended[0]).toBe(1);
    expect(await atOnce([], 3, async () => 1)).toEqual([]);
  });

  it('begins nothing after an error, and throws it when what is under way has ended', async () => {
    const [begun, ended]: [number[], number[]] = [[], []];
    const work = async (item: number) => {
      begun.push(item);
      if (item === 0) throw new Error('item 0');
      for (let turn = 0; turn < 9; turn++) await Promise.resolve();
      ended.push(item);
    };
    await expect(atOnce([0, 1, 2, 3], 2, work)).rejects.toThrow('item 0');
    expect([begun, ended]).toEqual([[0, 1], [1]]);
  });
});

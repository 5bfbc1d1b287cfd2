import { describe, expect, it } from 'vitest';
import { gameOf } from '../../../test/language/unit-game.ts';
import { random } from '../../tensor/random.ts';
import { refinedLeaveOut } from './refined.ts';
import { leaveOneOut } from './unit-methods.ts';

/** Precision at each relevant unit, averaged. */
function averagePrecision(values: ArrayLike<number>, relevant: ReadonlySet<number>): number {
  const order = Array.from(values, (_, u) => u).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  let [found, sum] = [0, 0];
  for (const [place, unit] of order.entries()) if (relevant.has(unit)) sum += ++found / (place + 1);
  return sum / relevant.size;
}

describe('leaving out groups, refined where it matters', () => {
  it('gives every unit its own difference where nothing but the budget stops it', async () => {
    // f = 3·[0] − 2·[1] + [2]·[3]: without unit 2 or 3 the product of 1 is gone.
    const game = gameOf(4, ([a, b, c, d]) => 3 * a - 2 * b + c * d);
    const { values, measured } = await refinedLeaveOut(game, { most: 10, floor: 0 });
    expect(Array.from(values)).toEqual([3, -2, 1, 1]);
    expect(measured).toBe(4);
  });

  it.each([
    ['one source', 0.15, 0],
    ['two sources', 0.3, 3],
  ])('finds %s among 64 within a budget of %f of the tokens', async (_, most, other) => {
    const precisions: number[] = [];
    const shares: number[] = [];
    for (let t = 1; t <= 40; t++) {
      const source = random(8, t);
      const [first, second] = [source.integer(64), source.integer(64)];
      const noise = Array.from({ length: 64 }, () => 0.02 * source.normal());
      const game = gameOf(64, (set) =>
        noise.reduce((sum, value, u) => sum + value * set[u], 8 * set[first] + other * set[second]),
      );
      const { values, share, measured } = await refinedLeaveOut(game, { most });
      expect(measured).toBeLessThan(32);
      shares.push(share);
      const exact = await leaveOneOut(game);
      const relevant = new Set(Array.from(exact.keys()).filter((u) => Math.abs(exact[u]) > 0.5));
      precisions.push(averagePrecision(values, relevant));
    }
    const mean = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0) / of.length;
    expect(mean(precisions)).toBeGreaterThanOrEqual(0.9);
    expect(mean(shares)).toBeLessThanOrEqual(most);
  });

  it('shows with their group what two units say alike, which leaving out each does not', async () => {
    const game = gameOf(8, (set) => (set[2] || set[3] ? 5 : 0));
    const { values, joint } = await refinedLeaveOut(game, { most: 10 });
    expect(Array.from(await leaveOneOut(game))).toEqual(new Array(8).fill(0));
    expect(joint).toEqual([{ from: 2, to: 4, value: 5 }]);
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(5, 12);
  });

  it('cuts where documents begin, then sentences', async () => {
    const asked: string[] = [];
    const game = gameOf(12, (set) => {
      asked.push(set.join(''));
      return 4 * set[6];
    });
    // Documents begin at 0 and 3, sentences at 5 and 8.
    const begins = [2, 0, 0, 2, 0, 1, 0, 0, 1, 0, 0, 0];
    const { values } = await refinedLeaveOut(game, { most: 10, begins });
    expect(Array.from(values)).toEqual([0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0]);
    // After all and none: the second document, the first, then its sentences from the last on.
    expect(asked.slice(2, 6)).toEqual(['111000000000', '000111111111', '111111110000', '111110001111']);
  });

  it('ends at a number of tokens', async () => {
    const game = gameOf(64, (set) => 5 * set[40]);
    const { share } = await refinedLeaveOut(game, { most: 10, tokens: 1500 });
    // A measurement reads 640 tokens at most.
    expect(game.cost.tokens).toBeLessThan(1500 + 640);
    expect(share).toBeLessThan(0.11);
  });

  it('takes a prompt of one unit', async () => {
    const { values, measured } = await refinedLeaveOut(gameOf(1, ([a]) => 2 * a));
    expect(Array.from(values)).toEqual([2]);
    expect(measured).toBe(1);
  });
});

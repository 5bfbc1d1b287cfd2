import { describe, expect, it } from 'vitest';
import { gameOf } from '../../../test/language/unit-game.ts';
import { random } from '../../tensor/random.ts';
import { guidedLeaveOut } from './guided.ts';

describe('leaving out what a proposal names first', () => {
  it('measures as many as the budget has, and scales the proposal for the others', async () => {
    // f = 4·[1] + 2·[2] + [3]; the proposal has half of each. Leaving out each of four reads 40 + 30 + 20 + 10 tokens.
    const game = gameOf(4, ([, b, c, d]) => 4 * b + 2 * c + d);
    const found = await guidedLeaveOut(game, [0, 2, 1, 0.5], { most: 0.5 });
    // Without unit 1 and without unit 2: 30 + 20 tokens planned.
    expect(found.measured).toBe(2);
    expect(found.slope).toBe(2);
    expect(Array.from(found.values)).toEqual([0, 4, 2, 1]);
    // Their own tokens are not read.
    expect(found.share).toBeCloseTo((20 + 10) / 100, 12);
  });

  it('counts what the proposal has read', async () => {
    const game = gameOf(4, ([, b, c]) => 4 * b + 2 * c);
    const found = await guidedLeaveOut(game, [0, 2, 1, 0], { most: 0.5, spent: 20 });
    expect(found.measured).toBe(1);
    expect(found.share).toBeCloseTo((20 + 20) / 100, 12);
  });

  it('measures one at least, and ends at a number of tokens', async () => {
    const game = gameOf(64, (set) => 5 * set[40]);
    expect((await guidedLeaveOut(game, new Float64Array(64).fill(1), { tokens: 0 })).measured).toBe(1);
    const before = game.cost.tokens;
    await guidedLeaveOut(game, new Float64Array(64).fill(1), { most: 10, tokens: 3000 });
    expect(game.cost.tokens - before).toBeLessThanOrEqual(3000);
  });

  it('finds what the proposal overrates, where it is measured', async () => {
    const source = random(4);
    const proposal = Array.from({ length: 64 }, () => source.normal() / 10);
    // The proposal names unit 7 before unit 50, which matters.
    proposal[7] = 3;
    proposal[50] = 2;
    const game = gameOf(64, (set) => 6 * set[50]);
    const { values } = await guidedLeaveOut(game, proposal);
    expect(values[50]).toBe(6);
    expect(values[7]).toBe(0);
  });
});

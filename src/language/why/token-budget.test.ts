import { describe, expect, it } from 'vitest';
import { type BudgetQuestion, dividedBudget } from './token-budget.ts';

const question: BudgetQuestion = { methods: ['gradient'], tokens: 100, units: 10, sets: 64, samples: 256 };

/** Prompts that judging asks for: curves of the methods, of two trivial orders and of random ones, and sets. */
const promptsOf = (methods: number, { points, orders, sets }: ReturnType<typeof dividedBudget>['judging']) =>
  (methods + 2 + orders) * points + sets;

describe('a budget of tokens', () => {
  it('judges as closely as it can where there is none', () => {
    expect(dividedBudget(undefined, question)).toEqual({ judging: { points: 20, orders: 8, sets: 32 } });
  });

  it('judges more coarsely when a single token is lacking', () => {
    // Six prompts are always read; (1 + 2 + 8) · 20 + 32 = 252 judge: 25,800 tokens.
    expect(dividedBudget(25_800, question).judging).toEqual({ points: 20, orders: 8, sets: 32 });
    expect(dividedBudget(25_799, question).judging).toEqual({ points: 10, orders: 4, sets: 32 });
  });

  it('counts the prompts of the methods before those that judge', () => {
    const asked = { ...question, methods: ['leave-one-out', 'surrogate', 'shapley'] as const };
    // 10 + 64 + 256 and 6 prompts, then (3 + 2 + 8) · 20 + 32 = 292.
    expect(dividedBudget((336 + 292) * 100, asked).judging.points).toBe(20);
    expect(dividedBudget((336 + 292) * 100 - 1, asked).judging.points).toBe(10);
  });

  it('gives the refined method at least as much as judging, and all that is left', () => {
    const asked = { ...question, methods: ['gradient', 'refined'] as const };
    for (let prompts = 60; prompts < 1200; prompts += 37) {
      const { judging, refined = 0 } = dividedBudget(prompts * 100, asked);
      const judged = promptsOf(2, judging) * 100;
      expect(refined).toBeGreaterThanOrEqual(judged);
      expect(6 * 100 + judged + refined).toBe(prompts * 100);
    }
  });

  it.each([
    { methods: ['gradient'] as const },
    { methods: ['refined'] as const },
    { methods: ['gradient', 'refined', 'leave-one-out'] as const },
    { methods: ['surrogate'] as const, sets: 8 },
  ])('refuses what does not suffice, and what it asks for suffices: %o', (changed) => {
    const asked = { ...question, ...changed };
    const least = Number(/at least (\d+)/.exec(messageOf(() => dividedBudget(100, asked)))?.[1]);
    expect(dividedBudget(least, asked).judging.points).toBe(2);
    expect(messageOf(() => dividedBudget(least - 1, asked))).toContain('do not suffice');
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return String(error);
  }
  throw new Error('nothing was refused');
}

import { expect, it } from 'vitest';
import { allPasses } from './all-passes.ts';

it('adds up what several pieces of work count for themselves', () => {
  const told: string[] = [];
  const count = allPasses(({ forward, backward }) => told.push(`${forward} ${backward}`));
  const [one, other] = [
    { forward: 0, backward: 0 },
    { forward: 0, backward: 0 },
  ];
  for (const [work, forward, backward] of [
    [one, 3, 1],
    [other, 2, 0],
    [one, 1, 1],
  ] as const) {
    work.forward += forward;
    work.backward += backward;
    count(work);
  }
  expect(told).toEqual(['3 1', '5 1', '6 2']);
});

import { expect, it } from 'vitest';
import { lookup } from './lookup.ts';

it('finds own entries only', () => {
  const table: Record<string, number | undefined> = { a: 1, b: undefined };
  expect([lookup(table, 'a'), lookup(table, 'b'), lookup(table, 'c')]).toEqual([1, undefined, undefined]);
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
    expect(lookup(table, name)).toBe(undefined);
});

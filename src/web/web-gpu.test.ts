import { expect, it } from 'vitest';
import type { Session } from '../runtime/runtime.ts';
import { float32 } from '../tensor/tensor.ts';
import { comparedSession } from './web-gpu.ts';

const giving = (values: readonly number[], told: string[] = []): Session => ({
  run: async () => {
    told.push('run');
    return new Map([['y', float32([values.length], values)]]);
  },
  read: async () => new Map(),
  release: async () => void told.push('release'),
});

it('compares the first run alone, and releases what it was compared with', async () => {
  const told: string[] = [];
  const compared = comparedSession(giving([3, 4]), async () => giving([3, 4.004], told));
  for (let k = 0; k < 3; k++) expect((await compared.run(new Map(), ['y'])).get('y')?.data[1]).toBe(4);
  expect(told).toEqual(['run', 'release']);
});

it.each([
  // .006 of a length of 5: .0012.
  [[3, 4.006], /^y: .*got 0\.0012 of their size apart, expected at most 0\.001/],
  [[3, Number.NaN], /got Infinity of their size apart/],
  [[3, 4, 5], /got float32 .*3/],
] as const)('refuses %j where the other gives 3 and 4', async (values, said) => {
  const told: string[] = [];
  const compared = comparedSession(giving(values), async () => giving([3, 4], told));
  await expect(compared.run(new Map(), ['y'])).rejects.toThrow(said);
  // It stays refused.
  await expect(compared.run(new Map(), ['y'])).rejects.toThrow(said);
  expect(told).toEqual(['run', 'release', 'run', 'release']);
});

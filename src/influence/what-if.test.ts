import { expect, it } from 'vitest';
import { type ProposedChange, rankWhatIfs } from './what-if.ts';

const proposed: ProposedChange[] = [
  { action: 'remove', words: 'a', rows: 1, predicted: 0.1 },
  { action: 'remove', words: 'b', rows: 30, predicted: 0.4 },
  { action: 'reweight', words: 'c', rows: 1, predicted: -0.2 },
];

it('gives ranks alone without a calibration, and says that large groups are understated', () => {
  expect(rankWhatIfs(proposed, { rows: 100, spread: 1 })).toEqual([
    { ...proposed[1], rank: 1, of: 3, unknown: 'uncalibrated', understated: true },
    { ...proposed[0], rank: 2, of: 3, unknown: 'uncalibrated' },
    { ...proposed[2], rank: 3, of: 3, unknown: 'uncalibrated' },
  ]);
});

it('gives effects in nats by a calibration, but not for more rows than it left out', () => {
  const bySize = [{ rows: 5, points: 100, slope: 2, scatter: 0, relative: 0 }];
  const [row, , group] = rankWhatIfs(
    proposed,
    { rows: 100, spread: 1 },
    { slope: { mean: 2, low: 2, high: 2 }, bySize },
  );
  expect(group.effect).toBeUndefined();
  expect(group.unknown).toBe('more rows than the calibration left out');
  expect(row.effect).toEqual({ mean: 0.2, low: 0.2, high: 0.2 });
});

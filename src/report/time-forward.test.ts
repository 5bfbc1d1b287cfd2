import { afterEach, expect, it, vi } from 'vitest';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { secondsOfPasses, timeForward } from './time-forward.ts';

afterEach(() => vi.restoreAllMocks());

/** A model whose runs take what `seconds` says of their rows, by a clock that nothing else moves. */
function timed(seconds: (rows: number, run: number) => number) {
  let [now, runs] = [0, 0];
  vi.spyOn(performance, 'now').mockImplementation(() => now * 1000);
  const graph = {};
  const executor = {
    specialise: async () => ({ graph }),
    run: async (_: unknown, feeds: ReadonlyMap<string, Tensor>) => {
      now += seconds(feeds.get('x')?.shape[0] ?? 1, runs++);
      return new Map();
    },
  };
  const input = { tensors: new Map([['x', float32([1, 2], [1, 2])]]) };
  return timeForward({ executor, graph } as never, { graph } as never, input, 'y');
}

it.each([
  ['a quick model by the row of a run of many', (rows: number) => 0.001 + rows * 1e-5, 0.001 / 32 + 1e-5],
  ['a slow model by one run', (rows: number) => 0.5 * rows, 0.5],
  [
    'one that is slow to start, without its start',
    (rows: number, run: number) => 0.1 * rows + (run === 0 ? 9 : 0),
    0.1,
  ],
  ['one beside other work, by the shortest run', (rows: number, run: number) => 1e-4 * rows * (run % 2 ? 3 : 1), 1e-4],
])('times %s', async (_, seconds, expected) => {
  // Sums of doubles.
  expect(await timed(seconds)).toBeCloseTo(expected, 9);
});

it('counts a gradient as a forward pass and two and a half more', () => {
  expect(secondsOfPasses({ forward: 20, backward: 10 }, 0.1)).toBeCloseTo(4.5, 12);
});

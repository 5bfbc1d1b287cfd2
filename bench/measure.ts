import { processorSeconds } from './processes.ts';

/** Seconds that a run took: on the clock, and of processors, summed over the threads of its processes. */
export interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

export type Clock = keyof Spent;

/** Runs something once and tells what it took. */
export async function spent(run: () => Promise<unknown>): Promise<Spent> {
  const cpu = processorSeconds();
  const wall = performance.now();
  await run();
  const seconds = (performance.now() - wall) / 1000;
  return { wall: seconds, cpu: processorSeconds() - cpu };
}

/** Median and quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => {
    const position = q * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
    return below + (above - below) * (position - Math.floor(position));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** Two sides by one clock. */
export interface ByClock {
  readonly ours: Spread;
  readonly theirs: Spread;
  /** Of the ratios ours / theirs, one a round. */
  readonly ratio: Spread;
}

/** Two sides by the clock on the wall, and by the processor time that they took: that of a busy machine tells less. */
export type Comparison = Readonly<Record<Clock, ByClock>>;

export const ratioText = ({ ratio }: ByClock): string =>
  `**${ratio.median.toFixed(2)}** (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`;

/** Milliseconds after which threads of PyTorch have stopped spinning: they do for less than 10. */
const defaultRest = 30;

/**
 * Times two sides turn by turn, so that whatever slows the machine down meets both. Sides change places every round.
 * @param warmUp rounds that do not count
 * @param rest milliseconds before every turn: threads of the side that has just finished may still spin, and the other
 *   one must not pay for that
 */
export async function interleave(
  ours: () => Promise<Spent>,
  theirs: () => Promise<Spent>,
  { rounds, warmUp, rest = defaultRest }: { readonly rounds: number; readonly warmUp: number; readonly rest?: number },
): Promise<Comparison> {
  const times: [ours: Spent, theirs: Spent][] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const both: Spent[] = [];
    for (const side of round % 2 ? [0, 1] : [1, 0]) {
      await new Promise((resolve) => setTimeout(resolve, rest));
      both[side] = await (side === 0 ? ours : theirs)();
    }
    if (round >= 0) times.push([both[0], both[1]]);
  }
  const by = (clock: Clock): ByClock => ({
    ours: spreadOf(times.map(([a]) => a[clock])),
    theirs: spreadOf(times.map(([, b]) => b[clock])),
    ratio: spreadOf(times.map(([a, b]) => a[clock] / b[clock])),
  });
  return { wall: by('wall'), cpu: by('cpu') };
}

/** `‖a − b‖ / ‖b‖` of the elements that both sides told, the largest over all results. */
export function difference(
  ours: ReadonlyMap<string, ArrayLike<number>>,
  theirs: Readonly<Record<string, readonly number[]>>,
): number {
  let largest = 0;
  for (const [name, expected] of Object.entries(theirs)) {
    const actual = ours.get(name);
    if (!actual) throw new Error(`our side has no result "${name}"`);
    const step = Math.max(1, Math.ceil(actual.length / 1000));
    let [wrong, whole] = [0, 0];
    expected.forEach((value, i) => {
      wrong += (actual[i * step] - value) ** 2;
      whole += value ** 2;
    });
    largest = Math.max(largest, Math.sqrt(wrong / (whole || 1)));
  }
  return largest;
}

/** Seconds that a run took: on the clock, and summed over the threads of its process. */
export interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

export type Clock = keyof Spent;

/** Runs something once and tells what it took. */
export async function spent(run: () => Promise<unknown>): Promise<Spent> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1000, cpu: (user + system) / 1e6 };
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

export interface Comparison {
  readonly ours: Spread;
  readonly theirs: Spread;
  /** Of the ratios ours / theirs, one a round. */
  readonly ratio: Spread;
}

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
  {
    rounds,
    warmUp,
    clock,
    rest = defaultRest,
  }: { readonly rounds: number; readonly warmUp: number; readonly clock: Clock; readonly rest?: number },
): Promise<Comparison> {
  const times: [ours: number, theirs: number][] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const both: [number, number] = [0, 0];
    for (const side of round % 2 ? [0, 1] : [1, 0]) {
      await new Promise((resolve) => setTimeout(resolve, rest));
      both[side] = (await (side === 0 ? ours : theirs)())[clock];
    }
    if (round >= 0) times.push(both);
  }
  return {
    ours: spreadOf(times.map(([a]) => a)),
    theirs: spreadOf(times.map(([, b]) => b)),
    ratio: spreadOf(times.map(([a, b]) => a / b)),
  };
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

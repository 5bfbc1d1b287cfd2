import type { Points } from '../attribution/points.ts';
import { concatRows, type Tensor } from '../tensor/tensor.ts';
import { isMasked, maskedPoints } from './perturbation.ts';

type Evaluate = (points: Points) => Promise<Float64Array>;

interface Asked {
  readonly points: Points;
  readonly resolve: (values: Float64Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects the points that several metrics ask for at the same time and evaluates them as one stream, so that batches
 * are full and only the last is filled up. Where a stream fails, each is asked again by itself: the error goes to
 * whoever asked for the points that caused it.
 */
export function gathered(evaluate: Evaluate): Evaluate {
  let waiting: Asked[] = [];
  const flush = async () => {
    const asked = waiting;
    waiting = [];
    await Promise.all(alike(asked).map((group) => answer(group, evaluate)));
  };
  return (points) =>
    new Promise((resolve, reject) => {
      // Runs after what is waiting already: metrics that were started together have asked by then. A timer would wait
      // for a millisecond.
      if (waiting.length === 0) Promise.resolve().then(flush);
      waiting.push({ points, resolve, reject });
    });
}

/** Points that one stream may hold: of the same values, all masked or none. */
function alike(asked: readonly Asked[]): Asked[][] {
  const groups = new Map<string, Asked[]>();
  for (const one of asked) {
    const key = `${isMasked(one.points)}\n${one.points.cut.join('\n')}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

async function answer(asked: readonly Asked[], evaluate: Evaluate): Promise<void> {
  try {
    const values = await evaluate(asked.length === 1 ? asked[0].points : joined(asked.map(({ points }) => points)));
    let from = 0;
    for (const { points, resolve } of asked) {
      resolve(values.slice(from, from + points.count));
      from += points.count;
    }
  } catch (error) {
    const [only, ...others] = asked;
    if (others.length === 0) only.reject(error);
    else for (const one of asked) await answer([one], evaluate);
  }
}

/** The points of several lists one after another. */
export function joined(lists: readonly Points[]): Points {
  const starts: number[] = [];
  let count = 0;
  for (const list of lists) {
    starts.push(count);
    count += list.count;
  }
  if (lists.every(isMasked)) {
    return maskedPoints(lists[0].question, count, (point, keep) => {
      const own = starts.findLastIndex((start, i) => start <= point && lists[i].count > 0);
      lists[own].fill(point - starts[own], keep);
    });
  }
  return {
    cut: lists[0].cut,
    count,
    at(start, end) {
      const parts = lists.flatMap((list, i) => {
        const [from, to] = [Math.max(start - starts[i], 0), Math.min(end - starts[i], list.count)];
        return from < to ? [list.at(from, to)] : [];
      });
      if (parts.length === 1) return parts[0];
      return new Map(lists[0].cut.map((name) => [name, concatRows(parts.map((part) => part.get(name) as Tensor))]));
    },
  };
}

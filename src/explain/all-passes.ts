import type { Passes, WorkOptions } from '../attribution/prepared.ts';

type OnProgress = NonNullable<WorkOptions['onProgress']>;

/** Tells the passes of several pieces of work as one number: each counts in an object of its own. */
export function allPasses(onProgress: OnProgress): OnProgress {
  const counted = new WeakMap<Readonly<Passes>, Passes>();
  const all: Passes = { forward: 0, backward: 0 };
  return (passes) => {
    const before = counted.get(passes) ?? { forward: 0, backward: 0 };
    counted.set(passes, { ...passes });
    all.forward += passes.forward - before.forward;
    all.backward += passes.backward - before.backward;
    onProgress({ ...all });
  };
}

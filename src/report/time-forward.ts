import { repeatRows } from '../attribution/points.ts';
import type { Passes } from '../attribution/prepared.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import { WhereforeError } from '../errors.ts';
import type { Specialised } from '../runtime/executor.ts';

/** Rows of the run by which a quick model is timed, and the seconds below which a model is quick. */
const timedRows = 32;
const quickSeconds = 0.02;

/**
 * Seconds of one forward pass, the shortest of a few runs, because whatever else runs only adds to it. Methods that take many passes put many into one run, which
 * takes a small model hardly longer than one: it is timed by the row of such a run.
 */
export async function timeForward(
  model: Pick<LoadedModel, 'executor' | 'graph'>,
  { graph }: Pick<Specialised, 'graph'>,
  { tensors }: Pick<ModelInput, 'tensors'>,
  output: string,
): Promise<number> {
  await model.executor.run(graph, tensors, [output]);
  const alone = await secondsOf(() => model.executor.run(graph, tensors, [output]));
  const together = [...tensors.values()].every(({ shape }) => shape[0] === 1);
  if (alone > quickSeconds || !together) return alone;
  const many = new Map([...tensors].map(([name, tensor]) => [name, repeatRows(tensor, timedRows)]));
  try {
    const batch = await model.executor.specialise(model.graph, many);
    await model.executor.run(batch.graph, many, [output]);
    return (await secondsOf(() => model.executor.run(batch.graph, many, [output]))) / timedRows;
  } catch (error) {
    // A model with a batch of 1 built in: its passes run one by one.
    if (error instanceof WhereforeError && (error.code === 'runtime' || error.code === 'wrong-shape')) return alone;
    throw error;
  }
}

/** Runs of a trial, after the one that opens the session; fewer of a model that is not quick. */
const trials = 3;

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < trials && !(shortest < Number.POSITIVE_INFINITY && shortest > quickSeconds); trial++) {
    const started = performance.now();
    await work();
    shortest = Math.min(shortest, (performance.now() - started) / 1000);
  }
  return shortest;
}

/** Gradients take about this many times as long as a forward pass, beside the forward pass that they need. */
const backwardShare = 2.5;

/** Seconds of so many passes, in `explain` and in `evaluate`. */
export function secondsOfPasses({ forward, backward }: Passes, forwardSeconds: number): number {
  return forwardSeconds * (forward + backwardShare * backward);
}

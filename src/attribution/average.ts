import type { GradientNote } from '../autodiff/context.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';
import type { MethodResult } from './methods/method.ts';

/**
 * The mean of several runs of a method, one after the other, so that two results are held at a time. `converged` is
 * whether every run did, `chosen` how many did and the most steps that one took.
 */
export async function averageOf(runs: number, run: (k: number) => Promise<MethodResult>): Promise<MethodResult> {
  const sums = new Map<string, { readonly shape: readonly number[]; readonly data: Float64Array }>();
  const errors = new Map<string, Float64Array>();
  let relative: number | undefined;
  let sum = 0;
  let converged: boolean | undefined;
  let metAlone = 0;
  let steps = 0;
  let gradientNotes: readonly GradientNote[] = [];
  const notes = new Set<string>();
  for (let k = 0; k < runs; k++) {
    const result = await run(k);
    for (const [name, { shape, data }] of result.values) {
      let total = sums.get(name);
      if (!total) sums.set(name, (total = { shape, data: new Float64Array(sizeOf(shape)) }));
      for (let i = 0; i < data.length; i++) total.data[i] += data[i] / runs;
    }
    // Every run draws with the same seed: their errors may go the same way, so that the mean's is the mean of theirs.
    for (const [name, { data }] of result.standardErrors ?? []) {
      const total = errors.get(name) ?? new Float64Array(data.length);
      for (let i = 0; i < data.length; i++) total[i] += data[i] / runs;
      errors.set(name, total);
    }
    if (result.relativeStandardError !== undefined) relative = Math.max(relative ?? 0, result.relativeStandardError);
    sum += result.sum / runs;
    if (result.converged !== undefined) converged = (converged ?? true) && result.converged;
    if (result.converged) metAlone++;
    steps = Math.max(steps, Number(result.chosen?.steps ?? 0));
    gradientNotes = result.gradientNotes ?? [];
    for (const note of result.notes ?? []) notes.add(note);
  }
  const values = new Map([...sums].map(([name, { shape, data }]) => [name, float32(shape, data)]));
  const chosen = {
    baselines: runs,
    ...(converged === undefined ? {} : { convergedAlone: metAlone }),
    ...(steps ? { steps } : {}),
  };
  const result = { values, sum, converged, gradientNotes, chosen, notes: [...notes] };
  if (errors.size === 0) return result;
  const standardErrors = new Map(
    [...errors].map(([name, data]) => [name, float32(values.get(name)?.shape ?? [data.length], data)]),
  );
  return { ...result, standardErrors, relativeStandardError: relative };
}

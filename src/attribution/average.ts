import type { GradientNote } from '../autodiff/context.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';
import type { MethodResult } from './methods/method.ts';

/**
 * The mean of several runs of a method, one after the other, so that two results are held at a time. `converged` is
 * whether every run did, `chosen` how many did and the most steps that one took.
 */
export async function averageOf(runs: number, run: (k: number) => Promise<MethodResult>): Promise<MethodResult> {
  const sums = new Map<string, { readonly shape: readonly number[]; readonly data: Float64Array }>();
  let sum = 0;
  let converged: boolean | undefined;
  let metAlone = 0;
  let steps = 0;
  let gradientNotes: readonly GradientNote[] = [];
  for (let k = 0; k < runs; k++) {
    const result = await run(k);
    for (const [name, { shape, data }] of result.values) {
      let total = sums.get(name);
      if (!total) sums.set(name, (total = { shape, data: new Float64Array(sizeOf(shape)) }));
      for (let i = 0; i < data.length; i++) total.data[i] += data[i] / runs;
    }
    sum += result.sum / runs;
    if (result.converged !== undefined) converged = (converged ?? true) && result.converged;
    if (result.converged) metAlone++;
    steps = Math.max(steps, Number(result.chosen?.steps ?? 0));
    gradientNotes = result.gradientNotes ?? [];
  }
  const values = new Map([...sums].map(([name, { shape, data }]) => [name, float32(shape, data)]));
  const chosen = {
    baselines: runs,
    ...(converged === undefined ? {} : { convergedAlone: metAlone }),
    ...(steps ? { steps } : {}),
  };
  return { values, sum, converged, gradientNotes, chosen };
}

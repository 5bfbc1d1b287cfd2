import type { GradientNote } from '../autodiff/context.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';
import type { MethodResult } from './methods/method.ts';

/** The mean of several runs of a method, one after the other, so that two results are held at a time. */
export async function averageOf(runs: number, run: (k: number) => Promise<MethodResult>): Promise<MethodResult> {
  const sums = new Map<string, { readonly shape: readonly number[]; readonly data: Float64Array }>();
  let sum = 0;
  let converged: boolean | undefined;
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
    gradientNotes = result.gradientNotes ?? [];
  }
  const values = new Map([...sums].map(([name, { shape, data }]) => [name, float32(shape, data)]));
  return { values, sum, converged, gradientNotes, chosen: { baselines: runs } };
}

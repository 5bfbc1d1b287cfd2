import * as z from 'zod/mini';
import type { Tensor } from '../../tensor/tensor.ts';
import type { MethodResult } from './method.ts';

/** How sure a method is that samples: how far its values would move with another seed. */
export type Sureness = Pick<MethodResult, 'standardErrors' | 'relativeStandardError'>;

/** The tolerance of methods that sample until they are sure. */
export const samplingTolerance = z
  ._default(z.number().check(z.minimum(0)), 0.05)
  .check(
    z.describe(
      'Samples more, twice as many each time, while the largest standard error exceeds this share of the largest value; 0 never does',
    ),
  );

/** What a method takes where the caller does not say how many samples: first, and at most. */
export interface Budget {
  readonly first: number;
  readonly most: number;
  readonly tolerance: number;
}

/** The samples of each try: twice those of the one before; one try where the number is stated. */
export function triesOf({ first, most, tolerance }: Budget, stated: number | undefined): number[] {
  const tries = [stated ?? first];
  if (stated !== undefined || tolerance === 0 || tolerance === Number.POSITIVE_INFINITY) return tries;
  for (let count = 2 * first; count <= most; count *= 2) tries.push(count);
  return tries;
}

/** The largest standard error relative to the largest value; undefined where all values are 0 or nothing is known. */
export function relativeTo(values: ArrayLike<number>, errors: ArrayLike<number> | undefined): number | undefined {
  if (!errors) return undefined;
  let [largest, error] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i]));
    error = Math.max(error, errors[i]);
  }
  return largest > 0 && Number.isFinite(error) ? error / largest : undefined;
}

/** Whether a try is the last: sure enough, or without a way to tell. */
export function isSure(relative: number | undefined, tolerance: number): boolean {
  return relative === undefined || relative <= tolerance;
}

/** Sureness of values that are sampled element by element. */
export function surenessOf(
  values: ReadonlyMap<string, Tensor<'float32'>>,
  errors: ReadonlyMap<string, Tensor<'float32'>>,
): Sureness {
  let [largest, error] = [0, 0];
  for (const [name, { data }] of values) {
    const own = errors.get(name) as Tensor<'float32'>;
    for (let i = 0; i < data.length; i++) {
      largest = Math.max(largest, Math.abs(data[i]));
      error = Math.max(error, own.data[i]);
    }
  }
  return { standardErrors: errors, relativeStandardError: largest > 0 ? error / largest : undefined };
}

/**
 * Standard error of a mean of independent draws from their sum and the sum of their squares:
 * `√((Σx²/n − (Σx/n)²) / (n − 1))`.
 */
export function errorOfMean(sum: number, squares: number, count: number): number {
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2) / (count - 1));
}

/** One list behind another. */
export function appended<T extends Uint8Array | Float64Array>(before: T, more: T): T {
  const all = new (before.constructor as new (length: number) => T)(before.length + more.length);
  all.set(before);
  all.set(more, before.length);
  return all;
}

import type { RuleContext } from '../context.ts';

/** Values with mean 0 and deviation 1 along axes, and the inverse of the deviation that they were divided by. */
export interface Standardised {
  readonly value: string;
  readonly inverse: string;
  readonly axes: readonly number[];
}

/** x̂ = (x − mean)/√(variance + ε), recomputed from `x`. */
export function standardise(c: RuleContext, x: string, axes: readonly number[], epsilon: number): Standardised {
  const centred = c.sub(x, c.reduceMean(x, axes, true));
  const variance = c.reduceMean(c.mul(centred, centred), axes, true);
  const inverse = c.op('Reciprocal', [c.op('Sqrt', [c.add(variance, c.scalar(epsilon, x))])]);
  return { value: c.mul(centred, inverse), inverse, axes };
}

/** From the gradient of x̂ to that of x: σ⁻¹·(g − mean g − x̂·mean(g·x̂)). */
export function backThrough(c: RuleContext, g: string, { value, inverse, axes }: Standardised): string {
  const along = c.mul(value, c.reduceMean(c.mul(g, value), axes, true));
  return c.mul(inverse, c.sub(c.sub(g, c.reduceMean(g, axes, true)), along));
}

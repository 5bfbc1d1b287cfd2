import { WhereforeError } from '../errors.ts';
import type { Executor } from '../runtime/executor.ts';
import { firstNotFinite, type NonFiniteRun, nonFiniteError } from '../runtime/non-finite.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { CurvaturePlan, Plan } from './plan.ts';

/** A run of which something came out infinite or not a number, kept until it is known whether that matters. */
export type WrongRun = Omit<NonFiniteRun, 'feeds'> & { readonly feeds: () => Tensors };

/** The first gradient of a plan that came out infinite or not a number. */
export function wrongGradient(plan: Plan | CurvaturePlan, results: Tensors): string | undefined {
  const names = [...plan.gradients.values(), ...('products' in plan ? plan.products.values() : [])];
  return names.find((name) => name && firstNotFinite(results.get(name)?.data as ArrayLike<number>) >= 0);
}

/** The run of a plan that gave such a value. */
export function wrongRun({ graph, seeds, origins }: Plan, value: string, feeds: () => Tensors): WrongRun {
  return { graph, feeds, value, backward: { seeds, origins } };
}

/**
 * The error for an attribution, or a target, that is infinite or not a number: names the node that makes it so.
 * @param run the run where it was seen first, if it was
 */
export async function errorOfWrong(
  executor: Executor,
  run: WrongRun | undefined,
  what: string,
): Promise<WhereforeError> {
  if (run) return nonFiniteError(executor, { ...run, feeds: run.feeds() }, what);
  return new WhereforeError('not-finite', `${what} is infinite or not a number`, {
    fix: 'choose a smaller input or another baseline; its values overflow what float32 can hold',
  });
}

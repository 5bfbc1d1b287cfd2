import * as z from 'zod';
import { WhereforeError } from '../errors.ts';
import { checkTensor, checkTensors, describeValue } from '../tensor/check-tensor.ts';
import type { Baseline, InputBaseline } from './baseline.ts';

/** A baseline as a caller states it: a map gives each input one of its own, by input name. */
export type StatedBaseline = Baseline | ReadonlyMap<string, InputBaseline>;

const number = z.number().or(z.nan());
const tensors = z.custom((value) => value !== undefined);

/** The fields of each kind; values are looked at where they are used. */
const fields: { readonly [K in Baseline['kind']]: z.ZodObject } = {
  zero: z.object({}),
  constant: z.object({ value: number }),
  mean: z.object({}),
  blur: z.object({ sigma: number }),
  noise: z.object({ seed: number, draws: number.optional() }),
  tokens: z.object({ id: number, token: z.string().optional(), keep: z.array(number).optional() }),
  input: z.object({ description: z.string() }),
  sample: z.object({ description: z.string(), tensors }),
  each: z.object({ baselines: z.instanceof(Map) }),
};

/**
 * Checks a stated baseline, which a caller in JavaScript may have given in any form.
 * @throws WhereforeError `invalid-argument` for a kind that does not exist or wrong fields, `wrong-type` and
 *   `wrong-shape` for what is no tensor
 */
export function checkBaseline(stated: unknown, where = 'the baseline'): Baseline {
  if (stated instanceof Map) return checkBaseline({ kind: 'each', baselines: stated }, where);
  const { kind } = (typeof stated === 'object' && stated !== null ? stated : {}) as { readonly kind?: unknown };
  if (typeof kind !== 'string' || !Object.hasOwn(fields, kind)) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of baseline', {
      where,
      got: typeof kind === 'string' ? `kind ${JSON.stringify(kind)}` : describeValue(stated),
      expected: Object.keys(fields).join(', '),
      fix: "name its kind, e.g. { kind: 'zero' }",
    });
  }
  const baseline = stated as Baseline;
  const parsed = fields[baseline.kind].safeParse(baseline);
  if (!parsed.success) {
    throw new WhereforeError('invalid-argument', `a baseline of kind "${kind}"`, {
      where,
      got: describeValue(baseline),
      expected: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    });
  }
  if (baseline.kind === 'sample') checkTensors(baseline.tensors, `${where}, tensors`);
  if (baseline.kind === 'input') checkGiven(baseline, where);
  if (baseline.kind !== 'each') return baseline;
  if (baseline.baselines.size === 0) {
    throw new WhereforeError('invalid-argument', 'a baseline for each input that names none', { where });
  }
  for (const [name, own] of baseline.baselines) {
    if (checkBaseline(own, `${where} of "${name}"`).kind !== 'each') continue;
    throw new WhereforeError('invalid-argument', 'a baseline of one input cannot be one for each input', { where });
  }
  return baseline;
}

function checkGiven(baseline: Extract<Baseline, { kind: 'input' }>, where: string): void {
  if ((baseline.tensor === undefined) === (baseline.tensors === undefined)) {
    throw new WhereforeError('invalid-argument', 'a given baseline', {
      where,
      got: baseline.tensor ? 'both' : 'neither',
      expected: '`tensor` for the only explained input, or `tensors` by input name',
    });
  }
  if (baseline.tensor !== undefined) checkTensor(baseline.tensor, `${where}, tensor`);
  else checkTensors(baseline.tensors, `${where}, tensors`);
}

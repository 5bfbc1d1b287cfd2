import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { describeValue } from '../tensor/check-tensor.ts';
import type { Baseline } from './baseline.ts';
import { baselineKind, baselineKinds, type InputBaseline } from './baselines/index.ts';

/** A baseline as a caller states it: a map gives each input one of its own, by input name. */
export type StatedBaseline = Baseline | ReadonlyMap<string, InputBaseline>;

/**
 * Checks a stated baseline, which a caller in JavaScript may have given in any form.
 * @throws WhereforeError `invalid-argument` for a kind that does not exist or wrong fields, `wrong-type` and
 *   `wrong-shape` for what is no tensor
 */
export function checkBaseline(stated: unknown, where = 'the baseline'): Baseline {
  if (stated instanceof Map) return checkBaseline({ kind: 'each', baselines: stated }, where);
  const { kind } = (typeof stated === 'object' && stated !== null ? stated : {}) as { readonly kind?: unknown };
  const row = typeof kind === 'string' ? baselineKind(kind) : undefined;
  if (kind === 'each') return checkEach(stated as Extract<Baseline, { kind: 'each' }>, where);
  if (!row) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of baseline', {
      where,
      got: typeof kind === 'string' ? `kind ${JSON.stringify(kind)}` : describeValue(stated),
      expected: [...Object.keys(baselineKinds), 'each'].join(', '),
      fix: "name its kind, e.g. { kind: 'zero' }",
    });
  }
  const baseline = stated as InputBaseline;
  const parsed = checked(row.stated, baseline);
  if (!parsed.success) {
    throw new WhereforeError('invalid-argument', `a baseline of kind "${kind}"`, {
      where,
      got: describeValue(baseline),
      expected: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    });
  }
  row.check?.(baseline, where);
  return baseline;
}

function checkEach(baseline: Extract<Baseline, { kind: 'each' }>, where: string): Baseline {
  if (!(baseline.baselines instanceof Map)) {
    throw new WhereforeError('invalid-argument', 'a baseline of kind "each"', {
      where,
      got: describeValue(baseline),
      expected: 'baselines: a Map of baselines by input name',
    });
  }
  if (baseline.baselines.size === 0) {
    throw new WhereforeError('invalid-argument', 'a baseline for each input that names none', { where });
  }
  for (const [name, own] of baseline.baselines) {
    if (checkBaseline(own, `${where} of "${name}"`).kind !== 'each') continue;
    throw new WhereforeError('invalid-argument', 'a baseline of one input cannot be one for each input', { where });
  }
  return baseline;
}

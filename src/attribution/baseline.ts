import { WhereforeError } from '../errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { baselineKind, baselineKinds, type InputBaseline } from './baselines/index.ts';
import type { ExplainedInput, InputLayout } from './baselines/kind.ts';
import { checkFinite } from './baselines/numbers.ts';

export type { InputBaseline } from './baselines/index.ts';
export type { InputLayout } from './baselines/kind.ts';

/** What "absent" means: the input against which the output is explained. Always stated, never defaulted. */
export type Baseline =
  | InputBaseline
  /** A baseline of its own for each of several inputs, by input name; the inputs that it does not name stay as they are. */
  | { readonly kind: 'each'; readonly baselines: ReadonlyMap<string, InputBaseline> };

/** A layout where it can be that of an input with so many axes. */
export function layoutFor(layout: InputLayout, rank: number): InputLayout {
  const axes = [layout.channelAxis ?? 0, ...(layout.spatialAxes ?? [])];
  return axes.every((axis) => axis < rank) ? layout : {};
}

/**
 * Every baseline input `x0` for an input `x`: one, each row of a sample, or each draw of noise. Where several inputs have
 * samples of their own, row k of one belongs to row k of the others; a single baseline stands beside every row.
 * @param mayMiss whether a given baseline of an input may lack values (NaN); default: none may
 * @throws WhereforeError `wrong-type` for a baseline of numbers where an input has none and the other way round,
 *   `wrong-shape`, `not-finite`, `out-of-range`; `unknown-name` for an explained input that does not exist
 */
export function resolveBaselines(
  inputs: ReadonlyMap<string, Tensor>,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
  mayMiss: (name: string) => boolean = () => false,
): Map<string, Tensor>[] {
  const absent = explained.find((name) => !inputs.has(name));
  if (absent !== undefined || explained.length === 0) {
    throw new WhereforeError('unknown-name', `the baseline is for an input that the model does not have`, {
      got: absent === undefined ? 'none' : `"${absent}"`,
      expected: [...inputs.keys()].map((name) => `"${name}"`).join(', '),
    });
  }
  const lists = explained.map((name) => {
    const input = inputs.get(name) as Tensor;
    const own = baseline.kind === 'each' ? baseline.baselines.get(name) : baseline;
    if (!own) {
      throw new WhereforeError('unknown-name', `the baseline says nothing of the explained input "${name}"`, {
        got: baseline.kind === 'each' ? [...baseline.baselines.keys()].map((key) => `"${key}"`).join(', ') : undefined,
      });
    }
    const alone = explained.length === 1 || baseline.kind === 'each';
    const shared = layoutFor(layout, input.shape.length);
    return resolveOne({ name, input, layout: shared, alone, mayMiss: mayMiss(name) }, own);
  });
  let count = 1;
  for (const { length } of lists) count = Math.max(count, length);
  if (lists.some(({ length }) => length !== count && length !== 1)) {
    throw new WhereforeError('wrong-shape', 'the sample of baselines', {
      got: `${lists.map(({ length }) => length).join(', ')} rows`,
      expected: 'as many rows of every input, at least one',
    });
  }
  return Array.from({ length: count }, (_, k) => {
    const result = new Map(inputs);
    for (const [i, name] of explained.entries()) result.set(name, lists[i][lists[i].length === 1 ? 0 : k]);
    return result;
  });
}

function resolveOne(explained: ExplainedInput, baseline: InputBaseline): Tensor[] {
  const row = baselineKind(baseline.kind ?? '');
  if (!row) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of baseline', {
      got: JSON.stringify(baseline),
      expected: Object.keys(baselineKinds).join(', '),
      fix: "name its kind, e.g. { kind: 'zero' }",
    });
  }
  const found = row.resolve(explained, baseline);
  const where = `input "${explained.name}"`;
  found.forEach((tensor, k) => {
    checkFinite(tensor, found.length > 1 ? `${where}, row ${k}` : where, explained.mayMiss);
  });
  return found;
}

/**
 * The only baseline input of a baseline that is one.
 * @throws WhereforeError as {@link resolveBaselines}; `invalid-argument` for a sample or several draws of noise
 */
export function resolveSingle(
  inputs: ReadonlyMap<string, Tensor>,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
): Map<string, Tensor> {
  const [first, ...others] = resolveBaselines(inputs, explained, baseline, layout);
  if (others.length === 0) return first;
  throw new WhereforeError('invalid-argument', `${describeBaseline(baseline)}: not one baseline but several`, {
    got: String(others.length + 1),
    fix: 'choose a single baseline here',
  });
}

/**
 * The baseline input `x0` for the only explained input `x`.
 * @throws WhereforeError as {@link resolveSingle}
 */
export function resolveBaseline(input: Tensor, baseline: Baseline, layout: InputLayout = {}): Tensor {
  return resolveSingle(new Map([['x', input]]), ['x'], baseline, layout).get('x') as Tensor;
}

/** A baseline in words, as it is printed and recorded. */
export function describeBaseline(baseline: Baseline): string {
  if (baseline.kind === 'each')
    return [...baseline.baselines].map(([name, own]) => `${name}: ${describeBaseline(own)}`).join('; ');
  return baselineKind(baseline.kind)?.describe(baseline) ?? baseline.kind;
}

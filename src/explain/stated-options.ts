import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { describeValue } from '../tensor/check-tensor.ts';
import type { CheckedOptions, ExplainOptions } from './explain-options.ts';

/** What `explain` takes; a name that is none of these is a mistake, not to be passed over. */
const known: { readonly [K in keyof Required<ExplainOptions>]: true } = {
  target: true,
  baseline: true,
  layers: true,
  layer: true,
  methods: true,
  method: true,
  groups: true,
  parameters: true,
  preprocessing: true,
  score: true,
  command: true,
  onPlanned: true,
  onStarted: true,
  onScoring: true,
  onExplained: true,
  onProgress: true,
  byteBudget: true,
  fewSizes: true,
  sideBySide: true,
  signal: true,
};

/**
 * Checks the options of `explain`, which a caller in JavaScript may have given in any form.
 * @throws WhereforeError `invalid-argument` for what is no object, an option that does not exist, a list of something
 *   else than names
 */
export function checkOptions(stated: ExplainOptions): CheckedOptions {
  if (typeof stated !== 'object' || stated === null || Array.isArray(stated)) throw noObject('the options', stated);
  for (const name of Object.keys(stated)) {
    if (Object.hasOwn(known, name)) continue;
    throw unknownName('explain has no option', name, Object.keys(known), { code: 'invalid-argument' });
  }
  const { parameters } = stated;
  if (parameters !== undefined && (typeof parameters !== 'object' || parameters === null)) {
    throw noObject('parameters', parameters);
  }
  const { method, methods = method, layer, layers = layer, ...others } = stated;
  for (const [one, several] of [
    ['method', 'methods'],
    ['layer', 'layers'],
  ] as const) {
    if (stated[one] === undefined || stated[several] === undefined) continue;
    throw new WhereforeError('invalid-argument', `both ${one} and ${several}`, {
      fix: `name all of them in ${several}`,
    });
  }
  return { ...others, methods: namesOf('methods', methods), layers: namesOf('layers', layers) };
}

function namesOf<Name extends string>(what: string, stated: Name | readonly Name[] | undefined) {
  if (stated === undefined) return undefined;
  const names: readonly unknown[] = Array.isArray(stated) ? stated : [stated];
  const wrong = names.find((name) => typeof name !== 'string');
  if (wrong === undefined && !names.includes(undefined)) return names as readonly Name[];
  throw new WhereforeError('invalid-argument', `${what}: not a name`, {
    got: describeValue(wrong),
    expected: 'a name, or a list of names',
  });
}

function noObject(what: string, got: unknown): WhereforeError {
  return new WhereforeError('invalid-argument', `${what} of explain`, {
    got: describeValue(got),
    expected: "an object, e.g. { methods: ['integrated-gradients'] }",
  });
}

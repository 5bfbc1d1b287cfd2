import { mapped } from '../../tensor/filled.ts';
import type { Unit, UnitKind } from '../text/units.ts';
import { relativeError } from './gradient-methods.ts';
import { titles } from './method-titles.ts';
import type { WhyAttribution, WhyMethodName } from './why-document.ts';

/** Values of units that can be left out, among all units: those that stay have 0. */
export function spread({ units }: { readonly units: readonly Unit[] }, values: ArrayLike<number>): Float64Array {
  let next = 0;
  return mapped(Float64Array, units, ({ special }) => (special ? 0 : values[next++]));
}

export interface Made {
  readonly values: Float64Array;
  readonly errors?: Float64Array;
  readonly target: number;
  readonly unit: UnitKind;
  readonly promises: boolean;
  readonly baseline: string;
  readonly notes: readonly string[];
}

export function made(
  method: WhyMethodName,
  { values, errors, target, unit, promises, baseline, notes }: Made,
): WhyAttribution {
  return {
    method,
    ...titles[method],
    unit,
    values: Array.from(values),
    ...(errors && { errors: Array.from(errors) }),
    sum: values.reduce((sum, value) => sum + value, 0),
    target,
    promisesSum: promises,
    relativeError: target === 0 ? null : relativeError({ values, target }),
    baseline,
    lds: null,
    notes,
  };
}

import { WhereforeError } from '../../errors.ts';
import { convert } from '../../tensor/convert.ts';
import { type Tensor, tensor as tensorOf } from '../../tensor/tensor.ts';
import { sameNumbers, wholeNumbers } from '../../tensor/whole-numbers.ts';
import type { ExplainedInput } from './kind.ts';

/** Numbers in the element type of an input. */
export function numbersLike({ name, input }: ExplainedInput, kind: string, values: Tensor<'float32'>): Tensor {
  if (input.type === 'float32') return values;
  if (input.type === 'float64') return convert(values, 'float64');
  const range = wholeNumbers[input.type];
  if (!range) {
    throw new WhereforeError('wrong-type', `a ${kind} baseline needs an input of numbers`, {
      where: `input "${name}"`,
      got: input.type,
      fix: 'give the baseline as a tensor of the same type, or as a sample',
    });
  }
  checkFinite(values, `input "${name}"`);
  const whole = values.data.map(Math.round);
  const beyond = whole.findIndex((value) => value < range[0] || value > range[1]);
  if (beyond >= 0) {
    throw new WhereforeError('out-of-range', `the ${kind} baseline does not fit the type of input "${name}"`, {
      got: String(whole[beyond]),
      expected: `${range[0]} to ${range[1]} (${input.type})`,
    });
  }
  return convert(tensorOf('float32', input.shape, whole), input.type);
}

/** The same numbers in the type of an input, where it has them; anything else as it is. */
export function inTypeOf({ type }: Tensor, given: Tensor | undefined): Tensor | undefined {
  return given && (sameNumbers(given, type) ?? given);
}

/** @throws WhereforeError `not-finite` for an infinite value, or one that is missing where none may */
export function checkFinite({ type, data }: Tensor, where: string, mayMiss = false): void {
  if (type !== 'float32') return;
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]) || (mayMiss && Number.isNaN(values[i]))) continue;
    throw new WhereforeError('not-finite', 'the baseline holds a value that is not a finite number', {
      where,
      got: `${values[i]} at element ${i}`,
      fix: 'state a baseline of finite numbers',
    });
  }
}

/**
 * A number as a person writes it in a baseline: `8`, `-0.5`, `1e-3`.
 * @throws WhereforeError `invalid-argument` for anything else
 */
export function numberIn(text: string): number {
  const value = /^-?[\d.]+(?:e-?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new WhereforeError('invalid-argument', '--baseline', { got: text || 'nothing', expected: 'a number' });
}

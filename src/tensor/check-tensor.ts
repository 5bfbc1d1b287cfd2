import { WhereforeError } from '../errors.ts';
import { dataTypes, formatShape, storageLength, type Tensor } from './tensor.ts';

/** A value as a person recognises it: `a number`, `an array of 3`, `an object with the keys a, b`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (value instanceof Map) return `a Map with the keys ${[...value.keys()].slice(0, 8).join(', ') || '(none)'}`;
  if (typeof value !== 'object') return `${typeof value} ${String(value)}`;
  return `an object with the keys ${Object.keys(value).slice(0, 8).join(', ') || '(none)'}`;
}

const form = '{ type, shape, data } with a typed array that fills the shape, e.g. float32([1, 2], [3, 4])';

/**
 * Checks that a value is a tensor: for what a caller in JavaScript gives, where no compiler looked.
 * @param where what it is, for the message
 * @throws WhereforeError `wrong-type`, or `wrong-shape` where its data does not fill its shape
 */
export function checkTensor(value: unknown, where: string): asserts value is Tensor {
  const refuse = (got: string) => new WhereforeError('wrong-type', 'not a tensor', { where, got, expected: form });
  if (typeof value !== 'object' || value === null || !('type' in value)) throw refuse(describeValue(value));
  const { type, shape, data } = value as Partial<Tensor>;
  if (typeof type !== 'string' || !Object.hasOwn(dataTypes, type)) throw refuse(`type ${describeValue(type)}`);
  if (!Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw refuse(`shape ${Array.isArray(shape) ? JSON.stringify(shape) : describeValue(shape)}`);
  }
  if (!(data instanceof dataTypes[type].array)) throw refuse(`data: ${describeValue(data)} for ${type}`);
  const expected = storageLength(type, shape);
  if (data.length === expected) return;
  throw new WhereforeError('wrong-shape', `the data does not fill ${formatShape(shape)}`, {
    where,
    got: `${data.length} elements`,
    expected: String(expected),
  });
}

/**
 * Checks that a value is a map from names to tensors.
 * @throws WhereforeError as {@link checkTensor}
 */
export function checkTensors(value: unknown, where: string): asserts value is ReadonlyMap<string, Tensor> {
  if (!(value instanceof Map)) {
    throw new WhereforeError('wrong-type', 'not a map of tensors by input name', {
      where,
      got: describeValue(value),
      expected: 'a Map',
      fix: 'new Map([[name, tensor], …])',
    });
  }
  for (const [name, tensor] of value) checkTensor(tensor, `${where}, "${name}"`);
}

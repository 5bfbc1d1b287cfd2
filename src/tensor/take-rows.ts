import { WhereforeError } from '../errors.ts';
import { dataTypes, sizeOf, type Tensor, tensor } from './tensor.ts';

/**
 * Some rows of a tensor along its first axis, copied in the order given.
 * @throws WhereforeError `out-of-range` for a row that is not there, `wrong-type` where elements share bytes (4 bits)
 */
export function takeRows<T extends Tensor>(all: T, indices: ArrayLike<number>): T {
  const [count, ...rest] = all.shape;
  const isText = all.type === 'string';
  if (!isText && dataTypes[all.type].bytes < 1)
    throw new WhereforeError('wrong-type', 'rows of a tensor', { got: all.type, expected: 'whole bytes' });
  const isComplex = all.type === 'complex64' || all.type === 'complex128';
  const width = sizeOf(rest) * (isComplex ? 2 : 1);
  const result = tensor(all.type, [indices.length, ...rest]);
  const from = all.data as Float32Array;
  const to = result.data as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new WhereforeError('out-of-range', 'there is no such row', {
        got: `${index}`,
        expected: `0 to ${count - 1}`,
      });
    }
    if (isText || width === 1) for (let j = 0; j < width; j++) to[i * width + j] = from[index * width + j];
    else to.set(from.subarray(index * width, (index + 1) * width), i * width);
  }
  return result as unknown as T;
}

import { WhereforeError } from '../errors.ts';
import { toNumbers } from '../tensor/convert.ts';
import { concatRows, type Tensor } from '../tensor/tensor.ts';

/** One tensor of the rows that several runs gave. */
export function joined(parts: ReadonlyMap<string, readonly Tensor[]>): Map<string, Tensor> {
  return new Map([...parts].map(([name, list]) => [name, list.length === 1 ? list[0] : concatRows(list)]));
}

/** As numbers, without a copy where they are that already: there is one for each of perhaps 100,000 points. */
export function numbersOf(tensor: Tensor): ArrayLike<number> {
  return tensor.type === 'float32' ? (tensor as Tensor<'float32'>).data : toNumbers(tensor);
}

/** Adds one run's gradient to what the runs before it gave. */
export function addTo(
  sums: Map<string, Float64Array>,
  name: string,
  size: number,
  values: Float32Array | undefined,
): void {
  let sum = sums.get(name);
  if (!sum) sums.set(name, (sum = new Float64Array(size)));
  if (!values) return;
  if (values.length !== size)
    throw new WhereforeError('internal', `the gradient of "${name}" has ${values.length} elements, not ${size}`);
  for (let i = 0; i < size; i++) sum[i] += values[i];
}

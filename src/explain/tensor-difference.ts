import { toNumbers } from '../tensor/convert.ts';
import { sameShape, type Tensor } from '../tensor/tensor.ts';
import { type Explained, storedTensor } from './explained.ts';

/**
 * Largest difference between the recorded tensors of a group and others of the same names, as a share of the largest
 * magnitude in both; 0 where every element is the same, NaN where there is none to compare with, a shape is another
 * one, or an element is no finite number.
 */
export function tensorDifference(
  recorded: Explained,
  group: Readonly<Record<string, { readonly key: string }>>,
  others: ReadonlyMap<string, Tensor>,
): number {
  if (Object.keys(group).length !== others.size) return Number.NaN;
  let largest = 0;
  let difference = 0;
  for (const [name, other] of others) {
    if (!Object.hasOwn(group, name)) return Number.NaN;
    const own = storedTensor(recorded, group[name].key);
    if (own.type !== other.type || own.type === 'string' || !sameShape(own.shape, other.shape)) return Number.NaN;
    const [a, b] = [toNumbers(own), toNumbers(other)];
    for (let i = 0; i < a.length; i++) {
      if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) return Number.NaN;
      largest = Math.max(largest, Math.abs(a[i]), Math.abs(b[i]));
      difference = Math.max(difference, Math.abs(a[i] - b[i]));
    }
  }
  return largest === 0 ? 0 : difference / largest;
}

import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { axesFrom } from './axes.ts';

/**
 * For every element the product of all *other* elements along `axes`: Π_{j≠i} x_j, without a division, so that it
 * holds where elements are zero, and is a polynomial, so that it can be differentiated again.
 *
 * The products before and after each element come from scans that double their reach in every step.
 */
export function othersProduct(c: RuleContext, x: string, shape: readonly number[], axes: readonly number[]): string {
  const rest = axesFrom(0, shape.length).filter((axis) => !axes.includes(axis));
  const permutation = [...rest, ...axes];
  const permuted = permutation.map((axis) => shape[axis]);
  const count = sizeOf(axes.map((axis) => shape[axis]));
  const lines = [sizeOf(rest.map((axis) => shape[axis])), count];
  const flat = c.reshapeTo(c.transpose(x, permutation), permuted, lines);

  /** Moves the lines by `steps` (backwards where negative), ones coming in. */
  const shift = (value: string, steps: number) => c.op('Pad', [value, c.ints([0, steps, 0, -steps]), c.scalar(1, x)]);
  const scan = (direction: 1 | -1) => {
    let product = shift(flat, direction);
    for (let reach = 1; reach < count; reach *= 2) product = c.mul(product, shift(product, direction * reach));
    return product;
  };
  const others = c.mul(scan(1), scan(-1));
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  return c.transpose(c.reshapeTo(others, lines, permuted), inverse);
}

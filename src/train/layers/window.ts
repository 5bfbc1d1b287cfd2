import { WhereforeError } from '../../errors.ts';
import type { Dimension } from '../../onnx/graph.ts';
import type { Value } from '../network.ts';

/** Sizes of a sliding window, each spread over the spatial axes of `x`. */
export function windowSizes(x: Value, layer: string, sizes: readonly (number | readonly number[])[]): number[][] {
  const spatial = x.shape.length - 2;
  if (spatial < 1) {
    throw new WhereforeError('wrong-shape', `layer "${layer}" needs spatial axes`, {
      got: `${x.shape.length} axes`,
      expected: '[N, C, …spatial]',
    });
  }
  return sizes.map((size) => {
    if (typeof size === 'number') return new Array<number>(spatial).fill(size);
    if (size.length !== spatial) {
      throw new WhereforeError('invalid-argument', `layer "${layer}" has ${spatial} spatial axes`, {
        got: `${size.length} sizes`,
      });
    }
    return [...size];
  });
}

/** `⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1`; undefined where the size is not known. */
export function windowOutput(
  size: Dimension,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): Dimension {
  if (typeof size !== 'number') return undefined;
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

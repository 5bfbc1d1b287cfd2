import { intsAttribute, type Node, stringAttribute } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';

/**
 * Sliding windows over the spatial axes, from a wide side (the input of a convolution or a pool) to a narrow one.
 * Along axis i, window `o` reads the wide positions `o·stride + t·dilation − begin` for `t < kernel`.
 */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first element. */
  readonly begin: readonly number[];
  /** Padding that the last window reaches behind the last element; negative where elements are left over. */
  readonly end: readonly number[];
  /** Spatial sizes of the wide side. */
  readonly wide: readonly number[];
  /** Spatial sizes of the narrow side: the number of windows. */
  readonly narrow: readonly number[];
}

const repeat = (count: number, value: number) => new Array<number>(count).fill(value);

/** Extent of the kernel with its gaps: `(kernel − 1)·dilation + 1`. */
export function extents({ kernel, dilations }: Pick<Windows, 'kernel' | 'dilations'>): number[] {
  return kernel.map((size, i) => (size - 1) * dilations[i] + 1);
}

/** Attributes that say where the windows of a node lie. `ceil_mode` needs no care: the number of windows is known. */
function attributesOf(node: Node, kernel: readonly number[]) {
  const rank = kernel.length;
  return {
    strides: intsAttribute(node, 'strides') ?? repeat(rank, 1),
    dilations: intsAttribute(node, 'dilations') ?? repeat(rank, 1),
    pads: intsAttribute(node, 'pads') ?? repeat(2 * rank, 0),
    autoPad: stringAttribute(node, 'auto_pad', 'NOTSET'),
  };
}

/** Windows of a convolution or a pool, which runs from the wide side to the narrow one. */
export function windowsOf(
  node: Node,
  kernel: readonly number[],
  wide: readonly number[],
  narrow: readonly number[],
): Windows {
  const { strides, dilations, pads, autoPad } = attributesOf(node, kernel);
  const reach = extents({ kernel, dilations }).map((extent, i) => (narrow[i] - 1) * strides[i] + extent);
  const begin = reach.map((length, i) => {
    if (autoPad === 'VALID') return 0;
    if (!autoPad.startsWith('SAME')) return pads[i];
    const total = Math.max(0, length - wide[i]);
    return autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  const end = reach.map((length, i) => length - wide[i] - begin[i]);
  return { kernel, strides, dilations, begin, end, wide, narrow };
}

/** Windows of a transposed convolution, which runs from the narrow side to the wide one. */
export function transposedWindowsOf(
  node: Node,
  kernel: readonly number[],
  narrow: readonly number[],
  wide: readonly number[],
): Windows {
  const { strides, dilations, pads, autoPad } = attributesOf(node, kernel);
  const extra = intsAttribute(node, 'output_padding') ?? repeat(kernel.length, 0);
  const reach = extents({ kernel, dilations }).map((extent, i) => (narrow[i] - 1) * strides[i] + extent);
  const sized = Boolean(intsAttribute(node, 'output_shape'));
  const begin = reach.map((length, i) => {
    if (autoPad === 'VALID' && !sized) return 0;
    if (!sized && !autoPad.startsWith('SAME')) return pads[i];
    const total = Math.max(0, length + extra[i] - wide[i]);
    return autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  const end = reach.map((length, i) => length - wide[i] - begin[i]);
  return { kernel, strides, dilations, begin, end, wide, narrow };
}

export const isOnes = (values: readonly number[]): boolean => values.every((value) => value === 1);
export const isZeros = (values: readonly number[]): boolean => values.every((value) => value === 0);

/** Axes of the spatial dimensions of a tensor `[batch, channels, …spatial]`. */
export const spatialAxes = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i + 2);

/** Windows that tile the wide side: no gap, no overlap, no padding; elements may be left over at the end. */
export function isTiling({ kernel, strides, dilations, begin, end }: Windows): boolean {
  return isOnes(dilations) && isZeros(begin) && kernel.every((size, i) => size === strides[i] && end[i] <= 0);
}

/**
 * Pads (positive) or crops (negative) the trailing axes of a tensor of shape `shape`; nothing emitted where there is
 * nothing to do.
 */
export function padTrailing(
  context: RuleContext,
  value: string,
  rank: number,
  begin: readonly number[],
  end: readonly number[],
): string {
  if (isZeros(begin) && isZeros(end)) return value;
  const lead = repeat(rank - begin.length, 0);
  return context.op('Pad', [value, context.ints([...lead, ...begin, ...lead, ...end])]);
}

/** Every position of the kernel, the last axis fastest. */
export function tapsOf(kernel: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(kernel) }, (_, tap) => {
    const position = repeat(kernel.length, 0);
    for (let i = kernel.length - 1, rest = tap; i >= 0; i--) {
      position[i] = rest % kernel[i];
      rest = Math.floor(rest / kernel[i]);
    }
    return position;
  });
}

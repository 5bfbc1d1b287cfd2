import { intAttribute } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import type { DataType } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';

// Quantised values: an integer q stands for the real (q − zero point)·scale. The gradient of an integer tensor is the
// derivative with respect to q taken as a real number, in float32; so are all the computations here.

/** Smallest and largest number of each integer type. */
const ranges: Partial<Record<DataType, readonly [number, number]>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** Smallest and largest number that a quantised value can hold. */
export function rangeOf(context: RuleContext, name: string): readonly [number, number] {
  const range = ranges[context.type(name)];
  if (!range)
    throw context.refuse(`"${name}" has ${context.type(name)} elements`, 'use an integer type of 4, 8 or 16 bits');
  return range;
}

/** A value of the model in float32; nothing emitted where it is already. */
export function real(context: RuleContext, name: string): string {
  return context.type(name) === 'float32' ? name : context.op('Cast', [name], { to: codeOfDataType.float32 });
}

/** A float32 gradient in the type of the value that it belongs to, float32 for integers. */
export function gradientFor(context: RuleContext, gradient: string, name: string): string {
  const type = context.gradientType(name);
  return type === 'float32' ? gradient : context.op('Cast', [gradient], { to: codeOfDataType[type] });
}

/** A condition as 1 and 0 in float32. */
export function indicator(context: RuleContext, condition: string): string {
  return context.op('Cast', [condition], { to: codeOfDataType.float32 });
}

/**
 * Input `index` (a scale or a zero point) in float32, under a shape that broadcasts against a tensor of shape `shape`:
 * one number for all, one for each index along `axis`, or one for each block of `blockSize` indices along it.
 *
 * @returns undefined where the input is left out
 */
export function parameter(
  context: RuleContext,
  index: number,
  shape: readonly number[],
  axis: number,
  blockSize = 0,
): string | undefined {
  if (!context.hasInput(index)) return undefined;
  const own = context.inputShape(index);
  const value = real(context, context.input(index));
  if (blockSize > 0 && own.length === shape.length && own.length > 0) {
    const blocks = Array.from({ length: shape[axis] }, (_, i) => Math.floor(i / blockSize));
    return context.op('Gather', [value, context.ints(blocks)], { axis });
  }
  if (own.length !== 1) return value;
  if (own[0] === 1) return context.reshape(value, []);
  return context.reshape(
    value,
    shape.map((size, i) => (i === axis ? size : 1)),
  );
}

/** Input `index` less its zero point, in float32. */
export function centred(context: RuleContext, index: number, zeroPoint: string | undefined): string {
  const value = real(context, context.input(index));
  return zeroPoint ? context.sub(value, zeroPoint) : value;
}

/** The `axis` attribute of QuantizeLinear and DequantizeLinear, counted from the front. */
export function quantizationAxis({ node }: RuleContext, rank: number): number {
  const axis = intAttribute(node, 'axis', 1);
  return axis < 0 ? axis + rank : axis;
}

/**
 * 1 where a quantised output lies strictly inside the range of its type, else 0: what saturates (a fused ReLU as well)
 * does not change with the input.
 */
export function insideRange(context: RuleContext, name: string): string {
  const [low, high] = rangeOf(context, name);
  const value = real(context, name);
  const isInside = context.op('And', [
    context.op('Greater', [value, context.scalar(low)]),
    context.op('Less', [value, context.scalar(high)]),
  ]);
  return indicator(context, isInside);
}

/** A quantised input of a node: the inputs behind it are its scale and its zero point. */
export interface QuantizedInput {
  readonly input: number;
  /** The axis that the scale and the zero point belong to where they are lists. Default 0. */
  readonly axis?: number;
  /** Which inputs hold the scale and the zero point, where they do not follow. */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

/** The scale of a quantised input, under a shape that broadcasts against it. */
export const scaleOf = (context: RuleContext, { input, axis = 0, scale = input + 1 }: QuantizedInput): string =>
  parameter(context, scale, context.inputShape(input), axis) as string;

/** A value less its zero point times its scale: the real number that it stands for. */
export function dequantized(context: RuleContext, side: QuantizedInput): string {
  const { input, axis = 0, zeroPoint = input + 2 } = side;
  const shape = context.inputShape(input);
  const value = centred(context, input, parameter(context, zeroPoint, shape, axis));
  return context.declare(context.mul(value, scaleOf(context, side)), shape);
}

/** The gradient of the real result behind a quantised output, whose scale is input `scale`; zero where it saturates. */
export function realGradient(context: RuleContext, g: string, scale: number): string {
  return context.div(context.mul(g, insideRange(context, context.output())), context.input(scale));
}

/** The note of the rules that pass through a rounding. */
export function noteStraightThrough(context: RuleContext, detail = ''): void {
  context.note(
    'straight-through',
    `rounding is passed straight through: the gradient is that of the real-valued computation, zero where the result saturates${detail}`,
  );
}

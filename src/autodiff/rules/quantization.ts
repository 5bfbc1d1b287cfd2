import { intAttribute } from '../../onnx/graph.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { estimate, type RuleTable } from './entry.ts';
import {
  centred,
  gradientFor,
  indicator,
  noteStraightThrough,
  parameter,
  quantizationAxis,
  rangeOf,
  real,
} from './quantized.ts';
import { quantizedElementwise } from './quantized-elementwise.ts';
import { quantizedLayers } from './quantized-layers.ts';
import { quantizedProducts } from './quantized-products.ts';

/** y = saturate(round(x/s) + z) ≈ x/s + z where it does not saturate. */
const quantize: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const shape = context.inputShape(0);
  const axis = quantizationAxis(context, shape.length);
  const blockSize = intAttribute(context.node, 'block_size', 0);
  const scale = parameter(context, 1, shape, axis, blockSize) as string;
  const zeroPoint = parameter(context, 2, shape, axis, blockSize);
  const quotient = context.div(real(context, context.input(0)), scale);
  const rounded = context.op('Round', [quotient]);
  const stored = zeroPoint ? context.add(rounded, zeroPoint) : rounded;
  const [low, high] = rangeOf(context, context.output());
  const isInside = context.op('And', [
    context.op('GreaterOrEqual', [stored, context.scalar(low)]),
    context.op('LessOrEqual', [stored, context.scalar(high)]),
  ]);
  const passed = context.div(context.mul(g, indicator(context, isInside)), scale);
  return [
    context.needs(0) ? gradientFor(context, passed, context.input(0)) : undefined,
    context.needs(1) ? scaleGradient(context, context.neg(context.mul(passed, quotient)), axis, blockSize) : undefined,
  ];
};

/** Sums a gradient at the shape of the tensor to the shape of its scale. */
function scaleGradient(context: RuleContext, gradient: string, axis: number, blockSize: number): string {
  const [shape, own] = [context.inputShape(0), context.inputShape(1)];
  let summed: string;
  if (blockSize > 0 && own.length === shape.length) {
    // The last block may not be full: zeros fill it.
    const pads = new Array<number>(2 * shape.length).fill(0);
    pads[shape.length + axis] = own[axis] * blockSize - shape[axis];
    const full = pads[shape.length + axis] ? context.op('Pad', [gradient, context.ints(pads)]) : gradient;
    const blocks = [...shape.slice(0, axis), own[axis], blockSize, ...shape.slice(axis + 1)];
    summed = context.reduceSum(context.reshape(full, blocks), [axis + 1], false);
  } else {
    const isPerTensor = own.length === 0 || own[0] === 1;
    const axes = shape.map((_, i) => i).filter((i) => isPerTensor || i !== axis);
    summed = context.reshape(context.reduceSum(gradient, axes, false), own);
  }
  return gradientFor(context, summed, context.input(1));
}

/** y = (q − z)·s: exact. */
const dequantize: VjpRule = (context, [g]) => {
  if (!g) return [];
  const shape = context.inputShape(0);
  const axis = quantizationAxis(context, shape.length);
  const blockSize = intAttribute(context.node, 'block_size', 0);
  const gradient = context.type(context.output()) === 'float32' ? g : context.op('Cast', [g], { to: 1 });
  let toScale: string | undefined;
  if (context.needs(1)) {
    const difference = centred(context, 0, parameter(context, 2, shape, axis, blockSize));
    toScale = scaleGradient(context, context.mul(gradient, difference), axis, blockSize);
  }
  const scale = context.needs(0) ? parameter(context, 1, shape, axis, blockSize) : undefined;
  return [scale && context.mul(gradient, scale), toScale];
};

/** The scale follows from the range of the input, which therefore never saturates: y ≈ x/s + z with s and z held fixed. */
const dynamicQuantize: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(
    context,
    '; the scale and the zero point, which follow from the range of the input, are held fixed',
  );
  return [context.div(g, context.output(1))];
};

/** Quantisation and integer arithmetic, by the straight-through estimate (Bengio et al. 2013, arXiv:1308.3432). */
export const quantization = {
  QuantizeLinear: estimate(quantize),
  DequantizeLinear: estimate(dequantize),
  DynamicQuantizeLinear: estimate(dynamicQuantize),
  'com.microsoft.QuantizeLinear': estimate(quantize),
  'com.microsoft.DequantizeLinear': estimate(dequantize),
  ...quantizedProducts,
  ...quantizedElementwise,
  ...quantizedLayers,
} satisfies RuleTable;

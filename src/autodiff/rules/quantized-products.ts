import type { RuleContext, VjpRule } from '../context.ts';
import { convolutionOf, isFixed } from './convolution.ts';
import { biasGradient, transposedConvolution } from './convolution-input.ts';
import { weightGradient } from './convolution-weight.ts';
import { estimate, type RuleTable } from './entry.ts';
import { centred, insideRange, noteStraightThrough, parameter } from './quantized.ts';

/** One side of a product: which input holds it, which its zero point, and which axis its parameters belong to. */
interface Side {
  readonly input: number;
  readonly zeroPoint: number;
  readonly axis: number;
}

const zeroOf = (context: RuleContext, side: Side) =>
  parameter(context, side.zeroPoint, context.inputShape(side.input), side.axis);

const transposeLast = (context: RuleContext, value: string, rank: number) =>
  context.transpose(value, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);

/** Gradients of both sides of `(A − z_A)·(B − z_B)`. */
function matrixGradients(context: RuleContext, g: string, left: Side, right: Side): (string | undefined)[] {
  const [a, b, y] = [context.inputShape(left.input), context.inputShape(right.input), context.outputShape()];
  if (a.length < 2 || b.length < 2)
    throw context.refuse('one side is a vector', 'export the model with a matrix there');
  const gradients: (string | undefined)[] = [];
  if (context.needs(left.input)) {
    const matrix = transposeLast(context, centred(context, right.input, zeroOf(context, right)), b.length);
    const full = [...y.slice(0, -1), a[a.length - 1]];
    gradients[left.input] = context.unbroadcast(context.op('MatMul', [g, matrix]), full, a);
  }
  if (context.needs(right.input)) {
    const matrix = transposeLast(context, centred(context, left.input, zeroOf(context, left)), a.length);
    const full = [...y.slice(0, -2), b[b.length - 2], b[b.length - 1]];
    gradients[right.input] = context.unbroadcast(context.op('MatMul', [matrix, g]), full, b);
  }
  return gradients;
}

/** Parameters of the left matrix belong to its rows, those of the right one to its columns. */
const rowsOf = (context: RuleContext, input: number, zeroPoint: number): Side => ({
  input,
  zeroPoint,
  axis: context.inputShape(input).length - 2,
});
const columnsOf = (context: RuleContext, input: number, zeroPoint: number): Side => ({
  input,
  zeroPoint,
  axis: context.inputShape(input).length - 1,
});

const matMulInteger: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  return matrixGradients(context, g, rowsOf(context, 0, 2), columnsOf(context, 1, 3));
};

/** What the result of an integer product is multiplied by: `s_A·s_B/s_Y`, zero where the result saturates. */
function rescaled(
  context: RuleContext,
  g: string,
  scales: readonly (string | undefined)[],
  outputScale: string,
): string {
  const factor = scales.filter((scale) => scale !== undefined).reduce((left, right) => context.mul(left, right));
  return context.mul(context.mul(g, insideRange(context, context.output())), context.div(factor, outputScale));
}

/** y = saturate((s_A·s_B/s_Y)·(A − z_A)·(B − z_B) + z_Y). */
const qLinearMatMul: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const y = context.outputShape();
  const scales = [parameter(context, 1, y, y.length - 2), parameter(context, 4, y, y.length - 1)];
  const outputScale = parameter(context, 6, y, y.length - 2) as string;
  return matrixGradients(
    context,
    rescaled(context, g, scales, outputScale),
    rowsOf(context, 0, 2),
    columnsOf(context, 3, 5),
  );
};

/** Gradients of input and weight of a convolution of centred integers. */
function convolutionGradients(context: RuleContext, g: string, input: Side, weight: Side): (string | undefined)[] {
  const conv = convolutionOf(
    context.node,
    context.inputShape(input.input),
    context.inputShape(weight.input),
    context.outputShape(),
  );
  const gradients: (string | undefined)[] = [];
  if (context.needs(input.input)) {
    const kernel = centred(context, weight.input, zeroOf(context, weight));
    const fixed = { isFixed: isFixed(context, context.input(weight.input)) };
    gradients[input.input] = transposedConvolution(context, g, kernel, conv, fixed);
  }
  if (context.needs(weight.input)) {
    gradients[weight.input] = weightGradient(context, centred(context, input.input, zeroOf(context, input)), g, conv);
  }
  return gradients;
}

/** The zero point of the input holds for all; that of the weight may be one for each output channel. */
const inputSide = (input: number, zeroPoint: number): Side => ({ input, zeroPoint, axis: 0 });

const convInteger: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  return convolutionGradients(context, g, inputSide(0, 2), inputSide(1, 3));
};

/** y = saturate((s_x·s_w/s_y)·((x − z_x) ∗ (w − z_w) + b) + z_y). */
const qLinearConv: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const y = context.outputShape();
  const scales = [parameter(context, 1, y, 1), parameter(context, 4, y, 1)];
  const gradient = rescaled(context, g, scales, parameter(context, 6, y, 1) as string);
  const gradients = convolutionGradients(context, gradient, inputSide(0, 2), inputSide(3, 5));
  if (context.needs(8)) gradients[8] = biasGradient(context, gradient, y.length - 2);
  return gradients;
};

/** Products of integers. The contrib ones with real results are lowered to DequantizeLinear and MatMul. */
export const quantizedProducts = {
  MatMulInteger: estimate(matMulInteger),
  QLinearMatMul: estimate(qLinearMatMul),
  ConvInteger: estimate(convInteger),
  QLinearConv: estimate(qLinearConv),
} satisfies RuleTable;

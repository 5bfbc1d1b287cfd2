import { floatAttribute, intAttribute, type Node } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { VjpRule } from '../context.ts';
import { estimate, type RuleTable } from './entry.ts';
import { pooling } from './pooling.ts';
import {
  dequantized,
  indicator,
  noteStraightThrough,
  type QuantizedInput,
  realGradient,
  scaleOf,
} from './quantized.ts';
import { recurrentLayers } from './recurrent.ts';

// Operators on quantised values that are whole layers: their gradients are those of the same layer on the real numbers.

/** Y = A'·B' + C, transposed as asked, on the reals; with an output scale stored as integers, else real itself. */
const gemm: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const alpha = floatAttribute(context.node, 'alpha', 1);
  const [isA, isB] = ['transA', 'transB'].map((name) => intAttribute(context.node, name, 0) !== 0);
  const gradient = context.hasInput(7) ? realGradient(context, g, 7) : g;
  // Parameters of B belong to its columns, which are the rows where it is transposed.
  const [a, b]: QuantizedInput[] = [{ input: 0 }, { input: 3, axis: isB ? 0 : 1 }];
  const turned = (x: string, isTurned: boolean) => (isTurned ? context.transpose(x, [1, 0]) : x);
  const side = (own: QuantizedInput, byOther: (other: string) => string, other: QuantizedInput, isTurned: boolean) => {
    if (!context.needs(own.input)) return undefined;
    const product = turned(byOther(dequantized(context, other)), isTurned);
    return context.scale(context.mul(product, scaleOf(context, own)), alpha);
  };
  const product = (x: string, y: string) => context.op('MatMul', [x, y]);
  return [
    side(a, (other) => product(gradient, turned(other, !isB)), b, isA),
    undefined,
    undefined,
    side(b, (other) => product(turned(other, !isA), gradient), a, isB),
  ];
};

/** Σ over the axes from `axis` on (before opset 13) or along `axis`: dx = p·(g − Σ g·p), with p the softmax of the reals. */
const softmax: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context, '; nothing saturates, since a softmax lies between 0 and 1');
  const shape = context.inputShape(0);
  const isCoerced = intAttribute(context.node, 'opset', 13) < 13;
  const given = intAttribute(context.node, 'axis', isCoerced ? 1 : -1);
  const axis = given < 0 ? given + shape.length : given;
  const flat = isCoerced ? [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))] : shape;
  const along = isCoerced ? 1 : axis;
  const side: QuantizedInput = { input: 0 };
  const x = context.reshapeTo(dequantized(context, side), shape, flat);
  const p = context.op('Softmax', [x], { axis: along });
  const incoming = context.reshapeTo(context.div(g, context.input(3)), shape, flat);
  const mean = context.reduceSum(context.mul(incoming, p), [along], true);
  const gradient = context.mul(p, context.sub(incoming, mean));
  return [context.mul(context.reshapeTo(gradient, flat, shape), scaleOf(context, side))];
};

/** The gradient of AveragePool on the reals, whose rule knows channels in second place alone. */
const averagePool: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const [shape, small] = [context.inputShape(0), context.outputShape()];
  const spatial = Array.from({ length: shape.length - 2 }, (_, i) => i);
  const isLast = intAttribute(context.node, 'channels_last', 0) === 1;
  const [second, back] = isLast
    ? [
        [0, shape.length - 1, ...spatial.map((i) => i + 1)],
        [0, ...spatial.map((i) => i + 2), 1],
      ]
    : [[], []];
  const moved = (size: readonly number[]) => (isLast ? second.map((axis) => size[axis]) : size);
  // The rule reads no element of the reals, only their shapes and types.
  const stand = (size: readonly number[]) =>
    context.declare(context.builder.fresh(`${context.output()}/real`), moved(size));
  const node: Node = {
    ...context.node,
    domain: '',
    op: 'AveragePool',
    inputs: [stand(shape)],
    outputs: [stand(small)],
  };
  const scaled = context.mul(realGradient(context, g, 3), scaleOf(context, { input: 0 }));
  const [gradient] = pooling.AveragePool.rule(context.withNode(node), [context.transpose(scaled, second)]);
  return [gradient && context.transpose(gradient, back)];
};

/** Inputs: condition, x, s_x, z_x, y, s_y, z_y, s_z, z_z. */
const where: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const gradient = realGradient(context, g, 7);
  const chosen = indicator(context, context.input(0));
  const side = (input: number, mask: string) =>
    context.needs(input)
      ? context.unbroadcast(
          context.mul(context.mul(gradient, mask), scaleOf(context, { input })),
          context.outputShape(),
          context.inputShape(input),
        )
      : undefined;
  const gradients: (string | undefined)[] = [];
  gradients[1] = side(1, chosen);
  gradients[4] = side(4, context.sub(context.scalar(1), chosen));
  return gradients;
};

/**
 * The gradient of the LSTM with the reals that its quantised weights stand for; it is run once more in float32 for its
 * states. The weights lie transposed, [directions, input or hidden, 4·hidden].
 */
const dynamicLstm: VjpRule = (context, gradients) => {
  if (!gradients.some(Boolean)) return [];
  noteStraightThrough(context, ', of an LSTM whose inputs and states are not quantised');
  const [time, batch] = context.inputShape(0);
  const [directions, hidden] = context.inputShape(2);
  const weight = (input: number, scale: number) => {
    const shape = context.inputShape(input);
    // One scale for each direction, or for each of its columns.
    const wide = (index: number) =>
      context.reshape(context.op('Cast', [context.input(index)], { to: 1 }), [
        directions,
        1,
        context.inputShape(index)[1] ?? 1,
      ]);
    const stored = context.op('Cast', [context.input(input)], { to: 1 });
    const value = context.mul(context.sub(stored, wide(scale + 1)), wide(scale));
    return context.declare(context.transpose(value, [0, 2, 1]), [shape[0], shape[2], shape[1]]);
  };
  const inputs = [context.input(0), weight(1, 8), weight(2, 10), ...[3, 4, 5, 6, 7].map((i) => context.input(i))];
  while (inputs.at(-1) === '') inputs.pop();
  const { attributes } = context.node;
  const outputs = [
    [time, directions, batch, hidden],
    [directions, batch, hidden],
    [directions, batch, hidden],
  ].map((shape, i) => context.declare(context.builder.fresh(`${context.output()}/real${i}`), shape));
  const node = context.builder.append({ op: 'LSTM', domain: '', name: outputs[0], inputs, outputs, attributes });
  const isReal = (index: number) => index !== 1 && index !== 2 && context.needs(index);
  return recurrentLayers.LSTM.rule(context.withNode(node, isReal), gradients);
};

export const quantizedLayers = {
  'com.microsoft.QGemm': estimate(gemm),
  'com.microsoft.QLinearSoftmax': estimate(softmax),
  'com.microsoft.QLinearAveragePool': estimate(averagePool),
  'com.microsoft.QLinearWhere': estimate(where),
  'com.microsoft.DynamicQuantizeLSTM': estimate(dynamicLstm),
} satisfies RuleTable;

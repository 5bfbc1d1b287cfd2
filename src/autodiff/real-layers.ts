import type { GraphBuilder } from '../onnx/builder.ts';
import {
  floatAttribute,
  type Graph,
  intAttribute,
  type Node,
  operatorKey,
  type PlainAttributes,
} from '../onnx/graph.ts';
import { withAttributes } from '../onnx/lowering/rewrite.ts';
import { fromNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import { sizeOf } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';
import { dynamicLayers } from './real-dynamic-layers.ts';
import { type GrowingFacts, replaceNodes, Steps } from './steps.ts';

/** A layer on quantised values: which inputs hold scales, the first that of the output, and the layer on the reals. */
interface Layer {
  /** Input that holds the scale of the output; its zero point follows. */
  readonly output: number;
  /** The axis that a list of output scales belongs to, from the last one. Default: there is none. */
  readonly outputAxis?: number;
  readonly scales: (node: Node) => readonly number[];
  readonly real: (s: Steps, node: Node) => string;
}

/** Input `index` as the real numbers that it stands for; its scale and zero point follow. */
function real(s: Steps, { inputs }: Node, index: number, axis = 0): string {
  const [value, scale, zero = ''] = inputs.slice(index, index + 3);
  const given = zero ? [value, scale, zero] : [value, scale];
  return s.op('DequantizeLinear', given, undefined, { axis });
}

/** A node of the standard domain with the attributes of another. */
function like(s: Steps, node: Node, op: string, inputs: readonly string[], shape: readonly number[]): string {
  const output = s.builder.fresh(op);
  s.builder.append({ ...node, op, domain: '', name: output, inputs, outputs: [output] });
  return s.declare(output, shape);
}

const outputShape = (s: Steps, { outputs }: Node) => s.shapeOf(outputs[0]);

/** 32-bit integers, added to a product of two scales: the real numbers that they stand for. */
function realBias(s: Steps, bias: string, scale: string): string {
  return s.op('Mul', [s.op('Cast', [bias], undefined, { to: 1 }), scale], s.shapeOf(bias));
}

function product(s: Steps, a: string, b: string): string {
  return s.op('Mul', [a, b], sizeOf(s.shapeOf(a)) > 1 ? s.shapeOf(a) : s.shapeOf(b));
}

/** y = (s_x s_w) ((x − z_x) ∗ (w − z_w) + b). */
function convolution(s: Steps, node: Node): string {
  const { inputs } = node;
  const parts = [real(s, node, 0), real(s, node, 3)];
  if (inputs[8]) parts.push(realBias(s, inputs[8], product(s, inputs[1], inputs[4])));
  return like(s, node, 'Conv', parts, outputShape(s, node));
}

/** Scales of the left matrix belong to its rows, those of the right one to its columns. */
function matrixProduct(s: Steps, node: Node): string {
  const [a, b] = [node.inputs[0], node.inputs[3]].map((name) => s.shapeOf(name).length);
  const sides = [real(s, node, 0, Math.max(0, a - 2)), real(s, node, 3, b - 1)];
  return s.op('MatMul', sides, outputShape(s, node));
}

/** Y = α (A'·B' + C), where C counts in steps of both scales. */
function gemm(s: Steps, node: Node): string {
  const { inputs } = node;
  const [transA, transB] = ['transA', 'transB'].map((name) => intAttribute(node, name, 0));
  const alpha = floatAttribute(node, 'alpha', 1);
  const parts = [real(s, node, 0), real(s, node, 3, transB ? 0 : 1)];
  if (inputs[6]) parts.push(realBias(s, inputs[6], product(s, inputs[1], inputs[4])));
  return s.op('Gemm', parts, outputShape(s, node), { alpha: { float: alpha }, beta: { float: alpha }, transA, transB });
}

const binary = (op: string): Layer => ({
  output: 6,
  scales: () => [1, 4, 6],
  real: (s, node) => s.op(op, [real(s, node, 0), real(s, node, 3)], outputShape(s, node)),
});

const unary = (make: (s: Steps, x: string, node: Node) => string): Layer => ({
  output: 3,
  scales: () => [1, 3],
  real: (s, node) => make(s, real(s, node, 0), node),
});

/** A pooling whose channels may come last. */
const pooling = (op: string) =>
  unary((s, x, node) => {
    const given = withAttributes(node, {}, ['channels_last']);
    const shape = outputShape(s, node);
    if (intAttribute(node, 'channels_last', 0) !== 1) return like(s, given, op, [x], shape);
    const spatial = Array.from({ length: shape.length - 2 }, (_, i) => i);
    const second = [0, shape.length - 1, ...spatial.map((i) => i + 1)];
    const last = [0, ...spatial.map((i) => i + 2), 1];
    const turn = (value: string, perm: readonly number[]) => {
      const sizes = s.shapeOf(value);
      return s.op(
        'Transpose',
        [value],
        perm.map((axis) => sizes[axis]),
        { perm },
      );
    };
    const pooled = like(
      s,
      given,
      op,
      [turn(x, second)],
      second.map((axis) => shape[axis]),
    );
    return turn(pooled, last);
  });

/** Before opset 13 a softmax runs over all axes from `axis` on. */
function softmax(s: Steps, x: string, node: Node): string {
  const shape = s.shapeOf(x);
  const isCoerced = intAttribute(node, 'opset', 13) < 13;
  const given = intAttribute(node, 'axis', isCoerced ? 1 : -1);
  const axis = given < 0 ? given + shape.length : given;
  if (!isCoerced) return s.op('Softmax', [x], shape, { axis });
  const flat = s.reshape(x, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
  return s.reshape(s.op('Softmax', [flat], undefined, { axis: 1 }), shape);
}

/** Inputs: the output's scale and zero point, then three for each part. */
const partsOf = ({ inputs }: Node) => inputs.map((_, i) => i).filter((i) => i >= 2 && (i - 2) % 3 === 0);

const layers: Readonly<Record<string, Layer>> = {
  QLinearConv: { output: 6, outputAxis: -1, scales: () => [1, 4, 6], real: convolution },
  QLinearMatMul: { output: 6, outputAxis: -2, scales: () => [1, 4, 6], real: matrixProduct },
  'com.microsoft.QGemm': { output: 7, scales: () => [1, 4, 7], real: gemm },
  'com.microsoft.QLinearAdd': binary('Add'),
  'com.microsoft.QLinearMul': binary('Mul'),
  'com.microsoft.QLinearSigmoid': unary((s, x) => s.op('Sigmoid', [x])),
  'com.microsoft.QLinearLeakyRelu': unary((s, x, node) =>
    s.op('LeakyRelu', [x], undefined, { alpha: { float: floatAttribute(node, 'alpha', 0.01) } }),
  ),
  'com.microsoft.QLinearAveragePool': pooling('AveragePool'),
  'com.microsoft.QLinearGlobalAveragePool': pooling('GlobalAveragePool'),
  'com.microsoft.QLinearSoftmax': unary(softmax),
  'com.microsoft.QLinearConcat': {
    output: 0,
    scales: (node) => [0, ...partsOf(node).map((i) => i + 1)],
    real: (s, node) =>
      s.op(
        'Concat',
        partsOf(node).map((i) => real(s, node, i)),
        outputShape(s, node),
        { axis: intAttribute(node, 'axis', 0) },
      ),
  },
  'com.microsoft.QLinearWhere': {
    output: 7,
    scales: () => [2, 5, 7],
    real: (s, node) => s.op('Where', [node.inputs[0], real(s, node, 1), real(s, node, 4)], outputShape(s, node)),
  },
};

/**
 * Replaces layers that compute with integers by the same layers on the real numbers that the integers stand for, between
 * `DequantizeLinear` and `QuantizeLinear`, so that the rules for such layers apply. Values keep their names.
 *
 * Where the steps of the quantisation follow from the input (`DynamicQuantizeLinear`), the activations are not rounded:
 * otherwise the size of a step, which depends on all features, would take a part of the attribution.
 */
export function realLayers(graph: Graph, known: Facts): { graph: Graph; facts: Facts } {
  const isLayer = (node: Node) => lookup(layers, operatorKey(node)) !== undefined;
  const still = replaceNodes(graph, known, isLayer, replace, 'real/');
  return dynamicLayers(still.graph, still.facts);
}

function replace(node: Node, builder: GraphBuilder, facts: GrowingFacts): boolean {
  const layer = lookup(layers, operatorKey(node)) as Layer;
  const s = new Steps(builder, facts, 'float32');
  // Scales of more axes, one for each row and column, have no place in DequantizeLinear.
  const isSimple = layer.scales(node).every((i) => !node.inputs[i] || s.shapeOf(node.inputs[i]).length <= 1);
  if (!isSimple) return false;
  const value = layer.real(s, node);
  const [scale, zero] = [node.inputs[layer.output], node.inputs[layer.output + 1]];
  const [output] = node.outputs;
  if (!scale) {
    builder.op('Identity', [value], {}, { outputs: [output] });
    return true;
  }
  const rank = s.shapeOf(output).length;
  const attributes: PlainAttributes = { axis: Math.max(0, rank + (layer.outputAxis ?? -1)) };
  const type = facts.types.get(output) ?? 'uint8';
  const offset =
    zero || builder.constant(fromNumbers(type, s.shapeOf(scale), new Array(sizeOf(s.shapeOf(scale))).fill(0)));
  builder.op('QuantizeLinear', [value, scale, offset], attributes, { outputs: [output] });
  return true;
}

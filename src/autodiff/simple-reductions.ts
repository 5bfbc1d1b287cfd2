import type { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, intAttribute, type Node, operatorKey } from '../onnx/graph.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import type { Facts } from './facts.ts';
import { type GrowingFacts, replaceNodes, Steps } from './steps.ts';

type Reduction = (s: Steps, node: Node, facts: Facts) => string;

/** A reduction of another value over the axes of a node. */
function over(s: Steps, node: Node, op: string, x: string): string {
  const output = s.builder.fresh(op);
  s.builder.append({ ...node, op, name: output, inputs: [x, ...node.inputs.slice(1)], outputs: [output] });
  return s.declare(output, s.shapeOf(node.outputs[0]));
}

const squares = (s: Steps, { inputs: [x] }: Node) => s.op('Mul', [x, x]);

/** `m + log Σ exp(x − m)` with m the maximum, so that nothing overflows. */
function logSumExp(s: Steps, node: Node, facts: Facts): string {
  const [x, axesGiven] = node.inputs;
  const shape = s.shapeOf(x);
  const axes = facts.constants.get(axesGiven);
  const reduced = new Set(
    (axes ? toNumbers(axes) : shape.map((_, i) => i)).map((axis) => (axis + shape.length) % shape.length),
  );
  const kept = shape.map((size, i) => (reduced.has(i) ? 1 : size));
  const keeping = (op: string, value: string) => s.op(op, [value, s.ints([...reduced])], kept, { keepdims: 1 });
  const most = keeping('ReduceMax', x);
  const sum = keeping('ReduceSum', s.op('Exp', [s.op('Sub', [x, most])]));
  return s.reshape(s.op('Add', [s.op('Log', [sum]), most]), s.shapeOf(node.outputs[0]));
}

const reductions: Readonly<Record<string, Reduction>> = {
  ReduceL1: (s, node) => over(s, node, 'ReduceSum', s.op('Abs', [node.inputs[0]])),
  ReduceL2: (s, node) => s.op('Sqrt', [over(s, node, 'ReduceSum', squares(s, node))]),
  ReduceSumSquare: (s, node) => over(s, node, 'ReduceSum', squares(s, node)),
  ReduceLogSum: (s, node) => s.op('Log', [over(s, node, 'ReduceSum', node.inputs[0])]),
  ReduceLogSumExp: logSumExp,
  ReduceMin: (s, node) => s.op('Neg', [over(s, node, 'ReduceMax', s.op('Neg', [node.inputs[0]]))]),
};

/** Replaces norms and other reductions by sums and maxima of simple functions, for rules that know only these. */
export function simpleReductions(graph: Graph, known: Facts): { graph: Graph; facts: Facts } {
  return replaceNodes(graph, known, (node) => lookup(reductions, operatorKey(node)) !== undefined, replace, 'simple/');
}

function replace(node: Node, builder: GraphBuilder, facts: GrowingFacts): boolean {
  // Without axes nothing may be reduced at all.
  if (!node.inputs[1] && intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return false;
  if (node.inputs[1] && !facts.constants.has(node.inputs[1])) return false;
  const s = new Steps(builder, facts, facts.types.get(node.inputs[0]) ?? 'float32');
  const value = (lookup(reductions, operatorKey(node)) as Reduction)(s, node, facts);
  builder.op('Identity', [value], {}, { outputs: [node.outputs[0]] });
  return true;
}

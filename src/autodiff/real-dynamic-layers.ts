import type { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, type Node, namesRead, operatorKey } from '../onnx/graph.ts';
import { lookup } from '../tensor/lookup.ts';
import type { Facts } from './facts.ts';
import { type GrowingFacts, replaceNodes, Steps } from './steps.ts';

/** Products of integers, by the same product of reals. Inputs: a, b, and their zero points. */
const products: Readonly<Record<string, string>> = { MatMulInteger: 'MatMul', ConvInteger: 'Conv' };

/** Readers of each value; a name that the graph gives away counts as read by nobody that we know. */
function readersOf({ nodes, outputs }: Graph): Map<string, (Node | undefined)[]> {
  const readers = new Map<string, (Node | undefined)[]>();
  const read = (name: string, node: Node | undefined) => {
    const known = readers.get(name);
    if (known) known.push(node);
    else readers.set(name, [node]);
  };
  for (const node of nodes) for (const name of namesRead(node)) read(name, node);
  for (const { name } of outputs) read(name, undefined);
  return readers;
}

/**
 * Takes `DynamicQuantizeLinear` and the products behind it for what they stand for: y = x, a scale of 1 and a zero point
 * of 0, and products of reals, whose results are cast to reals anyway. Where something else reads the integers, they
 * stay.
 */
export function dynamicLayers(graph: Graph, known: Facts): { graph: Graph; facts: Facts } {
  const readers = readersOf(graph);
  const isCast = (node: Node | undefined) => node !== undefined && operatorKey(node) === 'Cast';
  const isProduct = (node: Node | undefined) =>
    node !== undefined &&
    lookup(products, operatorKey(node)) !== undefined &&
    (readers.get(node.outputs[0]) ?? []).every(isCast) &&
    [node.inputs[2], node.inputs[3]].every((zero) => !zero || (known.shapes.get(zero)?.length ?? 2) <= 1);
  const isDequantized = (node: Node | undefined) => node !== undefined && operatorKey(node) === 'DequantizeLinear';
  const isLeft = (name: string) => (node: Node | undefined) =>
    (isProduct(node) && node?.inputs[0] === name && node.inputs[1] !== name) || isDequantized(node);
  const isFreed = (node: Node): boolean => {
    if (operatorKey(node) !== 'DynamicQuantizeLinear') return false;
    const [y, scale, zero] = node.outputs;
    const all = readers.get(y) ?? [];
    return all.every(isLeft(y)) && (readers.get(zero) ?? []).every((one) => all.includes(one)) && scale !== '';
  };
  const freed = new Set(graph.nodes.filter(isFreed).map((node) => node.outputs[0]));
  const concerns = (node: Node) =>
    freed.has(node.outputs[0]) || isProduct(node) || (isDequantized(node) && freed.has(node.inputs[0]));
  return replaceNodes(
    graph,
    known,
    concerns,
    (node, builder, facts) => replace(node, builder, facts, freed),
    'unrounded/',
  );
}

function replace(node: Node, builder: GraphBuilder, facts: GrowingFacts, freed: ReadonlySet<string>): boolean {
  const s = new Steps(builder, facts, 'float32');
  const [x, weight] = node.inputs;
  const [output, scale] = node.outputs;
  if (freed.has(output)) {
    builder.op('Identity', [x], {}, { outputs: [output] });
    s.declare(output, s.shapeOf(x));
    if (scale) {
      builder.op('Identity', [s.number(1)], {}, { outputs: [scale] });
      s.declare(scale, []);
    }
    return true;
  }
  if (operatorKey(node) === 'DequantizeLinear') {
    builder.op('Identity', [x], {}, { outputs: [output] });
    return true;
  }
  const isConvolution = operatorKey(node) === 'ConvInteger';
  const zeros = [freed.has(x) ? '' : node.inputs[2], node.inputs[3]];
  const sides = [x, weight].map((name, i) => {
    const value = freed.has(name) ? name : s.op('Cast', [name], undefined, { to: 1 });
    return zeros[i]
      ? s.op('Sub', [value, zeroPoint(s, zeros[i], name, i === 1, isConvolution)], s.shapeOf(name))
      : value;
  });
  const made = { ...node, op: products[operatorKey(node)], inputs: sides };
  builder.append(made);
  s.declare(output, s.shapeOf(output));
  return true;
}

/** A zero point as a real that is taken from a side of a product: of rows on the left, of columns or kernels on the right. */
function zeroPoint(s: Steps, zero: string, side: string, isRight: boolean, isConvolution: boolean): string {
  const real = s.op('Cast', [zero], undefined, { to: 1 });
  const [count] = s.shapeOf(zero);
  if (count === undefined || count === 1) return s.reshape(real, []);
  const rank = s.shapeOf(side).length;
  if (isConvolution) return s.reshape(real, [count, ...new Array<number>(rank - 1).fill(1)]);
  return isRight ? real : s.reshape(real, [count, 1]);
}

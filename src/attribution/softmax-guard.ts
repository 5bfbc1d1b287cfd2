import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import {
  type Attribute,
  attributesOf,
  type Graph,
  intAttribute,
  type Node,
  namesRead,
  operatorKey,
  type PlainAttributes,
} from '../onnx/graph.ts';
import { toNumbers } from '../tensor/convert.ts';

/**
 * Takes the guard that exporters put behind every attention, `Where(IsNaN(s), 0, s) · V` for `s = Softmax(…)`, out of
 * the way: a row of a softmax is not a number as a whole or not at all, so its first column tells whether the guard is
 * needed. It then runs as before; else the scores go into the product as they are.
 */
export function guardProducts(graph: Graph, facts: Facts): Graph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, number>();
  for (const node of graph.nodes) for (const name of namesRead(node)) readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of graph.outputs) readers.set(name, Number.POSITIVE_INFINITY);
  const read = (name: string, times: number) => readers.get(name) === times;
  const isZero = (name: string) => {
    const constant = facts.constants.get(name);
    return constant !== undefined && constant.data.length === 1 && toNumbers(constant)[0] === 0;
  };

  /** The guard before a product, if that is what its left side is. */
  const guardOf = (product: Node) => {
    const isMatrix = (facts.shapes.get(product.inputs[1])?.length ?? 0) >= 2;
    const select = operatorKey(product) === 'MatMul' && isMatrix ? producers.get(product.inputs[0]) : undefined;
    if (!select || operatorKey(select) !== 'Where' || !read(select.outputs[0], 1)) return undefined;
    const [condition, zero, scores] = select.inputs;
    const [test, softmax] = [producers.get(condition), producers.get(scores)];
    if (!test || operatorKey(test) !== 'IsNaN' || test.inputs[0] !== scores || !read(condition, 1)) return undefined;
    if (!softmax || operatorKey(softmax) !== 'Softmax' || !read(scores, 2) || !isZero(zero)) return undefined;
    const last = (facts.shapes.get(softmax.inputs[0])?.length ?? Number.NaN) - 1;
    const axis = intAttribute(softmax, 'axis', -1);
    return axis === -1 || axis === last ? { select, test, scores } : undefined;
  };

  const guards = new Map(graph.nodes.flatMap((node) => [[node, guardOf(node)] as const]));
  if (![...guards.values()].some(Boolean)) return graph;
  const gone = new Set([...guards.values()].flatMap((guard) => (guard ? [guard.select, guard.test] : [])));
  const builder = new GraphBuilder(graph, { prefix: 'guard/' });
  const [zero, one, last] = [0, 1, -1].map((value) => builder.ints([value]));
  const nodes = graph.nodes.flatMap((node) => {
    const guard = guards.get(node);
    if (!guard) return gone.has(node) ? [] : [node];
    const first = plain('Slice', [guard.scores, zero, one, last], builder.fresh('Slice'));
    const wrong = plain('IsNaN', first.outputs, builder.fresh('IsNaN'));
    const counted = plain('Cast', wrong.outputs, builder.fresh('Cast'), { to: 1 });
    const most = plain('ReduceMax', counted.outputs, builder.fresh('ReduceMax'), { keepdims: 0 });
    const isAny = plain('Cast', most.outputs, builder.fresh('Cast'), { to: 9 });
    const [guarded, bare] = [builder.fresh('MatMul'), builder.fresh('MatMul')];
    const choose: Node = {
      ...plain('If', isAny.outputs, node.outputs[0]),
      attributes: {
        then_branch: branch([guard.test, guard.select, { ...node, outputs: [guarded] }]),
        else_branch: branch([plain('MatMul', [guard.scores, node.inputs[1]], bare)]),
      },
    };
    return [first, wrong, counted, most, isAny, choose];
  });
  return { ...builder.build(), nodes };
}

function plain(op: string, inputs: readonly string[], output: string, attributes: PlainAttributes = {}): Node {
  return { op, domain: '', name: output, inputs, outputs: [output], attributes: attributesOf(attributes) };
}

/** A nested graph that gives what its last node makes. */
function branch(nodes: readonly Node[]): Attribute {
  const [name] = nodes[nodes.length - 1].outputs;
  const outputs = [{ name, type: 'float32' as const, shape: undefined }];
  return {
    kind: 'graph',
    value: { name: 'branch', inputs: [], outputs, nodes, initializers: new Map(), values: new Map() },
  };
}

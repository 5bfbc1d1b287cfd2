import type { Facts } from '../../autodiff/facts.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import {
  type Attribute,
  type Graph,
  type Node,
  nodeOf,
  operatorKey,
  producersOf,
  readerCounts,
} from '../../onnx/graph.ts';
import { toNumbers } from '../../tensor/convert.ts';

/**
 * Takes the guard that exporters put behind every attention, `Where(IsNaN(s), 0, s) · V` for `s = Softmax(…)`, out of
 * the way: the scores go into the product as they are, and only where the sum of the product is not a number, as it is
 * when any score is not, the guard runs as before.
 */
export function guardProducts(graph: Graph, facts: Facts): Graph {
  const producers = producersOf(graph);
  const readers = readerCounts(graph);
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
    const isSoftmax = softmax && operatorKey(softmax) === 'Softmax';
    return isSoftmax && read(scores, 2) && isZero(zero) ? { select, test, scores } : undefined;
  };

  const guards = new Map(graph.nodes.flatMap((node) => [[node, guardOf(node)] as const]));
  if (![...guards.values()].some(Boolean)) return graph;
  const gone = new Set([...guards.values()].flatMap((guard) => (guard ? [guard.select, guard.test] : [])));
  const builder = new GraphBuilder(graph, { prefix: 'guard/' });
  const nodes = graph.nodes.flatMap((node) => {
    const guard = guards.get(node);
    if (!guard) return gone.has(node) ? [] : [node];
    const [bare, guarded, same] = [builder.fresh('MatMul'), builder.fresh('MatMul'), builder.fresh('Identity')];
    const product = nodeOf('MatMul', [guard.scores, node.inputs[1]], bare);
    const sum = nodeOf('ReduceSum', [bare], builder.fresh('ReduceSum'), { keepdims: 0 });
    const isWrong = nodeOf('IsNaN', sum.outputs, builder.fresh('IsNaN'));
    const choose: Node = {
      ...nodeOf('If', isWrong.outputs, node.outputs[0]),
      attributes: {
        then_branch: branch([guard.test, guard.select, { ...node, outputs: [guarded] }]),
        else_branch: branch([nodeOf('Identity', [bare], same)]),
      },
    };
    return [product, sum, isWrong, choose];
  });
  return { ...builder.build(), nodes };
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

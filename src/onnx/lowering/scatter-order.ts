import { describeNode, type Node, operatorKey, stringAttribute } from '../graph.ts';
import type { Rewriter } from './rewrite.ts';

/**
 * A ScatterND that adds, multiplies or compares becomes a ScatterElements of rows. ONNX Runtime runs the updates of
 * ScatterND in parallel without locks: where indices repeat, some are lost, differently in every run
 * (microsoft/onnxruntime issue 18048; measured on 1.30.0). ScatterElements takes them one after the other.
 */
export function scatterInOrder(node: Node, to: Rewriter): boolean {
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (operatorKey(node) !== 'ScatterND' || reduction === 'none') return false;
  const [data, indices, updates] = node.inputs;
  const first = to.ints([0]);
  const shape = to.op('Shape', [data]);
  // Index tuples name positions in the first axes; what is behind these is a row.
  const depth = to.op('Shape', [indices], { start: -1 });
  const indexed = to.op('Slice', [shape, first, depth]);
  const row = to.op('Slice', [shape, depth, to.ints([Number.POSITIVE_INFINITY])]);
  const product = (sizes: string) => to.op('ReduceProd', [sizes, first], { keepdims: 1 });
  const count = to.op('Squeeze', [product(indexed), first]);
  const numbers = to.op('Range', [to.scalar(0, 'int64'), count, to.scalar(1, 'int64')]);
  const positions = to.op('GatherND', [to.op('Reshape', [numbers, indexed]), indices]);
  const rows = (value: string) =>
    to.op('Reshape', [value, to.op('Concat', [to.ints([-1]), product(row)], { axis: 0 })]);
  const rowsOfUpdates = rows(updates);
  const everywhere = to.op('Expand', [
    to.op('Reshape', [positions, to.ints([-1, 1])]),
    to.op('Shape', [rowsOfUpdates]),
  ]);
  const scattered = to.op('ScatterElements', [rows(data), everywhere, rowsOfUpdates], { axis: 0, reduction });
  to.op('Reshape', [scattered, shape], {}, node.outputs[0]);
  const text = `${describeNode(node)} takes its updates in order: the runtime's kernel loses some where indices repeat`;
  to.note({ code: 'expanded', node: node.name, operator: 'ScatterND', text });
  return true;
}

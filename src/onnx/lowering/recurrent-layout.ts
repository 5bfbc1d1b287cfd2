import { describeNode, intAttribute, type Node, operatorKey } from '../graph.ts';
import { type Rewriter, withAttributes } from './rewrite.ts';

const recurrent: ReadonlySet<string> = new Set(['RNN', 'GRU', 'LSTM']);
const states = [5, 6];
/** [batch, time, …] and [time, batch, …]; [batch, directions, …] and [directions, batch, …]: its own inverse. */
const swapped = [1, 0, 2];
/** From [time, directions, batch, hidden] to [batch, time, directions, hidden]. */
const batchFirst = [2, 0, 1, 3];

/** Gives a recurrent layer with the batch first (`layout` 1), which ONNX Runtime does not run, the time first. */
export function timeFirst(node: Node, to: Rewriter): boolean {
  if (!recurrent.has(operatorKey(node)) || intAttribute(node, 'layout', 0) !== 1) return false;
  const inputs = node.inputs.map((name, i) =>
    name && (i === 0 || states.includes(i)) ? to.op('Transpose', [name], { perm: swapped }) : name,
  );
  const outputs = node.outputs.map((name) => name && to.fresh('time_first'));
  // The name goes to the node that makes the output; runtimes refuse two of one name.
  to.append({ ...withAttributes(node, {}, ['layout']), name: to.fresh(node.op), inputs, outputs });
  node.outputs.forEach((name, i) => {
    if (name) to.op('Transpose', [outputs[i]], { perm: i === 0 ? batchFirst : swapped }, name);
  });
  const text = `${describeNode(node)} got the time first instead of the batch`;
  to.note({ code: 'expanded', node: node.name, operator: operatorKey(node), text });
  return true;
}

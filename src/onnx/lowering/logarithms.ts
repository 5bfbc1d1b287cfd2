import { toNumbers } from '../../tensor/convert.ts';
import { lookup } from '../../tensor/lookup.ts';
import { memo } from '../../tensor/memo.ts';
import { describeNode, type Graph, intAttribute, type Node, operatorKey, producersOf } from '../graph.ts';
import { movesFirst } from '../operators.ts';
import type { Rewriter } from './rewrite.ts';

/** Whether a node moves the elements of its first input, so that a logarithm before it is one behind it. */
const moves = (node: Node) => movesFirst(operatorKey(node)) && node.outputs.length === 1;

/** Appends what equals the logarithm of a node's output, under the name `output` if there is one; undefined where nothing does. */
type LogarithmOf = (node: Node, to: Rewriter, graph: Producers, output?: string) => string | undefined;
type Producers = ReadonlyMap<string, Node>;

const producedBy = (name: string, op: string, producers: Producers): Node | undefined => {
  const node = producers.get(name);
  return node && operatorKey(node) === op ? node : undefined;
};

const isOne = (name: string, to: Rewriter) => {
  const constant = to.constantOf(name);
  return constant !== undefined && constant.data.length === 1 && toNumbers(constant)[0] === 1;
};

const axisOf = (node: Node) => ({ axis: intAttribute(node, 'axis', -1) });

/** Logarithms that are finite where the operator underflows to 0 or overflows, by operator. */
const logarithms: Readonly<Record<string, LogarithmOf>> = {
  Softmax: (node, to, _, output) => to.op('LogSoftmax', [node.inputs[0]], axisOf(node), output),
  // log σ(x) = −log(1 + e⁻ˣ)
  Sigmoid: ({ inputs: [x] }, to, _, output) => to.op('Neg', [to.op('Softplus', [to.op('Neg', [x])])], {}, output),
  // log(1 − σ(x)) = −log(1 + eˣ)
  Sub: ({ inputs: [one, sigmoid] }, to, producers, output) => {
    const inner = producedBy(sigmoid, 'Sigmoid', producers);
    return inner && isOne(one, to) ? to.op('Neg', [to.op('Softplus', inner.inputs)], {}, output) : undefined;
  },
  // log(1 + eˣ)
  Add: ({ inputs }, to, producers, output) => {
    const at = inputs.findIndex((name) => isOne(name, to));
    const inner = at < 0 ? undefined : producedBy(inputs[1 - at], 'Exp', producers);
    return inner && to.op('Softplus', inner.inputs, {}, output);
  },
  ReduceSum: (node, to, producers, output) => {
    const inner = producedBy(node.inputs[0], 'Exp', producers);
    if (!inner) return undefined;
    const attributes = {
      keepdims: intAttribute(node, 'keepdims', 1),
      noop_with_empty_axes: intAttribute(node, 'noop_with_empty_axes', 0),
    };
    return to.op('ReduceLogSumExp', [inner.inputs[0], ...node.inputs.slice(1)], attributes, output);
  },
};

const producersOfGraph = memo(producersOf as (graph: Graph) => Producers);

/**
 * Replaces the logarithm of what may underflow or overflow by the operator that computes both at once:
 * `Log(Softmax(x))` is `LogSoftmax(x)`, and likewise for sigmoids and sums of exponentials, also where elements are only
 * moved between the two. As written, a probability below 1e-38 has the logarithm −∞, and its gradient is 0/0.
 */
export function stableLogarithm(node: Node, to: Rewriter): boolean {
  const key = operatorKey(node);
  if (key !== 'Log' && key !== 'ReduceLogSum') return false;
  const producers = producersOfGraph(to.graph);
  if (key === 'ReduceLogSum') {
    if (!logarithms.ReduceSum(node, to, producers, node.outputs[0])) return false;
    tell(node, 'ReduceLogSum of Exp', to);
    return true;
  }
  const between: Node[] = [];
  let source = producers.get(node.inputs[0]);
  for (; source && moves(source); source = producers.get(source.inputs[0])) between.unshift(source);
  const stable = source && lookup(logarithms, operatorKey(source));
  let value = source && stable?.(source, to, producers, between.length ? undefined : node.outputs[0]);
  if (!source || value === undefined) return false;
  for (const [i, move] of between.entries()) {
    const output = i === between.length - 1 ? node.outputs[0] : to.fresh(move.op);
    to.append({ ...move, name: output, inputs: [value, ...move.inputs.slice(1)], outputs: [output] });
    value = output;
  }
  tell(node, `Log of ${source.op}`, to);
  return true;
}

function tell(node: Node, what: string, to: Rewriter): void {
  const text = `${describeNode(node)}: ${what} is computed in one step, which is finite where a probability underflows to 0`;
  to.note({ code: 'expanded', node: node.name, operator: operatorKey(node), text });
}

import { type Graph, type Node, operatorKey, producersOf } from '../../onnx/graph.ts';
import { keepsOrder } from '../../onnx/operators.ts';
import { lookup } from '../../tensor/lookup.ts';

/**
 * What the numbers of an output are: the end of the model, `probabilities` of some other making, `scores` that nothing
 * normalises, or `independent` ones, each of which a sigmoid makes a probability.
 */
export type Scale = 'softmax' | 'log-softmax' | 'sigmoid' | 'probabilities' | 'scores' | 'independent';

/** What somebody says of an output whose graph does not show it: its numbers are probabilities, or each has its own sigmoid. */
export type StatedScale = Extract<Scale, 'probabilities' | 'independent'>;

const scales: Readonly<Record<string, (node: Node) => Scale>> = {
  Softmax: () => 'softmax',
  LogSoftmax: () => 'log-softmax',
  Sigmoid: () => 'sigmoid',
  'ai.onnx.ml.Normalizer': () => 'probabilities',
  // Leaves of ensembles of trees for classification hold probabilities, or are made so.
  'ai.onnx.ml.TreeEnsembleClassifier': () => 'probabilities',
  'ai.onnx.ml.LinearClassifier': transformed,
  'ai.onnx.ml.SVMClassifier': transformed,
};

function transformed({ attributes }: Node): Scale {
  const { post_transform: transform } = attributes;
  return transform?.kind === 'string' && transform.value !== 'NONE' ? 'probabilities' : 'scores';
}

/** What the numbers of an output are, by the operator that makes them; where that makes scores, as stated. */
export function scaleOf(graph: Graph, output: string, stated?: StatedScale): Scale {
  const last = finalNode(graph, output);
  const shown =
    (last && lookup(scales, operatorKey(last))?.(last)) ??
    (holdsProbabilities(graph, last) ? 'probabilities' : 'scores');
  return shown === 'scores' && stated ? stated : shown;
}

/** Operators that take some elements of what they read. */
const selecting: ReadonlySet<string> = new Set(['Gather', 'GatherElements', 'GatherND', 'Slice', 'Split']);

/** Whether a node takes some elements of probabilities, as `sigmoid(z)[:, 0]` does: they stay probabilities. */
function holdsProbabilities(graph: Graph, last: Node | undefined): boolean {
  const producers = producersOf(graph);
  let [node, selected] = [last, false];
  while (node && (selecting.has(operatorKey(node)) || regroups(node))) {
    selected = true;
    node = producers.get(node.inputs[0]);
  }
  const scale = node && lookup(scales, operatorKey(node))?.(node);
  return selected && (scale === 'softmax' || scale === 'sigmoid' || scale === 'probabilities');
}

/** Nodes that only rename or regroup elements, so that element i of a row stays element i. */
const regroups = (node: Node) => keepsOrder(operatorKey(node)) || node.op === 'ZipMap';

/** The last node before an output that computes something, seen through reshapes. */
export function finalNode(graph: Graph, output: string): Node | undefined {
  const producers = producersOf(graph);
  let node = producers.get(output);
  while (node && regroups(node)) node = producers.get(node.inputs[0]);
  return node;
}

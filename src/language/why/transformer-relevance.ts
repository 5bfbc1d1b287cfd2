import { everyOperator, type Gradients, ordinary } from '../../attribution/methods/rules/ordinary.ts';
import { relevanceRule } from '../../attribution/methods/rules/relevance.ts';
import type { RuleContext } from '../../autodiff/context.ts';
import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import { type Graph, type Node, operatorKey, producersOf } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';

/**
 * What an attention's weights take of the relevance of `weights × values`. held: nothing, all goes to the values, and
 * relevance is conserved; half: half, which goes on to queries and keys by the Softmax's first-order expansion.
 */
export type AttentionRelevance = 'held' | 'half';

/**
 * Layer-wise relevance propagation for transformers, as rules for the backward pass with ε = 0: what flows is relevance
 * divided by the value. A factor that is one number for all features of a token (the scale of a norm) takes none; of
 * `x · gate(x)` (SiLU, GELU) x takes all; two different factors take half each. Without biases the relevance of all token
 * vectors sums to the logit.
 * @source Achtibat et al. 2024, AttnLRP, arXiv 2402.05602; attention held: Ali et al. 2022, arXiv 2202.07304
 */
export function transformerRelevance(graph: Graph, attention: AttentionRelevance): RuleOverrides {
  const weights = attentionWeights(graph);
  const producers = producersOf(graph);
  const rule = (c: RuleContext, gradients: Gradients): Gradients => {
    const key = operatorKey(c.node);
    const varying = c.node.inputs.flatMap((name, i) => (name && c.needs(i) ? [i] : []));
    if (attention === 'held' && key === 'Softmax') return [undefined];
    if (!gradients[0] || varying.length < 2) return relevanceRule(c, gradients, { epsilon: 0 });
    if (key === 'MatMul' && attention === 'held' && weights.has(c.input(0)))
      return [undefined, ordinary(c, gradients)[1]];
    const taker = key === 'Mul' ? takerOf(c, producers) : undefined;
    if (taker === undefined) return relevanceRule(c, gradients, { epsilon: 0 });
    const both = ordinary(c, gradients);
    return taker === 0 ? [both[0], undefined] : [undefined, both[1]];
  };
  return { byOperator: everyOperator(rule) };
}

/** The factor that takes all: the one that the other scales as a whole, or is a gate of. */
function takerOf(c: RuleContext, producers: ReadonlyMap<string, Node>): 0 | 1 | undefined {
  const [a, b] = [c.input(0), c.input(1)];
  const width = (i: number) => c.inputShape(i).at(-1) ?? 1;
  if (width(1) === 1 && width(0) > 1) return 0;
  if (width(0) === 1 && width(1) > 1) return 1;
  if (isGateOf(b, a, producers)) return 0;
  return isGateOf(a, b, producers) ? 1 : undefined;
}

/** Whether a value is made of another one element by element, with constants alone beside it. */
function isGateOf(gate: string, x: string, producers: ReadonlyMap<string, Node>): boolean {
  if (gate === x) return true;
  const node = producers.get(gate);
  const { elementwise, broadcasts } = node ? traitsOf(operatorKey(node)) : {};
  if (!node || !(elementwise || broadcasts)) return false;
  const made = node.inputs.filter((name) => name === x || producers.has(name));
  return made.length > 0 && made.every((name) => isGateOf(name, x, producers));
}

/** Values that hold what Softmax gave, moved, guarded or masked. */
function attentionWeights(graph: Graph): ReadonlySet<string> {
  const weights = new Set<string>();
  for (const node of graph.nodes) {
    const passes = node.op === 'Softmax' || traitsOf(operatorKey(node)).moves !== undefined;
    if (!passes || !(node.op === 'Softmax' || node.inputs.some((name) => weights.has(name)))) continue;
    for (const name of node.outputs) if (name) weights.add(name);
  }
  return weights;
}

/** Whether nothing but the vectors of tokens is added: no bias, no shift of a norm, no vectors of positions. */
export function conservesRelevance({ nodes, initializers }: Graph): boolean {
  const isRow = (name: string) => {
    const { shape, type } = initializers.get(name) ?? {};
    return shape?.length === 1 && type?.startsWith('float') === true;
  };
  const picked = new Set(
    nodes.filter(({ op, inputs }) => op === 'Gather' && initializers.get(inputs[0])?.shape.length === 2).map(outputOf),
  );
  return !nodes.some((node) => {
    const key = operatorKey(node);
    if (key === 'Add') return node.inputs.some(isRow) || node.inputs.every((name) => picked.has(name));
    return (key === 'LayerNormalization' || key === 'Gemm') && Boolean(node.inputs[2]);
  });
}

const outputOf = ({ outputs }: Node): string => outputs[0];

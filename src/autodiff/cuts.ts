import { describeNode, elementsRead, type Node, operatorKey } from '../onnx/graph.ts';
import { traitsOf } from '../onnx/operators.ts';
import { lookup } from '../tensor/lookup.ts';
import { dependentOn } from './dependence.ts';
import { elementsBehind } from './elements-behind.ts';
import type { Facts } from './facts.ts';
import { nonDifferentiable } from './non-differentiable.ts';

/** A node at which what depends on a value goes on to the target, but its gradient does not. */
export interface GradientCut {
  readonly node: Node;
  readonly source: string;
  /** In words: node, operator, which elements of the source where that is known, and why. */
  readonly text: string;
}

/** Tests that say where a number is missing: they do not change with the number. */
const missing: ReadonlySet<string> = new Set(['IsNaN', 'IsInf']);

/** Whether an operator hands a truth value on. */
const handsOn = (key: string) => {
  const { moves } = traitsOf(key);
  return logical.has(key) || key === 'Concat' || (moves !== undefined && moves !== 'joining');
};
const logical: ReadonlySet<string> = new Set(['And', 'Or', 'Xor', 'Not']);

/**
 * Finds every node on a path from a source to a target where the gradient ends although the value goes on: a number
 * that becomes an integer and an index, a rounding, a comparison that is multiplied with. A gradient knows nothing of
 * such paths, so that attributions by it cannot add up.
 *
 * Not among them: a comparison that only chooses between two values that carry the gradient on, as in
 * `Where(x > 0, x, 0)` or an `If`, and tests for missing values.
 */
export function gradientCuts(
  nodes: readonly Node[],
  facts: Facts,
  sources: Iterable<string>,
  targets: Iterable<string>,
): GradientCut[] {
  const leads = new Set(targets);
  for (const node of nodes.toReversed()) {
    if (node.outputs.some((name) => leads.has(name))) for (const name of elementsRead(node)) leads.add(name);
  }
  const isZero = (node: Node) => lookup(nonDifferentiable, operatorKey(node))?.gradient === 'zero';
  const cutsOf = (from: ReadonlySet<string>) => {
    const carriers = dependentOn(nodes, from, facts, isZero);
    const readers = readersOf(nodes);
    return nodes.filter((node) => {
      if (missing.has(operatorKey(node))) return false;
      const ends = node.outputs.some((name) => leads.has(name) && !carriers.has(name));
      if (!ends || ![...elementsRead(node)].some((name) => carriers.has(name))) return false;
      return !node.outputs.every((name) => !leads.has(name) || onlyChooses(name, carriers, readers));
    });
  };
  const all = [...sources];
  if (cutsOf(new Set(all)).length === 0) return [];
  return all.flatMap((source) =>
    cutsOf(new Set([source])).map((node) => {
      const why =
        lookup(nonDifferentiable, operatorKey(node))?.why ?? 'its output is integers: no gradient flows through it';
      const [read] = [...elementsRead(node)].filter((name) => dependentOn(nodes, new Set([source]), facts).has(name));
      const elements = elementsBehind(nodes, facts, source, read);
      return { node, source, text: `${describeNode(node)} cuts the gradient of ${elements}: ${why}` };
    }),
  );
}

function readersOf(nodes: readonly Node[]): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of elementsRead(node)) {
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
  }
  return readers;
}

/** Whether a truth value does nothing but choose between values of which at least one carries the gradient. */
function onlyChooses(
  condition: string,
  carriers: ReadonlySet<string>,
  readers: ReadonlyMap<string, readonly Node[]>,
): boolean {
  const list = readers.get(condition) ?? [];
  return (
    list.length > 0 &&
    list.every((node) => {
      const key = operatorKey(node);
      if (key === 'Where' && node.inputs[0] === condition)
        return node.inputs.slice(1).some((name) => carriers.has(name));
      if (key === 'If') return [...elementsRead(node)].some((name) => carriers.has(name));
      return handsOn(key) && node.outputs.every((name) => onlyChooses(name, carriers, readers));
    })
  );
}

import { WhereforeError } from '../../errors.ts';
import { describeNode, elementsRead, type Graph, intAttribute, type Node, operatorKey } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { floatTypes } from '../dependence.ts';
import type { Facts } from '../facts.ts';
import { axisOf } from '../rules/axes.ts';
import { type LinearStep, linearStep } from './linear-steps.ts';
import { type RowLayouts, rowAxis } from './row-layout.ts';

/** A place where a parameter, or what constants make of it, meets the data. */
export interface Use {
  readonly parameter: string;
  /** What lies between the parameter and the value that the node reads. */
  readonly steps: readonly LinearStep[];
  /** The value that the node reads, and its place among the node's inputs. */
  readonly value: string;
  readonly index: number;
  readonly node: Node;
  /** Shape of the value that the node reads. */
  readonly shape: readonly number[];
  /** Where the rows lie in the node's output. */
  readonly outer: number | 'mixed';
  /** Whether nobody else reads the node's other inputs, so that its output is all that becomes of them. */
  readonly isOnlyReader: boolean;
}

/**
 * Every use of some parameters, a parameter that is used twice (tied weights) twice.
 * @throws WhereforeError `unsupported-model` where something else than a linear operation lies between a parameter and
 *   the data, and more than one row is asked for
 */
export function findUses(graph: Graph, facts: Facts, layouts: RowLayouts, parameters: readonly string[]): Use[] {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of elementsRead(node)) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const isPrivate = (name: string) => readers.get(name)?.length === 1 && !outputs.has(name);
  const isReal = (name: string) => floatTypes.has(facts.types.get(name) ?? 'float32');
  const uses: Use[] = [];
  const follow = (parameter: string, value: string, steps: readonly LinearStep[]): void => {
    for (const node of readers.get(value) ?? []) {
      if (!node.outputs.some((name) => name && isReal(name))) continue;
      const places = node.inputs.flatMap((name, index) => (name === value ? [index] : []));
      const expanded = outerOfExpanded(node, facts, layouts, readers);
      const outer = layouts.outer.get(node.outputs[0]) ?? expanded;
      const isOnlyReader = node.inputs.every((name) => name === value || isPrivate(name));
      const shape = facts.shapes.get(value) ?? [];
      for (const index of places) {
        const use = { parameter, steps, value, index, node, shape, isOnlyReader };
        const step = outer === undefined ? linearStep(node, index, facts) : undefined;
        if (outer !== undefined) uses.push({ ...use, outer });
        else if (step) follow(parameter, node.outputs[0], [...steps, step]);
        else if (layouts.count === 1) uses.push({ ...use, outer: 1 });
        else throw notLinear(node, parameter);
      }
      if (places.length === 0) throw notLinear(node, parameter);
    }
  };
  for (const parameter of parameters) follow(parameter, parameter, []);
  return uses;
}

function notLinear(node: Node, parameter: string): WhereforeError {
  return new WhereforeError(
    'unsupported-model',
    `the gradients of single rows do not pass from the data to "${parameter}"`,
    { where: describeNode(node), fix: 'run it with one row a batch, or leave the parameter out' },
  );
}

/** Where the rows lie in what `Expand` repeats for every row (a class token): only its readers know that these are rows. */
function outerOfExpanded(
  node: Node,
  facts: Facts,
  layouts: RowLayouts,
  readers: ReadonlyMap<string, readonly Node[]>,
): number | undefined {
  if (operatorKey(node) !== 'Expand' || layouts.count === 1) return undefined;
  const shape = facts.shapes.get(node.outputs[0]) ?? [];
  const before = facts.shapes.get(node.inputs[0]) ?? [];
  for (const reader of readers.get(node.outputs[0]) ?? []) {
    for (const name of reader.inputs) {
      const [outer, other] = [layouts.outer.get(name), facts.shapes.get(name)];
      const rows = other && typeof outer === 'number' ? rowAxis(other, outer, layouts.count) : undefined;
      if (!rows || !other || rows.lead !== 1 || rows.trail !== 1) continue;
      const axis = shape.length - other.length + rows.axis;
      const isJoined =
        operatorKey(reader) === 'Concat' && axisOf(intAttribute(reader, 'axis', 0), shape.length) === axis;
      const isRepeated = (before[before.length - shape.length + axis] ?? 1) === 1;
      if (shape[axis] === layouts.count && isRepeated && !isJoined) return sizeOf(shape.slice(0, axis));
    }
  }
  return undefined;
}

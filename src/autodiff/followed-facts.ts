import { type Graph, type Initializer, intAttribute, type Node, namesRead, operatorKey } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { prune } from '../onnx/lowering/extract.ts';
import { traitsOf } from '../onnx/operators.ts';
import { inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type Facts, parameterNames, shapeOnlyValues } from './facts.ts';
import { followedShape } from './followed-shapes.ts';

/** Runs a small graph without inputs. */
export type RunSmall = (graph: Graph, wanted: readonly string[]) => Promise<ReadonlyMap<string, Tensor>>;

/** Elements of a value that is computed to learn sizes from; masks are larger, and no size follows from them. */
const mostElements = 2 ** 16;

/**
 * Facts of a graph for some input shapes without running what is large: shapes are followed from node to node, and the
 * small values that sizes are made of are computed as soon as their own inputs are known. An attention over thousands of
 * tokens holds gigabytes that no shape needs.
 * @param run runs a graph of nothing but such small values
 * @returns undefined where a shape does not follow: the graph must be run
 */
export async function followedFacts(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  run: RunSmall,
): Promise<Facts | undefined> {
  const types = inferTypes(graph);
  const shapes = new Map<string, readonly number[]>();
  const constants = new Map<string, Tensor>();
  for (const [name, { shape }] of inputs) shapes.set(name, shape);
  for (const weight of graph.initializers.values()) {
    shapes.set(weight.name, weight.shape);
    if (weight.location.kind !== 'file' && sizeOf(weight.shape) <= mostElements)
      constants.set(weight.name, readInitializer(weight));
  }
  const known = { shapes, constants, shapeOnly: shapeOnlyValues(graph) };
  for (let waiting: readonly Node[] = graph.nodes; waiting.length > 0; ) {
    const left = waiting.filter((node) => !follow(node, known));
    const small = smallValues(left, constants, shapes);
    const part = evaluated(graph, small, constants);
    for (const [name, value] of small.length === 0 ? [] : await run(part.graph, part.wanted)) {
      constants.set(name, value);
      shapes.set(name, value.shape);
    }
    const isStuck = left.length === waiting.length && small.length === 0;
    // What is left may be computed from masks and the like, which are not.
    if (isStuck && left.every(({ outputs }) => outputs.every((name) => !name || shapes.has(name)))) break;
    if (isStuck) return undefined;
    waiting = left;
  }
  // Other numbers stay nodes, as in facts that were run for.
  const parameters = new Set(graph.nodes.flatMap(parameterNames));
  const counts = (name: string) => /^(u?int|bool)/.test(types.get(name) ?? '') || parameters.has(name);
  for (const name of constants.keys()) if (!graph.initializers.has(name) && !counts(name)) constants.delete(name);
  return { shapes, types, constants };
}

interface Known {
  readonly shapes: Map<string, readonly number[]>;
  readonly constants: Map<string, Tensor>;
  readonly shapeOnly: ReadonlySet<string>;
}

/** Notes the shapes of a node's outputs, and the value of a Shape; whether nothing is left to learn of it. */
function follow(node: Node, { shapes, constants, shapeOnly }: Known): boolean {
  const [first] = node.outputs;
  const read = shapes.get(node.inputs[0]);
  if (operatorKey(node) === 'Shape' && read) {
    const value = read.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end'));
    constants.set(first, int64([value.length], value));
    shapes.set(first, [value.length]);
    return true;
  }
  let isDone = true;
  for (const [output, name] of node.outputs.entries()) {
    if (!name || shapes.has(name)) continue;
    const rule = followedShape(node, output);
    const given = rule?.by.map((one) => constants.get(one));
    const isKnown = rule?.from.every((one) => shapes.has(one)) && rule.by.every((one, i) => one === '' || given?.[i]);
    const shape =
      rule && isKnown
        ? rule.shape(
            rule.from.map((one) => shapes.get(one) ?? []),
            (given ?? []).map((one) => one && toNumbers(one)),
          )
        : undefined;
    if (shape) shapes.set(name, shape);
    else isDone = false;
  }
  // What sizes may follow from stays until its value is known too.
  return isDone && (!shapeOnly.has(first) || constants.has(first) || !isSmall(first, shapes));
}

const isSmall = (name: string, shapes: Known['shapes']): boolean => sizeOf(shapes.get(name) ?? []) <= mostElements;

const canBeComputed = (node: Node, isConstant: (name: string) => boolean): boolean =>
  !traitsOf(operatorKey(node)).random && [...namesRead(node)].every(isConstant);

/** Nodes whose inputs are all constants, or made of such nodes; where the shape of an output follows, it must be known and small. */
function smallValues(nodes: readonly Node[], constants: Known['constants'], shapes: Known['shapes']): Node[] {
  const computed = new Set<string>();
  return nodes.filter((node) => {
    const small =
      node.outputs.every((name, i) => !name || (shapes.has(name) ? isSmall(name, shapes) : !followedShape(node, i))) &&
      canBeComputed(node, (name) => constants.has(name) || computed.has(name));
    if (small) for (const name of node.outputs) computed.add(name);
    return small;
  });
}

/** The graph that computes some nodes from constants, and the values that it gives. */
function evaluated(
  graph: Graph,
  nodes: readonly Node[],
  constants: Known['constants'],
): { graph: Graph; wanted: string[] } {
  const wanted = nodes.flatMap(({ outputs }) => outputs.filter(Boolean));
  const made = [...constants].map(([name, tensor]): readonly [string, Initializer] => [
    name,
    { name, type: tensor.type, shape: tensor.shape, location: { kind: 'memory', tensor } },
  ]);
  const outputs = wanted.map((name) => ({ name, type: undefined, shape: undefined }));
  const initializers = new Map([...graph.initializers, ...made]);
  return {
    graph: prune({ ...graph, inputs: [], nodes: [...nodes], initializers, outputs, values: new Map() }),
    wanted,
  };
}

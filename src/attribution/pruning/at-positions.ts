import type { Facts } from '../../autodiff/facts.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import {
  type Graph,
  intAttribute,
  intsAttribute,
  type Node,
  namesRead,
  nodeOf,
  operatorKey,
} from '../../onnx/graph.ts';
import { operatorsThat } from '../../onnx/operators.ts';
import { sortNodes } from '../../onnx/sort.ts';
import { inferTypes } from '../../onnx/types.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { lookup } from '../../tensor/lookup.ts';
import { sizeOf } from '../../tensor/tensor.ts';

type Shapes = Map<string, readonly number[]>;

export interface Known {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly facts: Facts;
  /** Places that are wanted of the axis. */
  readonly count: number;
  /** An int64 constant. */
  ints(values: readonly number[]): string;
}

/** What a node reads when only some places of an axis of its output are wanted: the axis of each input, if any. */
export interface Narrowed {
  readonly axes: readonly (number | undefined)[];
  /** Inputs that change altogether: the shape of a Reshape. */
  readonly replaced?: readonly string[];
}

export type Narrow = (node: Node, axis: number, known: Known) => Narrowed | undefined;

/** The axis of each operand that is broadcast to an axis of the result; undefined where it has one place or none. */
function broadcast(axis: number, rank: number, operands: readonly (readonly number[])[]): (number | undefined)[] {
  return operands.map((shape) => {
    const own = axis - (rank - shape.length);
    return own >= 0 && shape[own] !== 1 ? own : undefined;
  });
}

const elementwise: Narrow = (node, axis, { shapes }) => {
  const rank = shapes.get(node.outputs[0])?.length ?? 0;
  return {
    axes: broadcast(
      axis,
      rank,
      node.inputs.map((name) => shapes.get(name) ?? []),
    ),
  };
};

/** Only the first input has the axis; the operator works along other ones. */
const along =
  (axesOf: (node: Node, rank: number, known: Known) => readonly number[] | undefined): Narrow =>
  (node, axis, known) => {
    const rank = known.shapes.get(node.inputs[0])?.length ?? 0;
    const used = axesOf(node, rank, known)?.map((own) => (own < 0 ? own + rank : own));
    return used && !used.includes(axis) ? { axes: [axis] } : undefined;
  };

const attributeAxis = (fallback: number) => along((node) => [intAttribute(node, 'axis', fallback)]);

const reduction = along((node, rank, { shapes, facts }) => {
  // Without the axes that were summed, the others would count differently.
  if (shapes.get(node.outputs[0])?.length !== rank) return undefined;
  const given = facts.constants.get(node.inputs[1] ?? '');
  const axes = given ? toNumbers(given) : intsAttribute(node, 'axes');
  // An empty list means all of them.
  return axes?.length ? axes : undefined;
});

/** The elements keep their order: the axis is found again where as many elements lie before it and it is as long. */
const regroup: Narrow = (node, axis, { shapes, count, ints }) => {
  const [from, to] = [shapes.get(node.inputs[0]) ?? [], shapes.get(node.outputs[0]) ?? []];
  const before = sizeOf(to.slice(0, axis));
  const own = from.findIndex((size, k) => size === to[axis] && sizeOf(from.slice(0, k)) === before);
  if (own < 0 || to[axis] === 1) return undefined;
  return { axes: [own], replaced: ['', ints(to.map((size, k) => (k === axis ? count : size)))] };
};

const elementwiseOperators = operatorsThat(
  ({ elementwise, broadcasts }) => elementwise === true || broadcasts === true,
);

/** What each operator needs of its inputs for some places of an axis of its output; undefined: more than these. */
export const narrowing: Readonly<Record<string, Narrow>> = {
  ...Object.fromEntries([...elementwiseOperators, 'Identity', 'Cast'].map((op) => [op, elementwise])),
  Softmax: attributeAxis(-1),
  LogSoftmax: attributeAxis(-1),
  LayerNormalization: along((node, rank) => {
    const first = intAttribute(node, 'axis', -1);
    return Array.from({ length: rank }, (_, k) => k).slice(first);
  }),
  ReduceMean: reduction,
  ReduceSum: reduction,
  ReduceMax: reduction,
  ReduceL2: reduction,
  ReduceSumSquare: reduction,
  Slice: along((node, rank, { facts }) => {
    const axes = node.inputs[3] ? facts.constants.get(node.inputs[3]) : undefined;
    return node.inputs[3] ? axes && toNumbers(axes) : Array.from({ length: rank }, (_, k) => k);
  }),
  Concat: (node, axis, { shapes }) => {
    const rank = shapes.get(node.outputs[0])?.length ?? 0;
    const joined = intAttribute(node, 'axis', 0);
    return (joined < 0 ? joined + rank : joined) === axis ? undefined : { axes: node.inputs.map(() => axis) };
  },
  Transpose: (node, axis, { shapes }) => {
    const rank = shapes.get(node.outputs[0])?.length ?? 0;
    return { axes: [intsAttribute(node, 'perm')?.[axis] ?? rank - 1 - axis] };
  },
  MatMul: (node, axis, { shapes }) => {
    const rank = shapes.get(node.outputs[0])?.length ?? 0;
    const [left, right] = node.inputs.map((name) => shapes.get(name) ?? []);
    if (left.length < 2 || right.length < 2 || axis === rank - 1) return undefined;
    // A row of the product needs that row of the left side; the axes before are broadcast.
    if (axis === rank - 2) return left.length === rank ? { axes: [axis, undefined] } : undefined;
    return { axes: broadcast(axis, rank, [left, right]) };
  },
  Gemm: (node, axis, { shapes }) => {
    const plain = intAttribute(node, 'transA', 0) === 0 && axis === 0;
    return plain && (shapes.get(node.inputs[2] ?? '')?.length ?? 0) < 2 ? { axes: [0] } : undefined;
  },
  Reshape: regroup,
  Squeeze: regroup,
  Unsqueeze: regroup,
};

const isRegrouping = (node: Node) => node.op === 'Squeeze' || node.op === 'Unsqueeze';

/** The places that a Gather takes: a list of indices, so that the axis stays. */
interface Places {
  readonly axis: number;
  readonly index: string;
  readonly count: number;
}

function placesOf(node: Node, shapes: ReadonlyMap<string, readonly number[]>): Places | undefined {
  if (operatorKey(node) !== 'Gather') return undefined;
  const [value, index] = node.inputs;
  const rank = shapes.get(value)?.length;
  const at = shapes.get(index);
  if (rank === undefined || at?.length !== 1) return undefined;
  const axis = intAttribute(node, 'axis', 0);
  return { axis: axis < 0 ? axis + rank : axis, index, count: at[0] };
}

/**
 * A graph that computes the same where it takes places of an axis out of a value, fewer than it has: what lies before is
 * computed at these alone, as far back as no others are needed. A language model's last layer then works for the
 * positions of an answer instead of all. Where the axis has one place, nothing is left to take.
 * @param facts the list of places may have the length -1: how many there are is known when the graph runs
 * @param only the one list of places that is looked at; default all
 */
export const atPositions = (graph: Graph, facts: Facts, only?: string): Graph => narrowed(graph, facts, only).graph;

/** The same with what is then known of its values. */
export function knownAtPositions(graph: Graph, facts: Facts): { readonly graph: Graph; readonly facts: Facts } {
  const { graph: lean, shapes: all } = narrowed(graph, facts);
  const shapes: Shapes = new Map();
  const constants = new Map(facts.constants);
  for (const weight of lean.initializers.values()) {
    shapes.set(weight.name, weight.shape);
    if (weight.location.kind === 'memory') constants.set(weight.name, weight.location.tensor);
  }
  const left = [...lean.inputs.map(({ name }) => name), ...lean.nodes.flatMap(({ outputs }) => outputs)];
  for (const name of left) if (name) shapes.set(name, all.get(name) ?? []);
  return { graph: lean, facts: { ...facts, shapes, types: inferTypes(lean), constants } };
}

function narrowed(graph: Graph, facts: Facts, only?: string): { readonly graph: Graph; readonly shapes: Shapes } {
  const shapes: Shapes = new Map(facts.shapes);
  const takes = (node: Node) => (only === undefined || node.inputs[1] === only ? placesOf(node, shapes) : undefined);
  if (!graph.nodes.some(takes)) return { graph, shapes };
  const builder = new GraphBuilder(graph, { prefix: 'position/' });
  const ints = (values: readonly number[]) => builder.ints(values);
  const nodes = new Set(graph.nodes);
  const producers = new Map<string, Node>();
  const readers = new Map<string, Set<Node>>();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const add = (node: Node) => {
    nodes.add(node);
    for (const name of node.outputs) producers.set(name, node);
    for (const name of namesRead(node)) {
      const list = readers.get(name);
      if (list) list.add(node);
      else readers.set(name, new Set([node]));
    }
  };
  const remove = (node: Node) => {
    nodes.delete(node);
    for (const name of namesRead(node)) readers.get(name)?.delete(node);
  };
  for (const node of graph.nodes) add(node);

  /** The value at some places of an axis, by the Gather that takes them, if there is one already. */
  const taken = (value: string, axis: number, { index, count }: Places): string => {
    for (const reader of readers.get(value) ?? []) {
      const place = placesOf(reader, shapes);
      if (place?.axis === axis && place.index === index && reader.inputs[0] === value) return reader.outputs[0];
    }
    const output = builder.fresh('Gather');
    shapes.set(
      output,
      (shapes.get(value) ?? []).map((size, k) => (k === axis ? count : size)),
    );
    add(nodeOf('Gather', [value, index], output, { axis }));
    return output;
  };

  const pending = [...graph.nodes];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const place = nodes.has(node) ? takes(node) : undefined;
    if (!place) continue;
    const [value] = node.inputs;
    const producer = producers.get(value);
    const isShared = outputs.has(value) || (readers.get(value)?.size ?? 0) > 1 || producer?.outputs.length !== 1;
    const isLess = place.count < (shapes.get(value)?.[place.axis] ?? 0);
    const narrowed = producer && !isShared && producer.domain === '' && isLess;
    const known: Known = { shapes, facts, count: place.count, ints };
    const way = narrowed ? lookup(narrowing, producer.op)?.(producer, place.axis, known) : undefined;
    if (!producer || !way) continue;
    remove(node);
    remove(producer);
    const kept = producer.inputs.map((name, i) => {
      const axis = way.axes[i];
      return way.replaced?.[i] || (axis === undefined ? name : taken(name, axis, place));
    });
    const inputs = [...kept, ...(way.replaced ?? []).slice(kept.length)];
    const changed = isRegrouping(producer) ? { ...producer, op: 'Reshape', attributes: {} } : producer;
    add({ ...changed, inputs, outputs: [node.outputs[0]] });
    // A value that only this node read in full may now be read at these places alone.
    for (const name of producer.inputs) for (const reader of readers.get(name) ?? []) pending.push(reader);
    for (const name of inputs) {
      const made = producers.get(name);
      if (made && nodes.has(made)) pending.push(made);
    }
  }
  const isWhole = (node: Node, place = takes(node)) =>
    place?.count === 1 && shapes.get(node.inputs[0])?.[place.axis] === 1;
  const kept = [...nodes].map((node) => (isWhole(node) ? nodeOf('Identity', [node.inputs[0]], node.outputs[0]) : node));
  return { graph: sortNodes({ ...builder.build(), nodes: kept }), shapes };
}

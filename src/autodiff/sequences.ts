import { type Graph, intAttribute, type Node, namesRead, operatorKey } from '../onnx/graph.ts';
import { namesOf, type Rewriter, rewriteGraph } from '../onnx/lowering/rewrite.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import { int64 } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';

/** The tensors of every sequence whose length is known, in order. */
type Sequences = Map<string, readonly string[]>;

interface Around {
  readonly to: Rewriter;
  readonly facts: Facts;
  readonly sequences: Sequences;
}

/** Replaces a node by tensors, or tells the sequence that it makes; false where something about it is not known. */
type Resolve = (node: Node, around: Around) => boolean;

function numbersOf(name: string | undefined, { to, facts }: Around): number[] | undefined {
  const constant = name ? (facts.constants.get(name) ?? to.constantOf(name)) : undefined;
  return constant && toNumbers(constant);
}

/** A position in a sequence, counted from the end where it is below 0; `otherwise` where it is left out. */
function positionOf(node: Node, input: number, length: number, otherwise: number, around: Around): number | undefined {
  if (!node.inputs[input]) return otherwise;
  const at = numbersOf(node.inputs[input], around)?.[0];
  return at === undefined || at < -length || at > length ? undefined : at < 0 ? at + length : at;
}

const tell = ({ sequences }: Around, node: Node, tensors: readonly string[] | undefined): boolean => {
  if (tensors) sequences.set(node.outputs[0], tensors);
  return tensors !== undefined;
};

const resolvers: Readonly<Record<string, Resolve>> = {
  SequenceEmpty: (node, around) => tell(around, node, []),
  SequenceConstruct: (node, around) => tell(around, node, node.inputs),
  Identity: (node, around) => tell(around, node, around.sequences.get(node.inputs[0])),
  SplitToSequence: split,
  SequenceInsert: (node, around) => {
    const tensors = around.sequences.get(node.inputs[0]);
    const at = tensors && positionOf(node, 2, tensors.length, tensors.length, around);
    return at !== undefined && tell(around, node, tensors?.toSpliced(at, 0, node.inputs[1]));
  },
  SequenceErase: (node, around) => {
    const tensors = around.sequences.get(node.inputs[0]);
    const at = tensors && positionOf(node, 1, tensors.length, tensors.length - 1, around);
    return at !== undefined && tell(around, node, tensors?.toSpliced(at, 1));
  },
  SequenceAt: (node, around) => {
    const tensors = around.sequences.get(node.inputs[0]);
    const at = tensors && positionOf(node, 1, tensors.length, 0, around);
    const tensor = at === undefined ? undefined : tensors?.[at];
    if (tensor === undefined) return false;
    around.to.op('Identity', [tensor], {}, node.outputs[0]);
    return true;
  },
  SequenceLength: (node, { to, sequences }) => {
    const tensors = sequences.get(node.inputs[0]);
    if (!tensors) return false;
    to.op('Identity', [to.constant(int64([], [tensors.length]))], {}, node.outputs[0]);
    return true;
  },
  ConcatFromSequence: (node, { to, sequences }) => {
    const tensors = sequences.get(node.inputs[0]);
    if (!tensors?.length) return false;
    const axis = intAttribute(node, 'axis', 0);
    const isNew = intAttribute(node, 'new_axis', 0) === 1;
    const parts = isNew ? tensors.map((tensor) => to.op('Unsqueeze', [tensor, to.ints([axis])])) : tensors;
    to.op('Concat', parts, { axis }, node.outputs[0]);
    return true;
  },
};

/** One `Split`, so that its gradient is one `Concat`. */
function split(node: Node, around: Around): boolean {
  const { to, facts } = around;
  const shape = facts.shapes.get(node.inputs[0]);
  if (!shape) return false;
  const given = intAttribute(node, 'axis', 0);
  const axis = given < 0 ? given + shape.length : given;
  const length = shape[axis];
  const sizes = node.inputs[1] ? numbersOf(node.inputs[1], around) : [1];
  if (!sizes || length === 0) return false;
  // One number is the size of every piece, the last of which may be shorter.
  const isList = (facts.shapes.get(node.inputs[1])?.length ?? 0) > 0;
  const pieces = isList
    ? sizes
    : Array.from({ length: Math.ceil(length / sizes[0]) }, (_, i) => Math.min(sizes[0], length - i * sizes[0]));
  const tensors = to.ops('Split', [node.inputs[0], to.ints(pieces)], { axis }, pieces.length);
  const keeps = node.inputs[1] !== undefined || intAttribute(node, 'keepdims', 1) === 1;
  return tell(around, node, keeps ? tensors : tensors.map((piece) => to.op('Squeeze', [piece, to.ints([axis])])));
}

/**
 * Replaces operators on sequences whose lengths and positions are known by operators on their tensors, which can be
 * differentiated. A sequence that something else reads stays as well.
 * @returns the same graph object where there was nothing to do
 */
export function resolveSequences(graph: Graph, facts: Facts): Graph {
  if (!graph.nodes.some((node) => node.op.includes('Sequence'))) return graph;
  const sequences: Sequences = new Map();
  const made = new Map<string, Node>();
  const rewritten = rewriteGraph(
    graph,
    (node, to) => {
      if (to.graph !== graph) return false;
      const done = lookup(resolvers, operatorKey(node))?.(node, { to, facts, sequences }) ?? false;
      if (done && sequences.has(node.outputs[0])) {
        made.set(node.outputs[0], node);
        to.append(node);
      }
      return done;
    },
    namesOf(graph),
    [],
  );
  if (made.size === 0) return graph;
  // From the back, so that a sequence that only a dead one reads is gone too.
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const read = new Set(outputs);
  const nodes: Node[] = [];
  for (const node of rewritten.nodes.toReversed()) {
    if (made.has(node.outputs[0]) && !read.has(node.outputs[0])) continue;
    for (const name of namesRead(node)) read.add(name);
    nodes.push(node);
  }
  // A sequence that stays is no progress.
  const count = (list: readonly Node[]) => list.filter((node) => node.op.includes('Sequence')).length;
  return count(nodes) < count(graph.nodes) ? { ...rewritten, nodes: nodes.reverse() } : graph;
}

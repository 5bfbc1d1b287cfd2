import { int64 } from '../../tensor/tensor.ts';
import { GraphBuilder } from '../builder.ts';
import type { Graph, Node } from '../graph.ts';
import { mapSubgraphs } from './rewrite.ts';

/**
 * The rows that a graph was made for, where it takes no other number: every input has them as its first axis, and so
 * has every output whose shape is declared. undefined for one row, and where inputs differ.
 */
export function fixedBatch({ inputs, outputs }: Graph): number | undefined {
  const sizes = new Set(inputs.map(({ shape }) => (shape && shape.length > 1 ? shape[0] : undefined)));
  const [size] = sizes;
  if (sizes.size !== 1 || typeof size !== 'number' || size < 2) return undefined;
  const declared = outputs.flatMap(({ shape }) => (shape ? [shape[0]] : []));
  return declared.every((first) => first === size) ? size : undefined;
}

/**
 * The graph for `n` rows from one made for `size ≥ n`: the last row is repeated as often as rows are missing, and of
 * the outputs the first `n` rows are read. `x_i` becomes `x_min(i, n − 1)`, so that what is read depends on no row twice
 * where rows do not mix. Inputs and outputs keep their names; inner values keep their `size` rows.
 */
export function fillBatch(graph: Graph, size: number): Graph {
  const inputs = graph.inputs.map((input) => ({ ...input, shape: ['N', ...(input.shape ?? []).slice(1)] }));
  const builder = new GraphBuilder(
    { ...graph, inputs, nodes: [], outputs: [], values: new Map() },
    { prefix: 'batch/' },
  );
  const first = inputs[0].name;
  const rows = builder.op('Gather', [builder.op('Shape', [first]), builder.scalar(0, 'int64')], { axis: 0 });
  const all = builder.constant(
    int64(
      [size],
      Array.from({ length: size }, (_, i) => i),
    ),
  );
  const row = builder.op('Min', [all, builder.op('Sub', [rows, builder.scalar(1, 'int64')])]);
  const renamed = new Map(
    graph.inputs.map(({ name }) => [name, builder.op('Gather', [name, row], { axis: 0 })] as const),
  );
  const produced = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const read = graph.outputs.filter(({ name, opaque }) => produced.has(name) && !opaque);
  for (const { name } of read) renamed.set(name, builder.fresh('rows'));
  const before = builder.nodes.length;
  const to = builder.op('Reshape', [rows, builder.ints([1])]);
  for (const { name } of read) {
    const whole = renamed.get(name) as string;
    builder.op(
      'Slice',
      [whole, builder.ints([0]), to, builder.ints([0])],
      {},
      { name: `${whole}/first`, outputs: [name] },
    );
  }
  const built = builder.build();
  const own = graph.nodes.map((node) => renamedNode(node, renamed));
  const outputs = graph.outputs.map((output) => ({ ...output, shape: undefined }));
  return { ...built, outputs, nodes: [...built.nodes.slice(0, before), ...own, ...built.nodes.slice(before)] };
}

function renamedNode(node: Node, renamed: ReadonlyMap<string, string>): Node {
  const to = (name: string) => renamed.get(name) ?? name;
  const inner = mapSubgraphs(node, (graph) => ({
    ...graph,
    nodes: graph.nodes.map((own) => renamedNode(own, renamed)),
  }));
  return { ...inner, inputs: inner.inputs.map(to), outputs: inner.outputs.map(to) };
}

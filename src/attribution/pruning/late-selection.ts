import type { Facts } from '../../autodiff/facts.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { type Graph, intAttribute, type Node, namesRead, nodeOf } from '../../onnx/graph.ts';
import { prune } from '../../onnx/lowering/extract.ts';
import { lookup } from '../../tensor/lookup.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { type Known, type Narrow, narrowing } from './at-positions.ts';
import { isProductOfPositions, productOfPositions } from './late-product.ts';
import { type Selection, selectionOf, type Unselected } from './selection.ts';

/** The list of indices has its own axes in the result. */
const lookUp: Narrow = (node, axis, { shapes }) => {
  const [data, index] = node.inputs.map((name) => shapes.get(name) ?? []);
  const at = intAttribute(node, 'axis', 0);
  const own = axis - (at < 0 ? at + data.length : at);
  return own >= 0 && own < index.length ? { axes: [undefined, own] } : undefined;
};

const split: Narrow = (node, axis, { shapes }) => {
  const along = intAttribute(node, 'axis', 0);
  const rank = shapes.get(node.inputs[0])?.length ?? 0;
  return (along < 0 ? along + rank : along) === axis ? undefined : { axes: [axis] };
};

const rules: Readonly<Record<string, Narrow>> = { ...narrowing, Gather: lookUp, Split: split };

const regroupings: ReadonlySet<string> = new Set(['Reshape', 'Squeeze', 'Unsqueeze']);

/**
 * A graph that computes the same where its rows are selected between an input and a baseline: what works on each position
 * alone (an embedding, a normalization, the projections of a transformer's first layer) is computed for the input and
 * the baseline, and the results are selected. For many coalitions it then costs next to nothing. A product over the
 * positions (the first layer of a network on a table) takes what coalitions hold instead of the selected rows.
 */
export function selectLate(graph: Graph, facts: Facts): Graph {
  const selection = selectionOf(graph, facts);
  if (!selection || !gains(selection)) return graph;
  const builder = new GraphBuilder(graph, { prefix: 'late/' });
  const nodes: Node[] = [];
  const select = selector(selection, facts, builder, nodes);
  const unselected = new Map<string, Unselected>();
  const wanted = new Set<string>();
  let hasProduct = false;
  const asRows = (name: string) => {
    const late = unselected.get(name);
    if (late && !wanted.has(name)) select(name, late);
    wanted.add(name);
  };
  for (const node of graph.nodes) {
    const [first] = node.outputs;
    if (first === selection.rows) {
      unselected.set(first, { value: stacked(selection, facts, builder, nodes), axis: selection.axis });
      continue;
    }
    const axis = axisAfter(node, unselected, selection, facts);
    if (isProductOfPositions(node, unselected, selection, facts)) {
      const { value } = unselected.get(node.inputs[0]) as Unselected;
      for (const made of productOfPositions(node, value, selection, facts, builder)) nodes.push(made);
      hasProduct = true;
      continue;
    }
    if (axis === undefined) {
      for (const name of namesRead(node)) asRows(name);
      nodes.push(node);
      continue;
    }
    const outputs = node.outputs.map((name) => name && builder.fresh(node.op));
    const inputs = node.inputs.map((name) => unselected.get(name)?.value ?? name);
    const shape = [1 + selection.samples, ...(facts.shapes.get(first) ?? []).slice(1)];
    if (regroupings.has(node.op)) nodes.push(nodeOf('Reshape', [inputs[0], builder.ints(shape)], outputs[0]));
    else nodes.push({ ...node, name: outputs[0], inputs, outputs });
    node.outputs.forEach((name, i) => {
      if (name) unselected.set(name, { value: outputs[i], axis });
    });
  }
  for (const { name } of graph.outputs) asRows(name);
  // Where no row is selected any more, the selection itself is not needed either.
  return unselected.size > 1 || hasProduct ? prune({ ...builder.build(), nodes }) : graph;
}

/** Whether there are clearly more rows than the input and the baseline have. */
const gains = ({ coalitions, samples }: Selection) => coalitions * samples >= 2 * (1 + samples);

/** The axis of the positions behind a node, if it works on each row and each position alone. */
function axisAfter(
  node: Node,
  unselected: ReadonlyMap<string, Unselected>,
  { positions }: Selection,
  facts: Facts,
): number | undefined {
  const rule = node.domain === '' ? lookup(rules, node.op) : undefined;
  const shape = facts.shapes.get(node.outputs[0]);
  const isKnown = [...node.inputs, ...node.outputs].every((name) => !name || facts.shapes.has(name));
  if (!rule || !shape || !isKnown || !node.inputs.some((name) => unselected.has(name))) return undefined;
  const known: Known = { shapes: facts.shapes, facts, count: 1, ints: () => '' };
  const keeps = (axis: number, axisOf: (late: Unselected) => number, others: boolean) => {
    const axes = rule(node, axis, known)?.axes;
    return (
      axes &&
      node.inputs.every((name, i) => {
        const late = unselected.get(name);
        return late ? axes[i] === axisOf(late) : others || axes[i] === undefined;
      })
    );
  };
  // What is not selected must be the same for every row.
  if (!keeps(0, () => 0, false)) return undefined;
  const axis = shape.findIndex((size, k) => k > 0 && size === positions && keeps(k, (late) => late.axis, true));
  return axis < 0 ? undefined : axis;
}

/** The input and the samples of the baseline as rows of one value. */
function stacked(
  { rows, present, absent, samples }: Selection,
  facts: Facts,
  builder: GraphBuilder,
  to: Node[],
): string {
  const row = (facts.shapes.get(rows) ?? []).slice(1);
  const parts = [
    [present, 1],
    [absent, samples],
  ] as const;
  const values = parts.map(([value, count]) => {
    const output = builder.fresh('Reshape');
    to.push(nodeOf('Reshape', [value, builder.ints([count, ...row])], output));
    return output;
  });
  const output = builder.fresh('Concat');
  to.push(nodeOf('Concat', values, output, { axis: 0 }));
  return output;
}

/**
 * Appends the selection of a value, under its name: place j of row (b, s) is copied from the input where coalition b
 * holds it, else from sample s.
 */
function selector(
  { held, coalitions, samples, positions }: Selection,
  facts: Facts,
  builder: GraphBuilder,
  to: Node[],
) {
  const append = (op: string, inputs: readonly string[], output = builder.fresh(op), attributes = {}) => {
    to.push(nodeOf(op, inputs, output, attributes));
    return output;
  };
  let from: string | undefined;
  /** The row that each position is taken from, `[B, S, 1, positions]`. */
  const rowOf = () => {
    if (from) return from;
    const isHeld = append('Reshape', [held, builder.ints([coalitions, 1, 1, positions])]);
    const sample = builder.ints(
      Array.from({ length: samples }, (_, s) => 1 + s),
      [1, samples, 1, 1],
    );
    from = append('Where', [isHeld, builder.ints([0], [1, 1, 1, 1]), sample]);
    return from;
  };
  const indices = new Map<number, string>();
  /** Where each position lies, for values with `lead` elements of a row before the axis of positions. */
  const indexFor = (lead: number) => {
    let index = indices.get(lead);
    if (index) return index;
    const first = append('Mul', [rowOf(), builder.ints([lead * positions])]);
    const place = builder.ints(
      Array.from({ length: lead * positions }, (_, k) => k),
      [1, 1, lead, positions],
    );
    index = append('Reshape', [append('Add', [first, place]), builder.ints([coalitions * samples, lead * positions])]);
    indices.set(lead, index);
    return index;
  };
  return (name: string, { value, axis }: Unselected): void => {
    const shape = facts.shapes.get(name) ?? [];
    const lead = sizeOf(shape.slice(1, axis));
    const rest = sizeOf(shape.slice(axis + 1));
    const table = append('Reshape', [value, builder.ints([(1 + samples) * lead * positions, rest])]);
    const copied = append('Gather', [table, indexFor(lead)], undefined, { axis: 0 });
    append('Reshape', [copied, builder.ints(shape)], name);
  };
}

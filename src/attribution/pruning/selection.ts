import type { Facts } from '../../autodiff/facts.ts';
import { type Graph, operatorKey } from '../../onnx/graph.ts';

/**
 * Rows that a graph selects position by position: `Where(held, present, absent)` of coalitions `[B, 1, …]`, the input
 * `[1, 1, …]` and the samples of a baseline `[1, S, …]`, as `[B · S, …]`.
 */
export interface Selection {
  readonly rows: string;
  readonly held: string;
  readonly present: string;
  readonly absent: string;
  readonly coalitions: number;
  readonly samples: number;
  /** The axis of the rows along which coalitions differ, and its length. */
  readonly axis: number;
  readonly positions: number;
}

/** A value at the input and at every sample of the baseline, `[1 + S, …]`, with the axis of its positions. */
export interface Unselected {
  readonly value: string;
  readonly axis: number;
}

/** The selection of a graph, if it is one between positions: it differs along one axis only. */
export function selectionOf(graph: Graph, { shapes }: Facts): Selection | undefined {
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0], node] as const));
  for (const regroup of graph.nodes) {
    const node = producers.get(regroup.inputs[0]);
    if (operatorKey(regroup) !== 'Reshape' || !node || operatorKey(node) !== 'Where') continue;
    const [held, present, absent] = node.inputs.map((name) => shapes.get(name) ?? []);
    const [coalitions, samples, ...row] = shapes.get(node.outputs[0]) ?? [];
    const whole = (shape: readonly number[], first: number, second: number) =>
      `${shape}` === `${[first, second, ...row]}`;
    if (!whole(present, 1, 1) || !whole(absent, 1, samples)) continue;
    if (`${shapes.get(regroup.outputs[0])}` !== `${[coalitions * samples, ...row]}`) continue;
    const axes = held.flatMap((size, k) => (k >= 2 && size > 1 ? [k - 1] : []));
    if (held.length !== present.length || held[0] !== coalitions || held[1] !== 1 || axes.length !== 1) continue;
    const [axis] = axes;
    const names = { rows: regroup.outputs[0], held: node.inputs[0], present: node.inputs[1], absent: node.inputs[2] };
    return { ...names, coalitions, samples, axis, positions: row[axis - 1] };
  }
  return undefined;
}

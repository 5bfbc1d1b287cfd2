import { describeNode, type Graph, intAttribute, intsAttribute, type Node, subgraphsOf } from '../onnx/graph.ts';
import { renameNode } from '../onnx/lowering/branches.ts';
import type { LoweringNote } from '../onnx/lowering/notes.ts';
import { namesOf, type Rewriter, rewriteGraph } from '../onnx/lowering/rewrite.ts';
import { toNumbers } from '../tensor/convert.ts';
import { int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { isLoop, staysTrue, tripsOf } from './control-flow.ts';
import type { Facts } from './facts.ts';

export interface UnrollOptions {
  /** Loops that would become more nodes than this stay as they are. Default 20,000, which opens in some ten seconds. */
  readonly mostNodes?: number;
}

/** How a loop runs, when that is known before it does. */
interface Plan {
  readonly body: Graph;
  readonly trips: number;
  /** Values that each iteration hands to the next: their first values, in the order of the body's inputs. */
  readonly initial: readonly string[];
  /** The body's inputs in iteration `i`, given what is handed over. */
  readonly inputs: (i: number, carried: readonly string[]) => readonly string[];
  /** The body's outputs without the condition of a Loop: what is handed over, then what is collected. */
  readonly results: readonly string[];
  /** Per collected output: the new axis, and whether the last iteration comes first. */
  readonly collected: readonly { readonly axis: number; readonly reverse: boolean }[];
}

/**
 * Replaces every `Loop` and `Scan` whose number of iterations is known by that many copies of its body, so that it can
 * be differentiated. The outputs keep their names; the others stay, each with a note that says why.
 *
 * The number is known for `Scan` (the length of what it runs over) and for a `Loop` with a constant trip count whose
 * condition stays true. Copies of a body may hold loops themselves: take the facts of the result and unroll again.
 *
 * @returns the same graph object where there was nothing to do
 */
export function unrollLoops(
  graph: Graph,
  facts: Facts,
  options: UnrollOptions = {},
): { graph: Graph; notes: LoweringNote[] } {
  const notes: LoweringNote[] = [];
  if (!graph.nodes.some(isLoop)) return { graph, notes };
  const mostNodes = options.mostNodes ?? 20_000;
  let unrolled = false;
  const result = rewriteGraph(
    graph,
    (node, to) => {
      // Nothing is known yet of values inside other bodies.
      if (!isLoop(node) || to.graph !== graph) return false;
      const plan = node.op === 'Loop' ? planOfLoop(node, to, facts) : planOfScan(node, to, facts);
      const leave = (why: string) => {
        notes.push({
          code: 'not-expanded',
          node: node.name,
          operator: node.op,
          text: `${describeNode(node)} stays a loop: ${why}`,
        });
        return false;
      };
      if (typeof plan === 'string') return leave(plan);
      const size = plan.trips * countNodes(plan.body);
      if (size > mostNodes) return leave(`its ${plan.trips} iterations would be ${size} nodes (at most ${mostNodes})`);
      unroll(node, plan, to, facts);
      unrolled = true;
      const text = `${describeNode(node)} was replaced by ${plan.trips} copies of its body`;
      notes.push({ code: 'expanded', node: node.name, operator: node.op, text });
      return true;
    },
    namesOf(graph),
    notes,
  );
  return { graph: unrolled ? result : graph, notes };
}

function countNodes(graph: Graph): number {
  return graph.nodes.reduce(
    (sum, node) => sum + subgraphsOf(node).reduce((inner, body) => inner + countNodes(body), 1),
    0,
  );
}

/** Inputs of a Loop: trip count, condition, first values. Of its body: iteration, condition, values. */
function planOfLoop(node: Node, to: Rewriter, facts: Facts): Plan | string {
  const [body] = subgraphsOf(node);
  const known = (name: string): Tensor | undefined => facts.constants.get(name) ?? to.constantOf(name);
  const [count, condition, ...initial] = node.inputs;
  const isTrue = (name: string) => {
    const value = known(name);
    return value !== undefined && toNumbers(value)[0] !== 0;
  };
  const trips = tripsOf(node, facts) ?? tripsKnown();
  if (typeof trips === 'string') return trips;
  function tripsKnown(): number | string {
    if (condition && known(condition) && !isTrue(condition)) return 0;
    const limit = count ? known(count) : undefined;
    if (!limit) return 'its trip count is computed from the data';
    if (condition && !isTrue(condition)) return 'its condition is computed from the data';
    const most = Math.max(0, toNumbers(limit)[0]);
    return most > 0 && !staysTrue(body, isTrue) ? 'its body computes the condition to go on' : most;
  }
  const goOn = to.constant(tensor('bool', [], Uint8Array.of(1)));
  return {
    body,
    trips,
    initial,
    inputs: (i, carried) => [to.constant(int64([], [i])), goOn, ...carried],
    results: body.outputs.slice(1).map((output) => output.name),
    collected: body.outputs.slice(1 + initial.length).map(() => ({ axis: 0, reverse: false })),
  };
}

/** Inputs of a Scan: first values, then sequences, of which the body sees one slice at a time. */
function planOfScan(node: Node, to: Rewriter, facts: Facts): Plan | string {
  const [body] = subgraphsOf(node);
  const count = intAttribute(node, 'num_scan_inputs', 1);
  const states = node.inputs.length - count;
  const collectedCount = body.outputs.length - states;
  const list = (name: string, length: number) => intsAttribute(node, name) ?? new Array<number>(length).fill(0);
  const directions = list('scan_input_directions', count);
  const outputDirections = list('scan_output_directions', collectedCount);
  const outputAxes = list('scan_output_axes', collectedCount);
  const shapes = node.inputs.slice(states).map((name) => facts.shapes.get(name));
  const axes = list('scan_input_axes', count).map((axis, i) => (axis < 0 ? axis + (shapes[i]?.length ?? 0) : axis));
  const trips = shapes[0]?.[axes[0]];
  if (trips === undefined) return 'the length of what it runs over is not known';
  // One Split a sequence, so that its gradient is one Concat.
  const slices = node.inputs.slice(states).map((name, i) => {
    if (trips === 0) return [];
    const pieces = to.ops('Split', [name, to.ints(new Array<number>(trips).fill(1))], { axis: axes[i] }, trips);
    const inOrder = directions[i] === 1 ? pieces.toReversed() : pieces;
    return inOrder.map((piece) => to.op('Squeeze', [piece, to.ints([axes[i]])]));
  });
  return {
    body,
    trips,
    initial: node.inputs.slice(0, states),
    inputs: (i, carried) => [...carried, ...slices.map((sequence) => sequence[i])],
    results: body.outputs.map((output) => output.name),
    collected: outputAxes.map((axis, i) => ({ axis, reverse: outputDirections[i] === 1 })),
  };
}

function unroll(node: Node, plan: Plan, to: Rewriter, facts: Facts): void {
  const { body, trips, initial, results, collected } = plan;
  const weights = new Map<string, string>();
  for (const weight of body.initializers.values()) {
    const name = to.fresh(weight.name);
    weights.set(weight.name, name);
    to.initializer({ ...weight, name });
  }
  let carried = initial;
  const rows: string[][] = collected.map(() => []);
  for (let i = 0; i < trips; i++) {
    const names = new Map(weights);
    const given = plan.inputs(i, carried);
    body.inputs.forEach((value, k) => {
      names.set(value.name, given[k]);
    });
    for (const inner of body.nodes) {
      for (const name of inner.outputs) if (name) names.set(name, to.fresh(name));
      to.append({ ...renameNode(inner, names), name: to.fresh(inner.name || inner.op) });
    }
    const values = results.map((name) => names.get(name) ?? name);
    carried = values.slice(0, initial.length);
    values.slice(initial.length).forEach((value, k) => {
      rows[k].push(to.op('Unsqueeze', [value, to.ints([collected[k].axis])]));
    });
  }
  node.outputs.forEach((output, k) => {
    if (!output) return;
    if (k < initial.length) to.op('Identity', [carried[k]], {}, output);
    else to.op('Identity', [collect(k - initial.length, output)], {}, output);
  });

  /** What the iterations gave, side by side; of none, nothing in the shape that the runtime gives it. */
  function collect(k: number, output: string): string {
    const { axis, reverse } = collected[k];
    if (trips > 0) return to.op('Concat', reverse ? rows[k].toReversed() : rows[k], { axis });
    return to.constant(tensor(facts.types.get(output) ?? 'float32', facts.shapes.get(output) ?? [0]));
  }
}

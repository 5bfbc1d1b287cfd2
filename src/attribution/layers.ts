import type { Facts } from '../autodiff/facts.ts';
import { elementsRead, type Graph, type Node, producersOf } from '../onnx/graph.ts';
import { rearranges } from '../onnx/operators.ts';
import { minOf } from '../tensor/extremes.ts';
import { sameShape } from '../tensor/tensor.ts';

/** A value of the graph that a person may want to explain. */
export interface LayerCandidate {
  readonly name: string;
  readonly operator: string;
  readonly shape: readonly number[];
  /** Whether the value alone separates the inputs from the output, so that attributions there add up. */
  readonly isCut: boolean;
}

/**
 * Every float value on a path from `inputs` to `output`, in the order in which they are computed, with whether it is a
 * cut.
 *
 * In topological order a value is a cut exactly when no edge on such a path jumps over it: one sweep over the edges.
 */
export function layersBetween(graph: Graph, facts: Facts, inputs: readonly string[], output: string): LayerCandidate[] {
  const producers = producersOf(graph);
  const forward = new Set(inputs);
  for (const node of graph.nodes) {
    if ([...elementsRead(node)].some((name) => forward.has(name)))
      for (const name of node.outputs) if (name) forward.add(name);
  }
  const alive = new Set<string>();
  const pending = [output];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (alive.has(name) || !forward.has(name)) continue;
    alive.add(name);
    const producer = producers.get(name);
    // Inputs may be inner values: what they are computed from does not lie between.
    if (producer && !inputs.includes(name)) for (const read of elementsRead(producer)) pending.push(read);
  }
  const position = new Map<string, number>();
  for (const name of inputs) if (alive.has(name)) position.set(name, position.size);
  // A node's outputs appear together; only the first of several may be read as lying before the others.
  const order = graph.nodes.flatMap((node) =>
    node.outputs.filter((name) => name && alive.has(name) && !position.has(name)),
  );
  for (const name of order) position.set(name, position.size);

  // covered[p] > 0: some edge starts before position p and ends behind it.
  const covered = new Int32Array(position.size + 1);
  for (const name of order) {
    const to = position.get(name) as number;
    for (const source of elementsRead(producers.get(name) as Node)) {
      const from = position.get(source);
      if (from === undefined || to - from < 2) continue;
      covered[from + 1]++;
      covered[to]--;
    }
  }
  // Several inputs run side by side until the last of them is used.
  const several = inputs.filter((name) => alive.has(name)).length > 1;
  for (let i = 1; i < covered.length; i++) covered[i] += covered[i - 1];
  return order.flatMap((name) => {
    const at = position.get(name) as number;
    const shape = facts.shapes.get(name);
    if (facts.types.get(name) !== 'float32' || !shape) return [];
    const beforeSomeInput = several && inputs.some((input) => firstUse(graph, input, position) > at);
    return [{ name, operator: (producers.get(name) as Node).op, shape, isCut: covered[at] === 0 && !beforeSomeInput }];
  });
}

function firstUse(graph: Graph, input: string, position: ReadonlyMap<string, number>): number {
  for (const node of graph.nodes) {
    if (!node.inputs.includes(input)) continue;
    const positions = node.outputs.flatMap((name) => position.get(name) ?? []);
    if (positions.length) return minOf(positions);
  }
  return -1;
}

/** Operators that end a block, where branches come together. */
const joining: ReadonlySet<string> = new Set(['Add', 'Sum', 'Concat']);
/** Blocks shown of one long stage, besides its last value. */
const blocksShown = 3;

/**
 * The layers worth explaining: of each run of cuts with the same shape the last one, where a stage of the network has
 * done its work, without mere rearrangements of the one before. Of a long run (the residual stream of a transformer)
 * some block ends before it as well, evenly spread. The last run is left out: its end is the output.
 */
export function layersWorthExplaining(candidates: readonly LayerCandidate[]): LayerCandidate[] {
  const cuts = candidates.filter((candidate) => candidate.isCut && !rearranges(candidate.operator));
  const runs: LayerCandidate[][] = [];
  for (const cut of cuts) {
    const run = runs.at(-1);
    if (run && sameShape(run[0].shape, cut.shape)) run.push(cut);
    else runs.push([cut]);
  }
  return runs.slice(0, -1).flatMap((run) => {
    const blocks = run.slice(0, -1).filter(({ operator }) => joining.has(operator));
    const step = Math.max(1, blocks.length / blocksShown);
    const spread = blocks.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
    return [...(blocks.length > 1 ? spread : []), run[run.length - 1]];
  });
}

import { WhereforeError } from '../errors.ts';
import { ancestorsOf, elementsRead, type Graph } from '../onnx/graph.ts';

/** A layer: the names of one or more values of the graph, its inputs among them. */
export interface Layer {
  readonly names: readonly string[];
}

/**
 * Whether the values of a layer separate the explained inputs from the target: every path passes through one of them.
 * Only then do attributions at the layer add up to the attribution target.
 */
export function isCut(graph: Graph, layer: Layer, inputs: readonly string[], target: string): boolean {
  const reached = ancestorsOf(graph, target, new Set(layer.names));
  return !inputs.some((input) => reached.has(input));
}

/** Whether one value of a layer is computed from another: a gradient with respect to both would flow through it. */
export function isNested(graph: Graph, { names }: Layer): boolean {
  return names.some((name) => {
    const before = ancestorsOf(graph, name);
    return names.some((other) => other !== name && before.has(other));
  });
}

/**
 * The fewest further values that make a layer a cut, those nearest to it where there is a choice; empty when it is one.
 *
 * A minimum vertex cut of what remains between inputs and target once the layer is removed (Menger; Ford–Fulkerson on
 * the split graph), found by unit augmenting paths. Of equally small cuts the one farthest from the input is taken,
 * which lies beside the layer rather than at the input. Values from which the layer itself is computed are taken only
 * where there is no other way (a skip connection): they would leave nothing for the layer to say. Of a feature pyramid
 * one level is completed by the other levels.
 */
export function completingValues(graph: Graph, layer: Layer, inputs: readonly string[], target: string): string[] {
  const blocked = new Set(layer.names);
  const backward = ancestorsOf(graph, target, blocked);
  const starts = inputs.filter((input) => backward.has(input));
  if (starts.length === 0) return [];
  const before = new Set(layer.names.flatMap((name) => [...ancestorsOf(graph, name)]));
  const sides: Sides = { starts, target, blocked, backward, behind: descendants(graph, layer.names, new Set()) };
  return smallestCut(graph, sides, before) ?? smallestCut(graph, sides, new Set()) ?? [...starts];
}

interface Sides {
  readonly starts: readonly string[];
  readonly target: string;
  readonly blocked: ReadonlySet<string>;
  /** Values from which the target is computed around the layer. */
  readonly backward: ReadonlySet<string>;
  /** Values that are computed from the layer: cutting one would hide the layer. */
  readonly behind: ReadonlySet<string>;
}

/** Undefined where nothing may be cut on some path. */
function smallestCut(
  graph: Graph,
  { starts, target, blocked, backward, behind: behindLayer }: Sides,
  kept: ReadonlySet<string>,
): string[] | undefined {
  const forward = descendants(graph, starts, blocked);
  const alive = new Set([...backward].filter((name) => forward.has(name)));
  const network = new FlowNetwork();
  for (const name of alive) {
    const uncuttable = starts.includes(name) || name === target || behindLayer.has(name) || kept.has(name);
    network.connect(`${name}\0in`, `${name}\0out`, uncuttable ? Number.POSITIVE_INFINITY : 1);
  }
  for (const node of graph.nodes) {
    for (const from of elementsRead(node)) {
      if (!alive.has(from)) continue;
      for (const to of node.outputs)
        if (alive.has(to)) network.connect(`${from}\0out`, `${to}\0in`, Number.POSITIVE_INFINITY);
    }
  }
  for (const input of starts) network.connect('source', `${input}\0in`, Number.POSITIVE_INFINITY);
  const behind = network.sinkSide('source', `${target}\0out`);
  if (!behind) return undefined;
  return [...alive].filter((name) => behind.has(`${name}\0out`) && !behind.has(`${name}\0in`));
}

function descendants(graph: Graph, from: readonly string[], blocked: ReadonlySet<string>): Set<string> {
  const reached = new Set(from);
  for (const node of graph.nodes) {
    let hit = false;
    for (const name of elementsRead(node)) if (reached.has(name) && !blocked.has(name)) hit = true;
    if (hit) for (const name of node.outputs) if (name) reached.add(name);
  }
  return reached;
}

/** Maximum flow by breadth-first augmenting paths; capacities are 1 or infinite, so that a path carries 1. */
class FlowNetwork {
  readonly #residual = new Map<string, Map<string, number>>();

  connect(from: string, to: string, capacity: number): void {
    this.#edges(from).set(to, capacity);
    if (!this.#edges(to).has(from)) this.#edges(to).set(from, 0);
  }

  /** Vertices from which the sink can still be reached once the flow is maximal; undefined when no finite cut exists. */
  sinkSide(source: string, sink: string): Set<string> | undefined {
    for (;;) {
      const parents = this.#path(source, sink);
      if (!parents) break;
      let finite = false;
      for (let to = sink; to !== source; to = parents.get(to) as string) {
        const from = parents.get(to) as string;
        if (Number.isFinite(this.#edges(from).get(to) as number)) finite = true;
      }
      if (!finite) return undefined;
      for (let to = sink; to !== source; to = parents.get(to) as string) {
        const from = parents.get(to) as string;
        this.#edges(from).set(to, (this.#edges(from).get(to) as number) - 1);
        this.#edges(to).set(from, (this.#edges(to).get(from) as number) + 1);
      }
    }
    const reached = new Set([sink]);
    const pending = [sink];
    for (let to = pending.pop(); to !== undefined; to = pending.pop()) {
      for (const from of this.#edges(to).keys()) {
        if (!reached.has(from) && (this.#edges(from).get(to) ?? 0) > 0) {
          reached.add(from);
          pending.push(from);
        }
      }
    }
    return reached;
  }

  #edges(vertex: string): Map<string, number> {
    let edges = this.#residual.get(vertex);
    if (!edges) this.#residual.set(vertex, (edges = new Map()));
    return edges;
  }

  #path(source: string, sink: string): Map<string, string> | undefined {
    const parents = new Map<string, string>();
    const queue = [source];
    for (let i = 0; i < queue.length; i++) {
      for (const [to, capacity] of this.#edges(queue[i])) {
        if (capacity <= 0 || parents.has(to) || to === source) continue;
        parents.set(to, queue[i]);
        if (to === sink) return parents;
        queue.push(to);
      }
    }
    return undefined;
  }
}

/**
 * Values of a layer that reach the target only through others of it: those are held at their own values, so that
 * nothing is left for these to do.
 */
export function shadowed(graph: Graph, { names }: Layer, target: string): string[] {
  if (names.length < 2) return [];
  const reaching = ancestorsOf(graph, target);
  return names.filter(
    (name) =>
      reaching.has(name) && !ancestorsOf(graph, target, new Set(names.filter((other) => other !== name))).has(name),
  );
}

/** Values of a layer that the target is not computed from. */
export function unused(graph: Graph, { names }: Layer, target: string): string[] {
  const reaching = ancestorsOf(graph, target);
  return names.filter((name) => !reaching.has(name));
}

/**
 * Resolves the names of a layer against the graph.
 * @throws WhereforeError `unknown-name`, with the nearest names, when a value does not exist; `invalid-argument` for a
 *   name that stands twice, or none
 */
export function checkLayer(graph: Graph, layer: Layer): void {
  const twice = layer.names.find((name, i) => layer.names.indexOf(name) !== i);
  if (twice !== undefined || layer.names.length === 0) {
    throw new WhereforeError('invalid-argument', twice ? `the layer names "${twice}" twice` : 'the layer is empty', {
      got: layer.names.join(' + '),
      fix: 'name each of its values once',
    });
  }
  const known = new Set([...graph.inputs.map((input) => input.name), ...graph.nodes.flatMap((node) => node.outputs)]);
  for (const name of layer.names) {
    if (known.has(name)) continue;
    const similar = [...known].filter((other) => other && (other.includes(name) || name.includes(other))).slice(0, 5);
    throw new WhereforeError('unknown-name', `the model has no value "${name}"`, {
      expected: similar.length ? `perhaps ${similar.map((other) => `"${other}"`).join(', ')}` : undefined,
      fix: 'list the layers with `wherefore inspect`',
    });
  }
}

import type { Narrowed } from '../../attribution/pruning/at-positions.ts';
import type { Facts } from '../../autodiff/facts.ts';
import { WhereforeError } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import {
  capturedNames,
  describeNode,
  type Graph,
  type Node,
  operatorKey,
  producersOf,
  subgraphsOf,
} from '../../onnx/graph.ts';
import { lookup } from '../../tensor/lookup.ts';
import { type DataType, sizeOf } from '../../tensor/tensor.ts';
import { movements, rowRules } from './row-rules.ts';

/** A value of which the rows of all tokens so far are kept between runs. */
export interface CachedValue {
  readonly input: string;
  readonly output: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

/** A graph that computes the rows of new tokens only. */
export interface CachedGraph {
  readonly graph: Graph;
  readonly caches: readonly CachedValue[];
  /** Input: how many tokens were computed before, int64 `[1]`. */
  readonly past: string;
  /** For each value asked for, its name here; it holds the rows of the new tokens. */
  readonly outputs: ReadonlyMap<string, { readonly name: string; readonly axis: number }>;
  /** What is known of its values where all tokens are new. */
  readonly facts: Facts;
}

export interface WithCacheRequest {
  /** Inputs with a row for each token, with the axis of the rows. */
  readonly rows: ReadonlyMap<string, number>;
  /** Values of the graph that are wanted. */
  readonly outputs: readonly string[];
  /**
   * Whether every size follows from how many tokens are new, and none from how many were before: one graph of fixed sizes,
   * which can be differentiated, then serves all places of a text. Default false, which copies less.
   */
  readonly fixedSizes?: boolean;
}

/**
 * From a graph for texts of a fixed length, the graph that computes the rows of new tokens and keeps what later tokens
 * need of earlier ones. Nothing is assumed about how attention is written: each value is followed with the axis that
 * holds its tokens, and where a node needs all tokens of a value (the keys and values of an attention), the value
 * becomes a cache: rows of earlier tokens come in, rows of the new ones are put behind them.
 *
 * It computes the same only where no token looks at later ones; {@link checkCausal} sees to that. Rows behind the new
 * tokens hold anything finite and must be out of reach for the same reason.
 * @throws WhereforeError `unsupported-model` for a nested graph that reads tokens
 */
export function withCache(graph: Graph, facts: Facts, { rows, outputs, fixedSizes }: WithCacheRequest): CachedGraph {
  const known = new Map(facts.shapes);
  const [ids, idAxis] = [...rows][0];
  const length = known.get(ids)?.[idAxis] as number;
  const builder = new GraphBuilder(
    { ...graph, nodes: [], outputs: [], inputs: graph.inputs.map((input) => opened(input, rows)), values: new Map() },
    { prefix: freePrefix(graph) },
  );
  const state: State = {
    builder,
    facts: { ...facts, shapes: known },
    known,
    length,
    producers: producersOf(graph),
    axes: new Map(rows),
    wholes: new Map(),
    narrowed: new Map(),
    caches: [],
    ...placesOf(builder, ids, idAxis),
    isFixed: fixedSizes === true,
  };
  for (const node of graph.nodes) follow(node, state);
  const found = new Map(outputs.map((name) => [name, state.axes.get(name)]));
  const missing = [...found].find(([, axis]) => axis === undefined);
  if (missing) throw new WhereforeError('unsupported-model', `"${missing[0]}" has no axis of tokens`, {});
  return {
    graph: builder.build(),
    caches: state.caches,
    past: state.past,
    outputs: new Map([...found].map(([name, axis]) => [name, { name, axis: axis as number }])),
    facts: state.facts,
  };
}

/** A beginning of automatic names that no value of the graph has. */
function freePrefix({ nodes }: Graph): string {
  let prefix = 'cache/';
  while (nodes.some(({ outputs }) => outputs.some((name) => name.startsWith(prefix)))) prefix = `_${prefix}`;
  return prefix;
}

const opened = (input: Graph['inputs'][number], rows: ReadonlyMap<string, number>) => ({
  ...input,
  shape: input.shape?.map((size, axis) => (rows.get(input.name) === axis ? 'tokens' : size)),
});

interface State {
  readonly builder: GraphBuilder;
  readonly facts: Facts;
  /** The shapes of `facts`, to which those of new values are added. */
  readonly known: Map<string, readonly number[]>;
  readonly length: number;
  readonly producers: ReadonlyMap<string, Node>;
  /** Values of which only the rows of new tokens are computed, with the axis of the rows. */
  readonly axes: Map<string, number>;
  readonly wholes: Map<string, string>;
  readonly narrowed: Map<string, string>;
  readonly caches: CachedValue[];
  readonly past: string;
  readonly isFixed: boolean;
  /** How many tokens are new, `[1]`, the place behind them, `[1]`, and all their places, `[tokens]`. */
  readonly count: string;
  readonly end: string;
  readonly places: string;
}

/** Where the new tokens stand. */
function placesOf(builder: GraphBuilder, ids: string, axis: number): Pick<State, 'past' | 'count' | 'end' | 'places'> {
  const past = builder.input(builder.fresh('past'), 'int64', [1]);
  const count = builder.op('Shape', [ids], { start: axis, end: axis + 1 });
  const [zero, one] = [builder.scalar(0, 'int64'), builder.scalar(1, 'int64')];
  const upwards = builder.op('Range', [zero, builder.op('Squeeze', [count]), one]);
  return { past, count, end: builder.op('Add', [past, count]), places: builder.op('Add', [past, upwards]) };
}

const shapeOf = ({ facts }: State, name: string) => facts.shapes.get(name) ?? [];

/** Appends what a node becomes. */
function follow(node: Node, state: State): void {
  const { builder, axes } = state;
  const captured = subgraphsOf(node).flatMap((inner) => [...capturedNames(inner)]);
  if (captured.some((name) => axes.has(name))) {
    throw new WhereforeError('unsupported-model', 'a nested graph reads values of single tokens', {
      where: describeNode(node),
      fix: 'generate without a cache',
    });
  }
  if (!node.inputs.some((name) => axes.has(name))) {
    builder.append(node);
    return;
  }
  const way = wayOf(node, state);
  if (!way) {
    builder.append({ ...node, inputs: node.inputs.map((name) => (axes.has(name) ? whole(name, state) : name)) });
    return;
  }
  const { axis, axes: wanted, replaced = [] } = way;
  const read = node.inputs.map((name, i) => (replaced[i] ? replaced[i] : atRows(name, wanted[i], state)));
  const inputs = [...read, ...replaced.slice(read.length)];
  if (regroups(node)) {
    const sizes = shapeOf(state, node.outputs[0]).map((size, k) => (k === axis ? -1 : size));
    builder.append({ ...node, op: 'Reshape', inputs: [inputs[0], builder.ints(sizes)], attributes: {} });
  } else builder.append({ ...node, inputs });
  for (const name of node.outputs) if (name) axes.set(name, axis);
}

/** The axis of a node's output that holds the rows of the new tokens, the first where several could. */
function wayOf(node: Node, state: State): (Narrowed & { readonly axis: number }) | undefined {
  const rule = lookup(rowRules, operatorKey(node));
  const shape = shapeOf(state, node.outputs[0]);
  const known = {
    shapes: state.facts.shapes,
    facts: state.facts,
    count: 1,
    ints: (values: readonly number[]) => state.builder.ints(values),
  };
  for (let axis = 0; rule && axis < shape.length; axis++) {
    if (shape[axis] !== state.length) continue;
    const way = rule(node, axis, known);
    if (way?.axes.some((own, i) => own !== undefined && state.axes.get(node.inputs[i]) === own))
      return { ...way, axis };
  }
  return undefined;
}

/** An input as a node reads it: the rows of the new tokens along an axis, or all of it. */
function atRows(name: string, axis: number | undefined, state: State): string {
  if (!name) return name;
  const own = state.axes.get(name);
  if (axis === own) return name;
  const all = own === undefined ? name : whole(name, state);
  return axis === undefined ? all : rowsOf(all, axis, state);
}

/** The rows of the new tokens of a value that has all. */
function rowsOf(name: string, axis: number, state: State): string {
  const { builder, narrowed, past, end, known } = state;
  const key = JSON.stringify([name, axis]);
  const taken = () =>
    state.isFixed
      ? builder.op('Gather', [name, state.places], { axis })
      : builder.op('Slice', [name, past, end, builder.ints([axis])]);
  const found = narrowed.get(key) ?? (rowsAlone(name, axis, state) || taken());
  narrowed.set(key, found);
  known.set(found, shapeOf(state, name));
  return found;
}

/** A mask of so many elements is made for the new tokens alone: of 8,192 tokens it holds 256 MiB. */
const largeMask = 2 ** 20;

/** The rows of a large value that no token decides, made of the rows of what it is made of; empty where that is unknown. */
function rowsAlone(name: string, axis: number, state: State): string {
  const { builder, facts } = state;
  const node = state.producers.get(name);
  const shape = shapeOf(state, name);
  if (node?.outputs.length !== 1 || state.axes.has(name) || sizeOf(shape) < largeMask) return '';
  const known = { shapes: facts.shapes, facts, count: 1, ints: (values: readonly number[]) => builder.ints(values) };
  const way = lookup(rowRules, operatorKey(node))?.(node, axis, known);
  if (!way?.axes.some((own) => own !== undefined) || regroups(node)) return '';
  const inputs = node.inputs.map((input, i) => {
    const own = way.axes[i];
    return way.replaced?.[i] || (own === undefined ? input : rowsOf(input, own, state));
  });
  const output = builder.fresh('rows');
  builder.append({ ...node, name: output, inputs, outputs: [output] });
  return output;
}

const regroups = ({ op }: Node): boolean => op === 'Reshape' || op === 'Squeeze' || op === 'Unsqueeze';

/** All rows of a value: made again from what is kept of a smaller value before it, or kept itself. */
function whole(name: string, state: State): string {
  const found = state.wholes.get(name) ?? (again(name, state) || kept(name, state));
  state.wholes.set(name, found);
  state.known.set(found, shapeOf(state, name));
  return found;
}

/** A value that only moves elements of one that is no larger is made of that one. */
function again(name: string, state: State): string {
  const node = state.producers.get(name);
  if (node?.outputs.length !== 1) return '';
  const cut = node.inputs.filter((input) => state.axes.has(input));
  const scales = (node.op === 'Mul' || node.op === 'Div') && node.inputs.some((input) => isNumber(input, state));
  if (node.domain !== '' || !(movements.has(node.op) || scales) || cut.length !== 1) return '';
  if (sizeOf(shapeOf(state, cut[0])) > sizeOf(shapeOf(state, name))) return '';
  // Token ids are small, but a Gather by them costs more than its result.
  if (node.op === 'Gather' && node.inputs[0] !== cut[0]) return '';
  const all = whole(cut[0], state);
  const output = state.builder.fresh('whole');
  const inputs = node.inputs.map((input) => (input === cut[0] ? all : input));
  state.builder.append({ ...node, name: output, inputs, outputs: [output] });
  return output;
}

/** Whether a value is one number. */
const isNumber = (name: string, state: State) =>
  state.builder.isInitializer(name) && sizeOf(state.facts.shapes.get(name) ?? [0]) === 1;

/** Keeps a value between runs: what is known of earlier tokens, the new rows, and the place of those to come. */
function kept(name: string, state: State): string {
  const { builder, facts, past, end, length } = state;
  const axis = state.axes.get(name) as number;
  const shape = shapeOf(state, name);
  const type = facts.types.get(name) ?? 'float32';
  const input = builder.input(builder.fresh('kept'), type, shape);
  const joined = () => {
    const along = builder.ints([axis]);
    const before = builder.op('Slice', [input, builder.ints([0]), past, along]);
    const behind = builder.op('Slice', [input, end, builder.ints([length]), along]);
    return builder.op('Concat', [before, name, behind], { axis });
  };
  const output = state.isFixed
    ? builder.op('ScatterND', [input, elementsAt(shape.slice(0, axis), state), name])
    : joined();
  builder.output(output, type, shape);
  state.caches.push({ input, output, type, shape });
  return output;
}

/** Where the rows of the new tokens lie in a value whose axis of tokens has these before it: `before… × tokens × axes`. */
function elementsAt(before: readonly number[], { builder, places, count }: State): string {
  const axis = before.length;
  const sizes = (last: number) =>
    builder.op('Concat', [builder.ints(before), count, builder.ints([last])], { axis: 0 });
  const own = builder.op('Reshape', [places, builder.ints([...before.map(() => 1), -1, 1])]);
  if (axis === 0) return own;
  const coordinates: number[] = [];
  for (let i = 0; i < sizeOf(before); i++)
    for (let k = 0; k < axis; k++) coordinates.push(Math.floor(i / sizeOf(before.slice(k + 1))) % before[k]);
  const grid = builder.op('Expand', [builder.ints(coordinates, [...before, 1, axis]), sizes(axis)]);
  return builder.op('Concat', [grid, builder.op('Expand', [own, sizes(1)])], { axis: -1 });
}

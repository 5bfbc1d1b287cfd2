import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { describeNode, type Graph, type Node, producersOf } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { codeOfDataType, inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import type { Executor } from './executor.ts';
import type { Tensors } from './runtime.ts';

/** The index of the first element that is infinite or not a number; -1 where there is none. */
export function firstNotFinite(data: ArrayLike<number>): number {
  // A plain loop: a callback for each element of an image takes as long as a small network.
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

/** A run that gave something that is not finite. */
export interface NonFiniteRun {
  readonly graph: Graph;
  readonly feeds: Tensors;
  /** The value of the graph that is not finite. */
  readonly value: string;
  /** What flows into the outputs and, for each value of the backward pass, the node whose derivative it belongs to. */
  readonly backward?: { readonly seeds: readonly string[]; readonly origins: ReadonlyMap<string, Node> };
}

type Kind = 'not a number' | 'infinite';

/**
 * The error for a value that is infinite or not a number: names the node that makes it so from values that are finite.
 * Costs one run of the graph that looks at every value on the way.
 * @param what begins the sentence: `the gradient of the target at "x"`
 */
export async function nonFiniteError(executor: Executor, run: NonFiniteRun, what: string): Promise<WhereforeError> {
  const kinds = await kindsOf(executor, run);
  const kind = kinds.get(run.value) ?? 'not a number';
  const found = sourceOf(run, kinds);
  const backward = run.backward && found?.isGradient;
  return new WhereforeError('not-finite', `${what} is ${kind}`, {
    where: found && describeNode(found.node),
    got: backward
      ? `a derivative of ${found.node.op} that is ${found.kind}, as its values are here`
      : found && `an output of ${found.node.op} that is ${found.kind}, as its inputs are here`,
    fix: backward
      ? 'choose an input or a baseline away from this point, explain a layer behind this node, or use a method that needs outputs only: --method occlusion'
      : 'choose an input or a baseline at which the model gives a number',
  });
}

interface Found {
  readonly node: Node;
  readonly kind: Kind;
  readonly isGradient: boolean;
}

/** Goes back from the value, always to an input that is as wrong as the output, until there is none. */
function sourceOf({ graph, value, backward }: NonFiniteRun, kinds: ReadonlyMap<string, Kind>): Found | undefined {
  const producers = producersOf(graph);
  const flows = new Set(backward?.seeds);
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => flows.has(name))) for (const name of node.outputs) flows.add(name);
  }
  const isGradient = flows.has(value);
  let at = value;
  let found: Found | undefined;
  for (;;) {
    const node = producers.get(at);
    if (!node) return found;
    const kind = kinds.get(at) ?? 'not a number';
    const origin = isGradient ? backward?.origins.get(at) : node;
    // Values that no rule of an operator made belong to the last one that did.
    found = { node: origin ?? found?.node ?? node, kind, isGradient };
    const before = node.inputs.filter(
      (name) => kinds.has(name) && flows.has(name) === isGradient && producers.has(name),
    );
    const worse = before.find((name) => kinds.get(name) === kind) ?? (kind === 'infinite' ? undefined : before[0]);
    // ∞ − ∞ and 0 · ∞ are made here; what is infinite before may be as the model means it (a mask of −∞).
    if (!worse || (!isGradient && kinds.get(worse) !== kind)) return found;
    at = worse;
  }
}

/** Runs what leads to the value with two numbers behind every real one: how many elements are NaN, how many infinite. */
async function kindsOf(executor: Executor, { graph, feeds, value }: NonFiniteRun): Promise<Map<string, Kind>> {
  const part = extractSubgraph(graph, { inputs: [], outputs: [value] });
  const types = inferTypes(part);
  const builder = new GraphBuilder({ ...part, outputs: [] }, { prefix: 'look/' });
  const looks = new Map<string, readonly [string, string]>();
  const count = (condition: string) => {
    const ones = builder.op('Cast', [condition], { to: codeOfDataType.float32 });
    return builder.output(builder.op('ReduceSum', [ones], { keepdims: 0 }), 'float32');
  };
  for (const name of part.nodes.flatMap((node) => node.outputs)) {
    const type = types.get(name);
    if (!name || (type !== 'float32' && type !== 'float64')) continue;
    looks.set(name, [count(builder.op('IsNaN', [name])), count(builder.op('IsInf', [name]))]);
  }
  const fetches = [...looks.values()].flat();
  const results = await executor.runOnce(builder.build(), feeds, fetches);
  const has = (name: string) => {
    const result = results.get(name);
    return result !== undefined && toNumbers(result)[0] > 0;
  };
  return new Map(
    [...looks].flatMap(([name, [nan, infinite]]): [string, Kind][] =>
      has(nan) ? [[name, 'not a number']] : has(infinite) ? [[name, 'infinite']] : [],
    ),
  );
}

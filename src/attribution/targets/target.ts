import type { Facts } from '../../autodiff/facts.ts';
import { WhereforeError } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Target, targetKinds } from './kinds/index.ts';
import { checkTarget } from './stated-target.ts';
import { type Source, withBatch } from './target-source.ts';

/** A target in the graph. Its indices are graph inputs, so that one session serves every class, token and anchor. */
export interface CompiledTarget {
  /** The graph with the target as its only output. */
  readonly graph: Graph;
  /** Name of the value that holds the target, shape [batch]. */
  readonly value: string;
  /** Name of the model output that the target reads. */
  readonly output: string;
  /** Shapes and types of the model's values at the input. */
  readonly facts: Facts;
  /** What the index inputs are fed with. */
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly notes: readonly string[];
}

/** Describes a target in words, as it is printed and recorded. */
export function describeTarget(target: Target, labels?: readonly string[]): string {
  return targetKinds[target.kind].describe(target, {
    of: target.output ? ` of ${target.output}` : '',
    name: (index) => (labels?.[index] ? `${index} "${labels[index]}"` : String(index)),
  });
}

/** What a target's value is counted in; undefined where only the model says. */
export function unitOf({ kind }: Target): string | undefined {
  return targetKinds[kind].unit;
}

/**
 * Appends the nodes that compute a target, shape [batch], to a graph.
 * @param layer values that are attributed to: where the output is one of them, the target reads it
 * @throws WhereforeError `unknown-name` for an output that does not exist, `out-of-range` for an index beyond its shape
 */
export function compileTarget(
  graph: Graph,
  facts: Facts,
  target: Target,
  layer: readonly string[] = [],
): CompiledTarget {
  checkTarget(target);
  const output = targetOutput(graph, facts, target);
  const builder = new GraphBuilder({ ...graph, outputs: [] }, { prefix: 'target/' });
  const { rows, shape } = withBatch({ builder, facts }, output);
  const source: Source = {
    builder,
    graph,
    facts,
    output,
    scores: rows,
    shape,
    notes: [],
    feeds: new Map(),
    whole: layer.includes(output),
  };
  const value = targetKinds[target.kind].compile(source, target);
  builder.output(value, facts.types.get(output), [undefined]);
  return { graph: builder.build(), value, output, facts, feeds: source.feeds, notes: source.notes };
}

/**
 * Targets with the same key share a graph: they differ only in what the index inputs are fed with.
 * @param layer as for {@link compileTarget}
 */
export function targetKey(target: Target, graph: Graph, layer: readonly string[] = []): string {
  const form = targetKinds[target.kind].form?.(target) ?? '';
  const read = graph.outputs.filter(({ name }) => layer.includes(name)).map(({ name }) => name);
  return `${target.kind}:${target.output ?? ''}:${form}:${read.join()}`;
}

/** The output that a target reads: the one it names, else the first float output. */
export function targetOutput(graph: Graph, facts: Facts, target?: Target): string {
  const names = graph.outputs.map((output) => output.name);
  const [read] = (target && targetKinds[target.kind].outputs?.(target)) ?? [];
  if (read !== undefined && names.includes(read)) return read;
  if (target?.output !== undefined) {
    if (!names.includes(target.output)) {
      throw new WhereforeError('unknown-name', `the model has no output "${target.output}"`, {
        expected: names.map((name) => `"${name}"`).join(', '),
      });
    }
    return target.output;
  }
  const first = names.find((name) => facts.types.get(name)?.startsWith('float') && facts.shapes.has(name));
  if (!first) throw new WhereforeError('unsupported-model', 'the model has no output of floats to explain');
  return first;
}

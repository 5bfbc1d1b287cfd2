import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { floatTypes } from './dependence.ts';
import type { Facts } from './facts.ts';

/** A graph for inputs of fixed shapes, with what is known of its values. */
export interface KnownGraph {
  readonly graph: Graph;
  readonly facts: Facts;
}

/** The error of a name that is no value of the graph. */
export function unknownValue(name: string): WhereforeError {
  return new WhereforeError('unknown-name', `there is no value named "${name}" in the graph`, {
    fix: 'list the names with: wherefore inspect',
  });
}

/**
 * The graph with an input for every seed (or vector) that is no value of it yet, of the shape and the type of the value
 * that it belongs to (float32 for integers, which stand for reals).
 *
 * @param seeds value → name of what belongs to it
 * @throws WhereforeError `unknown-name` when a value does not exist
 */
export function withSeeds({ graph, facts }: KnownGraph, seeds: ReadonlyMap<string, string>): KnownGraph {
  const builder = new GraphBuilder(graph);
  const [shapes, types] = [new Map(facts.shapes), new Map(facts.types)];
  for (const [value, seed] of seeds) {
    const shape = facts.shapes.get(value);
    const own = facts.types.get(value);
    if (!shape) throw unknownValue(value);
    const type = own && floatTypes.has(own) ? own : 'float32';
    if (!builder.has(seed)) builder.input(seed, type, shape);
    shapes.set(seed, shape);
    types.set(seed, type);
  }
  return { graph: builder.build(), facts: { ...facts, shapes, types } };
}

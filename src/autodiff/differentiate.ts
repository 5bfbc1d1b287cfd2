import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { describeNode, type Graph, type Node, namesRead, operatorKey } from '../onnx/graph.ts';
import { lookup } from '../tensor/lookup.ts';
import { absorbZeros } from './absorbing-zeros.ts';
import { type GradientNote, RuleContext, type VjpRule } from './context.ts';
import { gradientCuts } from './cuts.ts';
import { dependentOn, floatTypes } from './dependence.ts';
import type { Facts } from './facts.ts';
import { nonDifferentiable } from './non-differentiable.ts';
import { ruleOf } from './rules/index.ts';

/** Rules that replace those of the table: by node name first, then by operator (`Relu`, `com.microsoft.QuickGelu`). */
export interface RuleOverrides {
  readonly byNode?: Readonly<Record<string, VjpRule>>;
  readonly byOperator?: Readonly<Record<string, VjpRule>>;
}

export interface GradientRequest {
  /** Value → name of the value that holds the gradient flowing into it (same shape and type). */
  readonly seeds: ReadonlyMap<string, string>;
  /** Values whose gradient is asked for: inputs, weights, or anything between. */
  readonly wrt: readonly string[];
  readonly overrides?: RuleOverrides;
  /** Whether a gradient of 0 stays 0 at an infinite derivative, see `absorbZeros`; costs a few nodes a product. Default false. */
  readonly absorbZeros?: boolean;
  /** Whether the notes say where gradients end; of a graph that holds a backward pass already they have said it. Default true. */
  readonly noteCuts?: boolean;
}

export interface DifferentiatedGraph {
  /** The graph with the backward pass appended as ordinary nodes; its outputs are those that it had. */
  readonly graph: Graph;
  /** Name of the gradient of each value asked for; undefined where it is zero because nothing flows back to it. */
  readonly gradients: ReadonlyMap<string, string | undefined>;
  readonly notes: readonly GradientNote[];
  /** For each value that the backward pass makes, the node whose derivative it belongs to. */
  readonly origins: ReadonlyMap<string, Node>;
}

/**
 * Reverse-mode differentiation of a graph: appends to it the nodes that compute
 * `Σ_s ⟨seed_s, ∂s/∂w⟩` for every value `w` in `wrt`.
 *
 * The result is an ONNX graph again, so that it can be run by any runtime and differentiated once more
 * (Hessian-vector products). Only nodes on a path from `wrt` to a seeded value are visited.
 *
 * @throws WhereforeError `unknown-name` when a value does not exist, `wrong-type` when one is not of a float type,
 *   `not-differentiable` when an operator on the way has no derivative, `unsupported-operator` when it has no rule
 */
export function differentiate(graph: Graph, known: Facts, request: GradientRequest): DifferentiatedGraph {
  const { seeds, wrt, overrides = {} } = request;
  checkNames(graph, known, [...wrt, ...seeds.keys()]);
  // A copy: a rule that asks a node for one more output adds what is known of it.
  const facts: Facts = { ...known, shapes: new Map(known.shapes), types: new Map(known.types) };

  const nodes = [...graph.nodes];
  const dependent = dependentOn(nodes, new Set(wrt), facts);
  // A value without elements has a gradient without elements, and passes nothing on: rules need not know of it.
  for (const name of dependent) if (facts.shapes.get(name)?.includes(0)) dependent.delete(name);
  const builder = new GraphBuilder(graph, { prefix: 'gradient/' });
  const notes: GradientNote[] = [];
  const partial = new Map<string, string[]>();
  const accumulate = (name: string, gradient: string) => {
    const list = partial.get(name);
    if (list) list.push(gradient);
    else partial.set(name, [gradient]);
  };
  const total = (name: string): string | undefined => {
    const list = partial.get(name);
    if (!list) return undefined;
    if (list.length > 1) list.splice(0, list.length, builder.op(list.length === 2 ? 'Add' : 'Sum', list));
    return list[0];
  };
  for (const [name, seed] of seeds) accumulate(name, seed);
  const origins = new Map<string, Node>();
  let made = builder.nodes.length;
  const belongsTo = (node: Node) => {
    for (; made < builder.nodes.length; made++) {
      for (const name of builder.nodes[made].outputs) origins.set(name, node);
    }
  };

  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some((name) => partial.has(name) && !facts.shapes.get(name)?.includes(0))) continue;
    if (!node.inputs.some((name) => dependent.has(name)) && ![...namesRead(node)].some((name) => dependent.has(name)))
      continue;
    const gradients = node.outputs.map((name) => (name ? total(name) : undefined));
    const context = new RuleContext(node, facts, builder, dependent, notes, (replaced) => {
      nodes[i] = replaced;
    });
    const inputGradients = ruleFor(node, overrides)(context, gradients);
    node.inputs.forEach((name, index) => {
      const gradient = inputGradients[index];
      if (gradient && dependent.has(name)) accumulate(name, gradient);
    });
    belongsTo(node);
  }
  const gradients = new Map(wrt.map((name) => [name, total(name)]));
  if (request.noteCuts !== false) noteCuts(wrt, nodes, seeds, facts, notes);
  const whole = builder.build();
  const result = request.absorbZeros ? absorbZeros(whole, graph.nodes.length, seeds.values()) : whole;
  return { graph: result, gradients, notes, origins };
}

/** Says where the gradient of a value ends although the value goes on to a seeded one. */
function noteCuts(
  sources: readonly string[],
  nodes: readonly Node[],
  seeds: ReadonlyMap<string, string>,
  facts: Facts,
  notes: GradientNote[],
): void {
  for (const { node, text } of gradientCuts(nodes, facts, sources, seeds.keys())) {
    notes.push({ code: 'zero-gradient', node: node.name || node.outputs[0], operator: operatorKey(node), text });
  }
}

function ruleFor(node: Node, overrides: RuleOverrides): VjpRule {
  const key = operatorKey(node);
  const override = lookup(overrides.byNode ?? {}, node.name) ?? lookup(overrides.byOperator ?? {}, key);
  if (override) return override;
  const entry = ruleOf(key);
  if (entry) return entry.rule;
  const reason = lookup(nonDifferentiable, key);
  // Noted with the other cuts.
  if (reason?.gradient === 'zero') return () => [];
  throw new WhereforeError(
    reason ? 'not-differentiable' : 'unsupported-operator',
    `no gradient: ${reason?.why ?? `there is no rule for ${key}`}`,
    {
      where: describeNode(node),
      fix: reason?.fix ?? 'use a method that needs no gradient (occlusion), or explain a layer behind this node',
    },
  );
}

function checkNames(graph: Graph, facts: Facts, names: readonly string[]): void {
  const known = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  for (const name of names) {
    if (!known.has(name)) {
      throw new WhereforeError('unknown-name', `there is no value named "${name}" in the graph`, {
        fix: 'list the names with: wherefore inspect',
      });
    }
    const type = facts.types.get(name);
    if (type && !floatTypes.has(type)) {
      throw new WhereforeError('wrong-type', `"${name}" has no gradient`, {
        got: `${type} elements`,
        expected: 'a float type',
      });
    }
  }
}

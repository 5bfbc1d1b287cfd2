import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { describeNode, type Graph, type Node, operatorKey } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { lookup } from '../tensor/lookup.ts';
import { type GradientNote, RuleContext } from './context.ts';
import { type DifferentiatedGraph, differentiate, type RuleOverrides } from './differentiate.ts';
import type { Facts } from './facts.ts';
import { foldNormalization } from './fold-normalization.ts';
import { contributionOf } from './per-sample/contributions.ts';
import { type Contributed, type Layer, type LayerUses, layersOf } from './per-sample/layers.ts';
import { type Reduced, type RowReduction, reductions } from './per-sample/reductions.ts';
import { rowGradient } from './per-sample/row-gradients.ts';
import { followRows } from './per-sample/row-layout.ts';
import { findUses, type Use } from './per-sample/uses.ts';
import { ruleOf } from './rules/index.ts';
import { withSeeds } from './seeds.ts';

/** What a gradient program is asked for. */
export interface GradientProgramRequest {
  /**
   * Value → name of the value that holds the gradient flowing into it. A name that is no value of the graph becomes an
   * input, of the value's shape.
   */
  readonly seeds: ReadonlyMap<string, string>;
  /** Inputs, inner values or parameters. */
  readonly wrt: readonly string[];
  readonly rules?: RuleOverrides;
  /** As in `GradientRequest`. Default false. */
  readonly absorbZeros?: boolean;
}

/** A graph with a backward pass, whose gradients are summed over rows; its outputs are those that it had. */
export interface GradientProgram extends DifferentiatedGraph {
  readonly facts: Facts;
  /** Names of what flows into the seeded values. */
  readonly seeds: readonly string[];
}

/**
 * Builds the graph of a gradient, `Σ_s ⟨seed_s, ∂s/∂w⟩` for every w. Normalizations are folded into the convolutions
 * before them, unless rules are given, which must find them.
 *
 * @param graph for inputs of fixed shapes, whose `facts` are known
 * @throws WhereforeError as `differentiate`; `unknown-name` for a seed of no value
 */
export function buildGradientProgram(graph: Graph, known: Facts, request: GradientProgramRequest): GradientProgram {
  const { seeds, wrt, rules, absorbZeros } = request;
  const kept = new Set([...wrt, ...seeds.keys(), ...seeds.values()]);
  const seeded = withSeeds(rules ? { graph, facts: known } : foldNormalization(graph, known, kept), seeds);
  const found = differentiate(seeded.graph, seeded.facts, { seeds, wrt, overrides: rules, absorbZeros });
  return { ...found, facts: seeded.facts, seeds: [...seeds.values()] };
}

/** What a gradient program computes of single rows. */
export interface RowProgramRequest extends GradientProgramRequest {
  /** Parameters: initializers or inputs that are the same for every row. */
  readonly wrt: readonly string[];
  /** Inputs whose first axis holds the rows, and their number. */
  readonly rows: { readonly inputs: readonly string[]; readonly count: number };
  readonly reduce: RowReduction;
}

/** A graph that computes gradients of single rows, or what is made of them. */
export interface RowProgram extends Reduced {
  /** Forward pass, backward pass and reduction; its outputs are the results. */
  readonly graph: Graph;
  /** The parameters' layers; see {@link Layer}. */
  readonly layers: readonly Layer[];
  /** Parameters that do not influence the seeded values: they are in no result. */
  readonly disconnected: readonly string[];
  readonly notes: readonly GradientNote[];
}

/**
 * Builds the graph of what is asked for of the gradients of single rows, `g_n = ∂/∂w Σ_s ⟨seed_s, s⟩_n`, where the rows
 * do not depend on each other. A gradient of a weight stays a sum of outer products of activations and of what flows
 * back, `g_n = Σ_t s_{n,t} a_{n,t}ᵀ`; it is written out only where the result is made of it or that is cheaper.
 *
 * @param given graph for inputs of fixed shapes, whose `facts` are known
 * @throws WhereforeError as `differentiate`; `unsupported-model` where the rows of a batch cannot be told apart, or a
 *   parameter is used in a way that only one row a batch allows; `wrong-type` for parameters other than float32
 */
export function buildRowProgram(given: Graph, facts: Facts, request: RowProgramRequest): RowProgram {
  const { seeds, wrt, rows, rules, reduce } = request;
  checkParameters(given, facts, wrt);
  const { graph, facts: known } = withSeeds({ graph: given, facts }, seeds);
  const layouts = followRows(graph.nodes, known, rows.inputs, rows.count);
  const uses = findUses(graph, known, layouts, wrt);
  // With one row, a use of any form has its gradient from its own rule.
  const plain = rows.count === 1 ? uses.map(({ value }) => value) : [];
  const outputs = uses.map(({ node }) => node.outputs[0]);
  const { absorbZeros } = request;
  const differentiated = differentiate(graph, known, {
    seeds,
    wrt: [...new Set([...outputs, ...plain])],
    overrides: rules,
    absorbZeros,
  });
  const all: Facts = { ...known, shapes: new Map(known.shapes), types: new Map(known.types) };
  const builder = new GraphBuilder({ ...differentiated.graph, outputs: [] }, { prefix: 'rows/' });
  const contributed = new Map<string, Contributed[]>(wrt.map((name) => [name, []]));
  const contextOf = (node: Node) => new RuleContext(node, all, builder, new Set(), [], () => undefined);
  for (const use of uses) {
    const [g, alone] = [use.node.outputs[0], use.value].map((name) => differentiated.gradients.get(name));
    if (!g) continue;
    const key = operatorKey(use.node);
    const rule = lookup(rules?.byOperator ?? {}, key) ?? ruleOf(key)?.rule;
    const outer = new Map(layouts.outer).set(use.node.outputs[0], use.outer);
    const c = contextOf(use.node);
    const factored = rule && contributionOf({ c, index: use.index, g, layouts: { ...layouts, outer }, rule });
    const contribution =
      factored ?? (alone && ({ kind: 'dense', gradient: c.reshape(alone, [1, ...use.shape]) } as const));
    if (!contribution) throw unknownUse(use);
    contributed.get(use.parameter)?.push({ use, contribution });
  }
  const c = contextOf({ op: 'Identity', domain: '', name: 'rows', inputs: [], outputs: [], attributes: {} });
  const gradients = new Map<string, string | undefined>();
  const rowsOf = (name: string) => {
    if (!gradients.has(name)) gradients.set(name, rowGradient(c, rows.count, contributed.get(name) ?? []));
    return gradients.get(name);
  };
  let layers: readonly LayerUses[] | undefined;
  const allLayers = () => (layers ??= layersOf(c, rows.count, contributed, rowsOf));
  const reduced = reductions(reduce, { c, rows: rows.count, contributed, gradient: rowsOf, layers: allLayers });
  for (const name of reduced.outputs) builder.output(name, 'float32');
  const whole = builder.build();
  const part = extractSubgraph({ ...whole, values: new Map() }, { inputs: [], outputs: reduced.outputs });
  return {
    ...reduced,
    graph: { ...part, outputs: whole.outputs },
    layers: (layers ?? []).map(({ layer }) => layer),
    disconnected: wrt.filter((name) => contributed.get(name)?.length === 0),
    notes: differentiated.notes,
  };
}

function unknownUse({ parameter, node }: Use): WhereforeError {
  return new WhereforeError('unsupported-model', `the gradients of single rows of "${parameter}" have no known form`, {
    where: describeNode(node),
    fix: 'run it with one row a batch, or leave the parameter out',
  });
}

function checkParameters(graph: Graph, facts: Facts, names: readonly string[]): void {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const name of names) {
    if (!graph.initializers.has(name) && !inputs.has(name)) {
      throw new WhereforeError('unknown-name', `there is no parameter "${name}" in the graph`, {
        expected: [...graph.initializers.keys()].join(', '),
      });
    }
    const type = facts.types.get(name);
    if (type !== 'float32') {
      throw new WhereforeError('wrong-type', `parameter "${name}"`, { got: String(type), expected: 'float32' });
    }
  }
}

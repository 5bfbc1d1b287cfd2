import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { tensor } from '../tensor/tensor.ts';
import { type DifferentiatedGraph, differentiate, type RuleOverrides } from './differentiate.ts';
import type { Facts } from './facts.ts';
import { loadRules } from './rules/index.ts';
import { type KnownGraph, unknownValue, withSeeds } from './seeds.ts';

/**
 * Finds the facts of a graph to which a backward pass has been appended: it has values of its own, whose shapes a second
 * probe tells.
 */
export type Specialise = (graph: Graph) => Promise<KnownGraph>;

/** What a product of a matrix of second derivatives with a vector is asked of. */
export interface CurvatureRequest {
  /** Value → name of the value that holds the gradient flowing into it: the scalar is `f = Σ ⟨seed, value⟩`. */
  readonly seeds: ReadonlyMap<string, string>;
  /** Value w → name of the input that will hold its part of the vector, of the value's shape; it is declared here. */
  readonly vectors: ReadonlyMap<string, string>;
  readonly rules?: RuleOverrides;
  /** As in `GradientRequest`. Default false. */
  readonly absorbZeros?: boolean;
}

/** A graph with two backward passes. */
export interface HessianProgram extends KnownGraph, Pick<DifferentiatedGraph, 'notes' | 'origins'> {
  /** `∂f/∂w`; undefined where nothing flows back. */
  readonly gradients: ReadonlyMap<string, string | undefined>;
  /** `Σ_j ∂²f/∂w∂w_j · v_j`; undefined where it is zero because nothing flows back. */
  readonly products: ReadonlyMap<string, string | undefined>;
  /** What flows into the second backward pass, beside the seeds of the first. */
  readonly seeds: readonly string[];
}

/** `Σ_w ⟨value_w, vector_w⟩` of values that have one; undefined where none has. */
function innerProduct(
  builder: GraphBuilder,
  values: ReadonlyMap<string, string | undefined>,
  vectors: ReadonlyMap<string, string>,
): string | undefined {
  const terms = [...vectors].flatMap(([name, vector]) => {
    const value = values.get(name);
    return value ? [builder.op('ReduceSum', [builder.op('Mul', [value, vector])], { keepdims: 0 })] : [];
  });
  return terms.length > 1 ? builder.op('Sum', terms) : terms[0];
}

/**
 * Builds the graph of Hessian-vector products, by differentiating the gradient graph once more: `∂/∂w ⟨∂f/∂w, v⟩`.
 * Exact where the rules are smooth; kinks (ReLU, max) have second derivative 0. Outputs are those of the graph.
 *
 * @throws WhereforeError as `differentiate`; `unknown-name` for a vector of no value
 */
export async function buildHessianProgram(
  known: KnownGraph,
  { seeds, vectors, rules, absorbZeros }: CurvatureRequest,
  specialise: Specialise,
): Promise<HessianProgram> {
  const wrt = [...vectors.keys()];
  const given = withSeeds(withSeeds(known, seeds), vectors);
  const first = differentiate(given.graph, given.facts, { seeds, wrt, overrides: rules, absorbZeros });
  const builder = new GraphBuilder(first.graph, { prefix: 'hessian/' });
  const product = innerProduct(builder, first.gradients, vectors);
  const once = { facts: given.facts, gradients: first.gradients, notes: first.notes, origins: first.origins };
  if (product === undefined) return { ...once, graph: builder.build(), products: new Map(), seeds: [] };
  const one = builder.scalar(1);
  const again = await specialise(builder.build());
  const second = differentiate(again.graph, again.facts, {
    seeds: new Map([[product, one]]),
    wrt,
    overrides: rules,
    absorbZeros,
    noteCuts: false,
  });
  return {
    graph: second.graph,
    facts: again.facts,
    gradients: first.gradients,
    products: second.gradients,
    notes: [...first.notes, ...second.notes],
    origins: new Map([...first.origins, ...second.origins]),
    seeds: [one],
  };
}

/** A graph that computes products with the Gauss-Newton matrix. */
export interface GaussNewtonProgram extends KnownGraph, Pick<DifferentiatedGraph, 'notes'> {
  /** `(Jᵀ H_z J v)_w` by value w; undefined where it is zero because nothing flows back. */
  readonly products: ReadonlyMap<string, string | undefined>;
}

/**
 * Builds the graph of Gauss-Newton-vector products `Jᵀ H_z J v`, with `J = ∂z/∂w` of a value z of the graph (the logits)
 * and `H_z = ∂²f/∂z²` of what follows it (the loss): the Hessian without the curvature of z itself, positive
 * semidefinite where the loss is convex in z. `J v` is the derivative of `⟨Jᵀr, v⟩` with respect to r.
 *
 * @param at the value z, through which f depends on every w
 * @throws WhereforeError as `differentiate`; `invalid-argument` where no w influences z, or z does not influence f
 */
export async function buildGaussNewtonProgram(
  known: KnownGraph,
  { seeds, vectors, rules, absorbZeros }: CurvatureRequest,
  at: string,
  specialise: Specialise,
): Promise<GaussNewtonProgram> {
  const wrt = [...vectors.keys()];
  const shape = known.facts.shapes.get(at);
  if (!shape) throw unknownValue(at);
  const how = { overrides: rules, absorbZeros, noteCuts: false };
  // The backward pass of a backward pass is not specialised in between: any operator may come up.
  await loadRules();
  const split = withCopy(withSeeds(withSeeds(known, seeds), vectors), at);
  // J v, for a gradient r of z that nothing depends on.
  const builder = new GraphBuilder(split.graph, { prefix: 'gauss-newton/' });
  const r = builder.initializer(builder.fresh('r'), tensor('float32', shape));
  const backward = differentiate(builder.build(), declared(split.facts, r, shape), {
    ...how,
    seeds: new Map([[at, r]]),
    wrt,
  });
  const tangent = new GraphBuilder(backward.graph, { prefix: 'gauss-newton/' });
  const pulled = innerProduct(tangent, backward.gradients, vectors);
  if (pulled === undefined) throw separate(`none of the values influences "${at}"`, wrt.join(', '));
  const one = tangent.scalar(1);
  const linear = await specialise(tangent.build());
  const forward = differentiate(linear.graph, linear.facts, { ...how, seeds: new Map([[pulled, one]]), wrt: [r] });
  const moved = forward.gradients.get(r);
  // H_z J v: the gradient of ⟨∂f/∂z, J v⟩, in which J v counts as a constant, since z is a copy there.
  const loss = differentiate(forward.graph, linear.facts, { ...how, seeds, wrt: [split.copy], noteCuts: true });
  const bent = new GraphBuilder(loss.graph, { prefix: 'gauss-newton/' });
  const slope = loss.gradients.get(split.copy);
  if (!moved || !slope)
    throw separate(`"${at}" does not influence what is differentiated`, [...seeds.keys()].join(', '));
  const along = bent.op('ReduceSum', [bent.op('Mul', [slope, moved])], { keepdims: 0 });
  const curved = await specialise(bent.build());
  const second = differentiate(curved.graph, curved.facts, {
    ...how,
    seeds: new Map([[along, one]]),
    wrt: [split.copy],
  });
  const curvature = second.gradients.get(split.copy);
  const notes = [...loss.notes, ...backward.notes];
  // A loss that is linear in z has no curvature.
  if (!curvature) return { graph: second.graph, facts: curved.facts, products: new Map(), notes };
  const last = differentiate(second.graph, declared(curved.facts, curvature, shape), {
    ...how,
    seeds: new Map([[at, curvature]]),
    wrt,
  });
  return { graph: last.graph, facts: curved.facts, products: last.gradients, notes };
}

function separate(what: string, got: string): WhereforeError {
  return new WhereforeError('invalid-argument', what, { got, fix: 'name a value between the parameters and the loss' });
}

function declared(facts: Facts, name: string, shape: readonly number[]): Facts {
  return {
    ...facts,
    shapes: new Map(facts.shapes).set(name, shape),
    types: new Map(facts.types).set(name, 'float32'),
  };
}

/** The graph in which everything behind a value reads a copy of it. */
function withCopy({ graph, facts }: KnownGraph, value: string): KnownGraph & { readonly copy: string } {
  const shape = facts.shapes.get(value);
  const index = graph.nodes.findIndex(({ outputs }) => outputs.includes(value));
  if (index < 0 || !shape) throw separate(`"${value}" is not computed in the graph`, value);
  const builder = new GraphBuilder(graph, { prefix: 'gauss-newton/' });
  const copy = builder.op('Identity', [value]);
  const built = builder.build();
  const behind = graph.nodes.slice(index + 1).map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === value ? copy : name)),
  }));
  const nodes = [...graph.nodes.slice(0, index + 1), built.nodes[built.nodes.length - 1], ...behind];
  return { graph: { ...built, nodes }, facts: declared(facts, copy, shape), copy };
}

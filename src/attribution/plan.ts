import type { GradientNote } from '../autodiff/context.ts';
import { type DifferentiatedGraph, differentiate, type RuleOverrides } from '../autodiff/differentiate.ts';
import { foldNormalization } from '../autodiff/fold-normalization.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Executor, Specialised } from '../runtime/executor.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { formatShape } from '../tensor/tensor.ts';
import { sumOverPoints, withoutLastConvolutions } from './sum-of-points.ts';

/** Other rules than derivatives for the backward pass: DeepLIFT, LRP, guided backpropagation. */
export interface RuleSet {
  /** Tells graphs that were made with these rules from others. */
  readonly key: string;
  /** What the inputs that {@link RuleSet.apply} adds are fed with. */
  readonly feeds?: Tensors;
  /** The graph that the rules need (a second copy of it, for a reference) and the rules themselves. */
  apply(specialised: Specialised): Specialised & { readonly overrides: RuleOverrides };
}

/** A graph with its backward pass, ready to run. */
export interface Plan extends Specialised {
  /** Value → name of its gradient; undefined where nothing flows back. */
  readonly gradients: ReadonlyMap<string, string | undefined>;
  readonly notes: readonly GradientNote[];
  /** What flows into the outputs. */
  readonly seeds: readonly string[];
  /** For each value of the backward pass, the node whose derivative it belongs to. */
  readonly origins: DifferentiatedGraph['origins'];
}

/** Name of the input that says how much each point counts. */
export const seedInput = 'attribution/seed';

/** Name of the input that holds the vector of a Hessian-vector product. */
export const vectorInput = (name: string) => `attribution/vector/${name}`;

export interface PlanRequest {
  /** The value that is differentiated, shape [batch]. */
  readonly target: string;
  readonly wrt: readonly string[];
  readonly rules?: RuleSet;
  /** Whether the gradients of the points are added up in the graph, or come back one by one. */
  readonly perPoint: boolean;
  /** Whether a gradient of 0 stays 0 at an infinite derivative. */
  readonly absorbZeros: boolean;
}

/** The gradient of a target at as many points as `specialised` holds. */
export function gradientPlan(specialised: Specialised, request: PlanRequest): Plan {
  const { target, wrt, rules, perPoint, absorbZeros } = request;
  const { graph, facts, overrides } = rules?.apply(specialised) ?? {
    ...foldNormalization(specialised.graph, specialised.facts, new Set([...wrt, target])),
    overrides: undefined,
  };
  const count = facts.shapes.get(target)?.[0] ?? 1;
  const seeded = withInput({ graph, facts }, seedInput, [count]);
  const {
    graph: whole,
    gradients,
    notes,
    origins,
  } = differentiate(seeded.graph, seeded.facts, {
    seeds: new Map([[target, seedInput]]),
    wrt,
    overrides,
    absorbZeros,
  });
  const isSummed = count > 1 && !perPoint;
  const shapeOf = (name: string) => facts.shapes.get(name) ?? [];
  // Only where a point is one row of the value, as the convolution knows nothing of points.
  const movable = [...gradients].flatMap(([name, gradient]) =>
    isSummed && gradient && shapeOf(name)[0] === count ? [gradient] : [],
  );
  const { graph: shortened, convolutions } = withoutLastConvolutions(whole, movable);
  const builder = new GraphBuilder(shortened, { prefix: 'attribution/' });
  const outputs = new Map<string, string | undefined>();
  // Two values may have one gradient: the terms of a sum.
  const sums = new Map<string, string>();
  for (const [name, gradient] of gradients) {
    let summed = gradient && (sums.get(gradient) ?? gradient);
    if (gradient && isSummed && !sums.has(gradient)) {
      summed = sumOverPoints(builder, gradient, shapeOf(name), count, convolutions.get(gradient));
      sums.set(gradient, summed);
    }
    outputs.set(name, summed && builder.output(summed, 'float32'));
  }
  const told = [...(specialised.notes ?? []), ...notes];
  return { graph: builder.build(), facts, gradients: outputs, notes: told, seeds: [seedInput], origins };
}

/** A gradient and its Hessian-vector product at one point. */
export interface CurvaturePlan extends Plan {
  readonly products: ReadonlyMap<string, string | undefined>;
}

/** `∂f/∂w` and `Σ_j ∂²f/∂w∂w_j · v_j` for every value w, by differentiating `⟨∂f/∂w, v⟩` once more. */
export async function curvaturePlan(
  executor: Executor,
  specialised: Specialised,
  feeds: Tensors,
  vectors: Tensors,
  { target, absorbZeros }: Pick<PlanRequest, 'target' | 'absorbZeros'>,
): Promise<CurvaturePlan> {
  const wrt = [...vectors.keys()];
  const seeded = withInput(specialised, seedInput, [1]);
  const seeds = new Map([[target, seedInput]]);
  const first = differentiate(seeded.graph, seeded.facts, { seeds, wrt, absorbZeros });
  const builder = new GraphBuilder(first.graph, { prefix: 'attribution/' });
  const terms: string[] = [];
  for (const [name, { shape }] of vectors) {
    const vector = builder.input(vectorInput(name), 'float32', shape);
    const gradient = first.gradients.get(name);
    if (!gradient) continue;
    builder.output(gradient, 'float32');
    terms.push(builder.op('ReduceSum', [builder.op('Mul', [gradient, vector])], { keepdims: 0 }));
  }
  const none = {
    facts: seeded.facts,
    gradients: first.gradients,
    products: new Map<string, string | undefined>(),
    notes: first.notes,
    seeds: [seedInput],
    origins: first.origins,
  };
  if (terms.length === 0) return { ...none, graph: builder.build() };
  const product = terms.length === 1 ? terms[0] : builder.op('Sum', terms);
  const one = builder.scalar(1);
  // The backward pass has values of its own: their shapes come from a second probe.
  const again = await executor.specialise(builder.build(), feeds);
  const second = differentiate(again.graph, again.facts, {
    seeds: new Map([[product, one]]),
    wrt,
    absorbZeros,
    noteCuts: false,
  });
  const last = new GraphBuilder(second.graph);
  for (const name of second.gradients.values()) if (name) last.output(name, 'float32');
  const notes = [...(specialised.notes ?? []), ...first.notes, ...second.notes];
  return {
    graph: last.build(),
    facts: again.facts,
    gradients: first.gradients,
    products: second.gradients,
    notes,
    seeds: [seedInput, one],
    origins: new Map([...first.origins, ...second.origins]),
  };
}

function withInput({ graph, facts }: Specialised, name: string, shape: readonly number[]): Specialised {
  const builder = new GraphBuilder(graph);
  builder.input(name, 'float32', shape);
  return {
    graph: builder.build(),
    facts: {
      ...facts,
      shapes: new Map(facts.shapes).set(name, shape),
      types: new Map(facts.types).set(name, 'float32'),
    },
  };
}

/** Key of a plan among those of one model and target. */
export function planKey(part: Graph, feeds: Tensors, wrt: readonly string[], kind: string): string {
  const shapes = [...feeds].map(([name, { shape }]) => `${name}:${formatShape(shape)}`).join();
  return `${part.inputs.map(({ name }) => name).join()}|${wrt.join()}|${kind}|${shapes}`;
}

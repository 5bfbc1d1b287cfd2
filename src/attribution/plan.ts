import { buildHessianProgram } from '../autodiff/curvature-program.ts';
import type { RuleOverrides } from '../autodiff/differentiate.ts';
import { buildGradientProgram, type GradientProgram } from '../autodiff/gradient-program.ts';
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

/** A graph with its backward pass, whose gradients are outputs: ready to run. */
export type Plan = GradientProgram;

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
  const applied = rules?.apply(specialised);
  const { graph: own, facts: known } = applied ?? specialised;
  const program = buildGradientProgram(own, known, {
    seeds: new Map([[target, seedInput]]),
    wrt,
    rules: applied?.overrides,
    absorbZeros,
  });
  const { graph: whole, facts, gradients } = program;
  const count = facts.shapes.get(target)?.[0] ?? 1;
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
  const notes = [...(specialised.notes ?? []), ...program.notes];
  return { ...program, graph: builder.build(), gradients: outputs, notes };
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
  const program = await buildHessianProgram(
    specialised,
    {
      seeds: new Map([[target, seedInput]]),
      vectors: new Map([...vectors.keys()].map((name) => [name, vectorInput(name)])),
      absorbZeros,
    },
    (graph) => executor.specialise(graph, feeds),
  );
  const builder = new GraphBuilder(program.graph);
  for (const name of [...program.gradients.values(), ...program.products.values()]) {
    if (name) builder.output(name, 'float32');
  }
  return {
    ...program,
    graph: builder.build(),
    notes: [...(specialised.notes ?? []), ...program.notes],
    seeds: [seedInput, ...program.seeds],
  };
}

/** Key of a plan among those of one model and target. */
export function planKey(part: Graph, feeds: Tensors, wrt: readonly string[], kind: string): string {
  const shapes = [...feeds].map(([name, { shape }]) => `${name}:${formatShape(shape)}`).join();
  return `${part.inputs.map(({ name }) => name).join()}|${wrt.join()}|${kind}|${shapes}`;
}

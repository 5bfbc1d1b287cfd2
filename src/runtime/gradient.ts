import type { GradientNote } from '../autodiff/context.ts';
import { type DifferentiatedGraph, differentiate, type RuleOverrides } from '../autodiff/differentiate.ts';
import { foldNormalization } from '../autodiff/fold-normalization.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { float32, formatShape, sameShape, sizeOf, type Tensor, tensor } from '../tensor/tensor.ts';
import type { Specialised } from './executor.ts';
import type { Model } from './model.ts';
import { firstNotFinite, nonFiniteError } from './non-finite.ts';
import type { RunOptions, Tensors } from './runtime.ts';

export interface GradientsRequest extends RunOptions {
  readonly inputs: Tensors;
  /** Gradient that flows into each output: the scalar that is differentiated is `Σ_o ⟨seed_o, o⟩`. */
  readonly seeds: Tensors;
  /** Inputs, inner values or weights. */
  readonly wrt: readonly string[];
  readonly overrides?: RuleOverrides;
}

export interface Gradients {
  /** One gradient a value asked for, of the value's shape; zeros where nothing flows back to it. */
  readonly gradients: ReadonlyMap<string, Tensor<'float32'>>;
  /** Values asked for that do not influence the seeded outputs. */
  readonly disconnected: readonly string[];
  /** The seeded outputs. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly notes: readonly GradientNote[];
}

const seedName = (output: string) => `seed/${output}`;

/**
 * Gradients of a weighted sum of outputs: `∂/∂w Σ_o ⟨seed_o, o⟩`, forward and backward pass in one run.
 *
 * @throws WhereforeError `unknown-name`, `wrong-shape`, `wrong-type`, `not-differentiable`, `unsupported-operator`
 * @example
 * const { gradients } = await gradientsOf(model, {
 *   inputs: new Map([['x', float32([1, 3], [1, 2, 3])]]),
 *   seeds: new Map([['y', float32([1, 2], [1, 0])]]),
 *   wrt: ['x'],
 * });
 */
export async function gradientsOf(model: Model, request: GradientsRequest): Promise<Gradients> {
  const { inputs, seeds, wrt, overrides } = request;
  const specialised = await model.executor.specialise(model.graph, inputs, { followData: true });
  const feeds = new Map([...inputs, ...[...seeds].map(([name, seed]) => [seedName(name), seed] as const)]);
  const run = async (absorbZeros: boolean) => {
    const plan = planOf(specialised, seeds, { wrt, overrides, absorbZeros });
    return { plan, results: await model.executor.run(plan.graph, feeds, plan.wanted, request) };
  };
  const found = ({ plan, results }: Awaited<ReturnType<typeof run>>) => notFinite(plan.gradients.values(), results);
  let ran = await run(false);
  if (found(ran)) ran = await run(true);
  const { plan, results } = ran;
  const { facts, gradients, notes } = plan;
  const wrong = wrongOutput(seeds, results) ?? found(ran);
  if (wrong) throw await errorOf(model, plan, feeds, wrong);
  return {
    gradients: new Map(
      [...gradients].map(([name, gradient]) => {
        const shape = facts.shapes.get(name) ?? [];
        return [
          name,
          tensor('float32', shape, gradient ? (results.get(gradient) as Tensor<'float32'>).data : undefined),
        ];
      }),
    ),
    disconnected: [...gradients].flatMap(([name, gradient]) =>
      gradient || facts.shapes.get(name)?.includes(0) ? [] : [name],
    ),
    outputs: new Map([...seeds.keys()].map((name) => [name, results.get(name) as Tensor])),
    notes,
  };
}

/** The first of some values that holds an element that is not finite. */
function notFinite(names: Iterable<string | undefined>, values: Tensors): string | undefined {
  for (const name of names) {
    if (name && firstNotFinite(values.get(name)?.data as ArrayLike<number>) >= 0) return name;
  }
  return undefined;
}

/** The first output with an element that is differentiated and not finite. */
function wrongOutput(seeds: Tensors, values: Tensors): string | undefined {
  for (const [name, seed] of seeds) {
    const [weights, data] = [seed.data, values.get(name)?.data] as ArrayLike<number>[];
    for (let i = 0; i < weights.length; i++) if (weights[i] !== 0 && !Number.isFinite(data[i])) return name;
  }
  return undefined;
}

/** Names the node that makes a value of a plan infinite or not a number. */
function errorOf(model: Model, plan: Plan, feeds: Tensors, value: string): Promise<WhereforeError> {
  const [of] = [...plan.gradients].find(([, gradient]) => gradient === value) ?? [undefined];
  const run = { graph: plan.graph, feeds, value, backward: { seeds: plan.seeds, origins: plan.origins } };
  return nonFiniteError(model.executor, run, of === undefined ? `"${value}"` : `the gradient at "${of}"`);
}

interface Plan {
  readonly graph: Graph;
  readonly facts: Specialised['facts'];
  readonly gradients: ReadonlyMap<string, string | undefined>;
  readonly notes: readonly GradientNote[];
  readonly wanted: readonly string[];
  readonly seeds: readonly string[];
  readonly origins: DifferentiatedGraph['origins'];
}

type PlanRequest = Pick<GradientsRequest, 'wrt' | 'overrides'> & { readonly absorbZeros: boolean };

/** Sessions are kept by graph: the same question must give the same graph, or every call would open a session. */
const plans = new WeakMap<Graph, Map<string, Plan>>();

function planOf(specialised: Specialised, seeds: Tensors, request: PlanRequest): Plan {
  // Rules are functions, which have no key.
  if (request.overrides) return makePlan(specialised, seeds, request);
  let known = plans.get(specialised.graph);
  if (!known) plans.set(specialised.graph, (known = new Map()));
  const key = JSON.stringify([[...seeds].map(([name, { type, shape }]) => [name, type, shape]), request]);
  let plan = known.get(key);
  if (!plan) known.set(key, (plan = makePlan(specialised, seeds, request)));
  return plan;
}

function makePlan(specialised: Specialised, seeds: Tensors, { wrt, overrides, absorbZeros }: PlanRequest): Plan {
  const kept = new Set([...wrt, ...seeds.keys()]);
  // Rules given for a normalization must find it.
  const seeded = withSeeds(
    overrides ? specialised : foldNormalization(specialised.graph, specialised.facts, kept),
    seeds,
  );
  const { graph, gradients, notes, origins } = differentiate(seeded.graph, seeded.facts, {
    seeds: seeded.names,
    wrt,
    overrides,
    absorbZeros,
  });
  const fetched = new Map([...gradients].map(([name, gradient]) => [name, gradient && beforeReshape(graph, gradient)]));
  const builder = new GraphBuilder({ ...graph, outputs: [] });
  const wanted = [...new Set([...seeds.keys(), ...[...fetched.values()].filter((name) => name !== undefined)])];
  for (const name of wanted) builder.output(name, seeded.facts.types.get(name) ?? 'float32');
  const given = [...seeded.names.values()];
  const told = [...(specialised.notes ?? []), ...notes];
  return {
    graph: builder.build(),
    facts: seeded.facts,
    gradients: fetched,
    notes: told,
    wanted,
    seeds: given,
    origins,
  };
}

/** The value that a gradient is only another shape of: the runtime would copy it, here the shape is a label. */
function beforeReshape(graph: Graph, gradient: string): string {
  const producer = graph.nodes.findLast((node) => node.outputs.includes(gradient));
  const source = producer?.op === 'Reshape' && producer.domain === '' ? producer.inputs[0] : undefined;
  // A graph input or a weight cannot be an output as it is.
  return source && graph.nodes.some((node) => node.outputs.includes(source)) ? source : gradient;
}

export interface HessianRequest extends Omit<GradientsRequest, 'wrt'> {
  /** The vector that the Hessian is multiplied with, by value; also says with respect to which values. */
  readonly vectors: Tensors;
}

/**
 * Hessian-vector products `Σ_j ∂²s/∂w_i∂w_j · v_j` of the scalar `s = Σ_o ⟨seed_o, o⟩`, by differentiating the gradient
 * graph once more: `∂/∂w ⟨∂s/∂w, v⟩`. Exact where the rules are smooth; kinks (ReLU, max) have second derivative 0.
 */
export async function hessianVectorProduct(model: Model, request: HessianRequest): Promise<Gradients> {
  const { inputs, seeds, vectors } = request;
  const specialised = await model.executor.specialise(model.graph, inputs, { followData: true });
  const feeds = new Map([
    ...inputs,
    ...[...seeds].map(([name, seed]) => [seedName(name), seed] as const),
    ...[...vectors].map(([name, vector]) => [`vector/${name}`, vector] as const),
  ]);
  const run = async (absorbZeros: boolean) => {
    const plan = await hessianPlan(model, specialised, feeds, request, absorbZeros);
    return { plan, results: await model.executor.run(plan.graph, feeds, plan.wanted, request) };
  };
  let ran = await run(false);
  if (notFinite(ran.plan.gradients.values(), ran.results)) ran = await run(true);
  const { plan, results } = ran;
  const wrong = notFinite(plan.gradients.values(), results);
  if (wrong) throw await errorOf(model, plan, feeds, wrong);
  return {
    gradients: new Map(
      [...plan.gradients].map(([name, gradient]) => [
        name,
        gradient
          ? (results.get(gradient) as Tensor<'float32'>)
          : tensor('float32', (vectors.get(name) as Tensor).shape),
      ]),
    ),
    disconnected: [...plan.gradients].flatMap(([name, gradient]) => (gradient ? [] : [name])),
    outputs: new Map([...seeds.keys()].map((name) => [name, results.get(name) as Tensor])),
    notes: plan.notes,
  };
}

async function hessianPlan(
  model: Model,
  specialised: Specialised,
  feeds: Tensors,
  { seeds, vectors, overrides }: HessianRequest,
  absorbZeros: boolean,
): Promise<Plan> {
  const wrt = [...vectors.keys()];
  const seeded = withSeeds(specialised, seeds);
  const first = differentiate(seeded.graph, seeded.facts, { seeds: seeded.names, wrt, overrides, absorbZeros });
  const builder = new GraphBuilder({ ...first.graph, outputs: [] }, { prefix: 'hessian/' });
  const products: string[] = [];
  for (const [name, vector] of vectors) {
    checkShape(name, vector, specialised);
    const input = builder.input(`vector/${name}`, 'float32', vector.shape);
    const gradient = first.gradients.get(name);
    if (gradient) products.push(builder.op('ReduceSum', [builder.op('Mul', [gradient, input])], { keepdims: 0 }));
  }
  if (products.length === 0)
    throw new WhereforeError('invalid-argument', 'none of the values influences the output', { got: wrt.join(', ') });
  const product = products.length === 1 ? products[0] : builder.op('Sum', products);
  const one = builder.scalar(1);
  builder.output(product, 'float32', []);
  // The backward pass has values of its own: their shapes come from a second probe.
  const again = await model.executor.specialise(builder.build(), feeds);
  const second = differentiate(again.graph, again.facts, {
    seeds: new Map([[product, one]]),
    wrt,
    overrides,
    absorbZeros,
    noteCuts: false,
  });
  const last = new GraphBuilder({ ...second.graph, outputs: [] });
  const wanted = [...seeds.keys(), ...[...second.gradients.values()].filter((name) => name !== undefined)];
  for (const name of wanted) last.output(name, again.facts.types.get(name) ?? 'float32');
  return {
    graph: last.build(),
    facts: again.facts,
    gradients: second.gradients,
    notes: [...(specialised.notes ?? []), ...first.notes, ...second.notes],
    wanted,
    seeds: [one],
    origins: second.origins,
  };
}

/** A seed of zeros but for one element: the gradient of that element. */
export function oneHotSeed(shape: readonly number[], index: readonly number[]): Tensor<'float32'> {
  if (index.length !== shape.length || index.some((at, axis) => !Number.isInteger(at) || at < 0 || at >= shape[axis])) {
    throw new WhereforeError('out-of-range', 'an element of the output', {
      got: `[${index.join(',')}]`,
      expected: `an index into ${formatShape(shape)}`,
    });
  }
  const values = new Float32Array(sizeOf(shape));
  values[index.reduce((flat, at, axis) => flat * shape[axis] + at, 0)] = 1;
  return float32(shape, values);
}

function withSeeds(
  { graph, facts }: Specialised,
  seeds: Tensors,
): { graph: Graph; facts: Specialised['facts']; names: Map<string, string> } {
  const builder = new GraphBuilder(graph);
  const shapes = new Map(facts.shapes);
  const types = new Map(facts.types);
  const names = new Map<string, string>();
  for (const [output, seed] of seeds) {
    checkShape(output, seed, { graph, facts });
    const name = builder.input(seedName(output), seed.type, seed.shape);
    shapes.set(name, seed.shape);
    types.set(name, seed.type);
    names.set(output, name);
  }
  return { graph: builder.build(), facts: { ...facts, shapes, types }, names };
}

function checkShape(name: string, given: Tensor, { facts }: Specialised): void {
  const shape = facts.shapes.get(name);
  if (!shape)
    throw new WhereforeError('unknown-name', `there is no value named "${name}" in the graph`, {
      fix: 'list the names with: wherefore inspect',
    });
  if (!sameShape(shape, given.shape)) {
    throw new WhereforeError('wrong-shape', `what flows into "${name}" has another shape than it`, {
      got: formatShape(given.shape),
      expected: formatShape(shape),
    });
  }
}

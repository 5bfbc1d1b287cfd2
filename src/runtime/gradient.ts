import type { GradientNote } from '../autodiff/context.ts';
import { buildHessianProgram } from '../autodiff/curvature-program.ts';
import type { RuleOverrides } from '../autodiff/differentiate.ts';
import { buildGradientProgram, type GradientProgram } from '../autodiff/gradient-program.ts';
import { loadRules } from '../autodiff/rules/index.ts';
import { unknownValue } from '../autodiff/seeds.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, operatorKey } from '../onnx/graph.ts';
import { namedMemo } from '../tensor/memo.ts';
import { float32, formatShape, sameShape, sizeOf, type Tensor, tensor } from '../tensor/tensor.ts';
import type { ExecutorRunOptions, Specialised } from './executor.ts';
import { floatInputs } from './float-inputs.ts';
import { checkModel, type Model } from './model.ts';
import { firstNotFinite, nonFiniteError } from './non-finite.ts';
import type { Tensors } from './runtime.ts';

export interface GradientsRequest extends ExecutorRunOptions {
  readonly inputs: Tensors;
  /** Gradient that flows into each output: the scalar that is differentiated is `Σ_o ⟨seed_o, o⟩`. */
  readonly seeds: Tensors;
  /** Inputs, inner values or weights. */
  readonly wrt: readonly string[];
  readonly overrides?: RuleOverrides;
  /** Whether shapes are followed instead of run for; see `SpecialiseOptions`. Default false. */
  readonly frugal?: boolean;
  /** The model's graph for the shapes of the inputs, where it is known; default: it is asked for. */
  readonly specialised?: Specialised;
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
 * Gradients of a weighted sum of outputs: `∂/∂w Σ_o ⟨seed_o, o⟩`, forward and backward pass in one run. An input of whole
 * numbers that the model does nothing with but move and turn into floats is taken as real numbers, and a note says so.
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
  checkModel(model);
  const floats = floatInputs(model, request.wrt);
  if (floats) {
    const found = await gradientsOf(floats.model, { ...request, inputs: floats.floats(request.inputs) });
    const notes = [...floats.notes].map(
      ([node, text]) => ({ code: 'whole-numbers', node, operator: 'input', text }) as const,
    );
    return { ...found, notes: [...notes, ...found.notes] };
  }
  const { inputs, seeds, wrt, overrides, frugal } = request;
  const asked = () => model.executor.specialise(model.graph, inputs, { followData: true, frugal });
  const specialised = request.specialised ?? (await asked());
  if (request.specialised) await loadRules(specialised.graph.nodes.map(operatorKey));
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

interface Plan extends GradientProgram {
  readonly wanted: readonly string[];
}

type PlanRequest = Pick<GradientsRequest, 'wrt' | 'overrides'> & { readonly absorbZeros: boolean };

/** Sessions are kept by graph: the same question must give the same graph, or every call would open a session. */
const plans = namedMemo<Graph, Plan>();

function planOf(specialised: Specialised, seeds: Tensors, request: PlanRequest): Plan {
  // Rules are functions, which have no key.
  if (request.overrides) return makePlan(specialised, seeds, request);
  const key = JSON.stringify([[...seeds].map(([name, { type, shape }]) => [name, type, shape]), request]);
  return plans(specialised.graph, key, () => makePlan(specialised, seeds, request));
}

function makePlan(specialised: Specialised, seeds: Tensors, { wrt, overrides, absorbZeros }: PlanRequest): Plan {
  const program = buildGradientProgram(specialised.graph, specialised.facts, {
    seeds: seedInputs(seeds, specialised),
    wrt,
    rules: overrides,
    absorbZeros,
  });
  const { graph, gradients, facts } = program;
  const fetched = new Map([...gradients].map(([name, gradient]) => [name, gradient && beforeReshape(graph, gradient)]));
  const wanted = [...new Set([...seeds.keys(), ...[...fetched.values()].filter((name) => name !== undefined)])];
  return {
    ...program,
    graph: withOutputs(program, wanted),
    facts,
    gradients: fetched,
    notes: [...(specialised.notes ?? []), ...program.notes],
    wanted,
  };
}

/** The graph of a program with other outputs. */
function withOutputs({ graph, facts }: Pick<Plan, 'graph' | 'facts'>, names: readonly string[]): Graph {
  const builder = new GraphBuilder({ ...graph, outputs: [] });
  for (const name of names) builder.output(name, facts.types.get(name) ?? 'float32');
  return builder.build();
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
  for (const [name, vector] of vectors) checkShape(name, vector, specialised);
  const program = await buildHessianProgram(
    specialised,
    {
      seeds: seedInputs(seeds, specialised),
      vectors: new Map([...vectors.keys()].map((name) => [name, `vector/${name}`])),
      rules: overrides,
      absorbZeros,
    },
    (graph) => model.executor.specialise(graph, feeds),
  );
  if (program.seeds.length === 0) {
    const got = [...vectors.keys()].join(', ');
    throw new WhereforeError('invalid-argument', 'none of the values influences the output', { got });
  }
  const wanted = [...seeds.keys(), ...[...program.products.values()].filter((name) => name !== undefined)];
  return {
    ...program,
    graph: withOutputs(program, wanted),
    gradients: program.products,
    notes: [...(specialised.notes ?? []), ...program.notes],
    wanted,
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

function seedInputs(seeds: Tensors, specialised: Specialised): Map<string, string> {
  for (const [output, seed] of seeds) checkShape(output, seed, specialised);
  return new Map([...seeds.keys()].map((output) => [output, seedName(output)]));
}

function checkShape(name: string, given: Tensor, { facts }: Specialised): void {
  const shape = facts.shapes.get(name);
  if (!shape) throw unknownValue(name);
  if (!sameShape(shape, given.shape)) {
    throw new WhereforeError('wrong-shape', `what flows into "${name}" has another shape than it`, {
      got: formatShape(given.shape),
      expected: formatShape(shape),
    });
  }
}

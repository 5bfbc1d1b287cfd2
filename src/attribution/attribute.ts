import { z } from 'zod';
import type { GradientNote } from '../autodiff/context.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';
import { type Baseline, describeBaseline, type InputLayout, resolveBaseline } from './baseline.ts';
import { checkLayer, completingValues, isCut, type Layer } from './layer.ts';
import { type MethodName, methodTable } from './methods/index.ts';
import type { MethodContext, MethodResult } from './methods/method.ts';
import { type Passes, type Prepared, pointOf, prepare, type WorkOptions } from './prepare.ts';
import { describeTarget, type Target } from './target.ts';

export interface AttributionRequest extends WorkOptions {
  /** The input, a batch of one, by input name. */
  readonly inputs: Tensors;
  readonly target: Target;
  /** What "absent" means for the explained inputs; required by every method that compares with it. */
  readonly baseline?: Baseline;
  /** Names of the inputs that the baseline replaces; default: all of a float type, or of int64 for a token baseline. */
  readonly explained?: readonly string[];
  /** Values of the graph to attribute to; default: the explained inputs. */
  readonly layer?: Layer;
  readonly method: MethodName;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly layout?: InputLayout;
  /** Class names, for the target's description. */
  readonly labels?: readonly string[];
}

/** An attribution of a target to a layer, with what it takes to judge it. */
export interface Attribution {
  /** One signed number for each element of each value of the layer. */
  readonly values: ReadonlyMap<string, Tensor<'float32'>>;
  readonly layer: readonly string[];
  /** Whether the layer separates the explained inputs from the target; only then can attributions add up. */
  readonly isCut: boolean;
  /** The fewest values to add to the layer so that it does. */
  readonly completing: readonly string[];
  readonly target: Target;
  readonly targetDescription: string;
  readonly baseline: Baseline | undefined;
  readonly baselineDescription: string | undefined;
  /** All inputs at the baseline. */
  readonly baselineInputs: Tensors | undefined;
  readonly method: MethodName;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly chosen: Readonly<Record<string, number | string>>;
  /** `f(x)` and `f(x0)`. */
  readonly value: number;
  readonly baselineValue: number | undefined;
  /** The attribution target `T = f(x) − f(x0)`. */
  readonly attributionTarget: number | undefined;
  /** `ΣA`, added up in float64. */
  readonly sum: number;
  /** The attribution error `E = |ΣA − T|`. */
  readonly error: number | undefined;
  /** `E / max(|T|, ε)`. */
  readonly relativeError: number | undefined;
  readonly converged: boolean | undefined;
  readonly implicitBaseline: string | undefined;
  readonly notes: readonly string[];
  readonly gradientNotes: readonly GradientNote[];
  readonly cost: Passes & { readonly seconds: number };
}

/** Attribution targets smaller than this are noise of float32 arithmetic; relative errors are taken against it. */
const smallestTarget = 1e-6;

/**
 * Attributes a target to a layer: runs one method for one input.
 *
 * @throws WhereforeError `invalid-argument` for a missing baseline or wrong parameters, `unknown-name` for a layer or
 *   output that does not exist, `wrong-shape`, `not-finite`, `not-differentiable`, `unsupported-operator`, `cancelled`
 */
export async function attribute(model: Model, request: AttributionRequest): Promise<Attribution> {
  const started = performance.now();
  const method = methodTable[request.method];
  if (!method) {
    throw new WhereforeError('invalid-argument', `there is no method "${request.method}"`, { expected: Object.keys(methodTable).join(', ') });
  }
  const parameters = parseParameters(request.method, method.parameters, request.parameters ?? {});
  const explained = request.explained ?? explainedInputs(model, request.baseline);
  const layer = request.layer ?? { names: explained };
  checkLayer(model.graph, layer);
  if (method.baseline === 'required' && !request.baseline) {
    throw new WhereforeError('invalid-argument', `${method.title} needs a baseline`, { fix: 'state one, e.g. --baseline zero' });
  }
  if (method.layers === 'input' && !layer.names.every((name) => explained.includes(name))) {
    throw new WhereforeError('invalid-argument', `${method.title} explains the input only`, { got: layer.names.join(' + ') });
  }
  if (method.needs === 'gradient') checkFloatLayer(model, layer);

  const prepared = await prepare(model, request.inputs, request.target, request);
  const context = await methodContext(prepared, request, explained, layer);
  const result = await method.run(context, parameters);
  return describe(prepared, request, context, parameters, result, (performance.now() - started) / 1000);
}

async function methodContext(
  prepared: Prepared,
  request: AttributionRequest,
  explained: readonly string[],
  layer: Layer,
): Promise<MethodContext> {
  const { inputs, baseline, layout = {} } = request;
  const inner = layer.names.filter((name) => !inputs.has(name));
  const cut = isCut(prepared.target.graph, layer, explained, prepared.target.value);
  const featuresAt = async (at: Tensors) => {
    const { target, values } = await prepared.evaluate(pointOf(at), inner);
    return { value: target[0], features: new Map(layer.names.map((name) => [name, (values.get(name) ?? at.get(name)) as Tensor])) };
  };
  const at = await featuresAt(inputs);
  if (!baseline) {
    const none = { baselineFeatures: undefined, baselineInputs: undefined, baselineValue: undefined };
    return { ...none, prepared, layer: layer.names, isCut: cut, features: at.features, inputs, value: at.value, layout };
  }
  const baselineInputs = new Map(inputs);
  for (const name of explained) baselineInputs.set(name, resolveBaseline(inputs.get(name) as Tensor, baseline, layout));
  const absent = await featuresAt(baselineInputs);
  return {
    prepared,
    layer: layer.names,
    isCut: cut,
    features: at.features,
    baselineFeatures: absent.features,
    inputs,
    baselineInputs,
    value: at.value,
    baselineValue: absent.value,
    layout,
  };
}

function describe(
  prepared: Prepared,
  request: AttributionRequest,
  context: MethodContext,
  parameters: Readonly<Record<string, unknown>>,
  result: MethodResult,
  seconds: number,
): Attribution {
  const { model } = prepared;
  const method = methodTable[request.method];
  const { value, baselineValue } = context;
  const attributionTarget = baselineValue === undefined ? undefined : value - baselineValue;
  const error = attributionTarget === undefined ? undefined : Math.abs(result.sum - attributionTarget);
  const explained = request.explained ?? explainedInputs(model, request.baseline);
  const layer = { names: context.layer };
  const cut = context.isCut;
  const completing = cut ? [] : completingValues(prepared.target.graph, layer, explained, prepared.target.value);
  const notes = [...prepared.target.notes, ...model.notes.filter((note) => note.code === 'precision-changed').map((note) => note.text)];
  if (!cut) {
    notes.push(
      `the layer is bypassed: attributions there need not add up to the target${completing.length ? `; together with ${completing.map((name) => `"${name}"`).join(' + ')} they would` : ''}`,
    );
  }
  if (attributionTarget !== undefined && Math.abs(attributionTarget) < smallestTarget) {
    notes.push('the output at the input and at the baseline are the same: there is no difference to explain');
  }
  return {
    values: result.values,
    layer: context.layer,
    isCut: cut,
    completing,
    target: request.target,
    targetDescription: describeTarget(request.target, request.labels),
    baseline: request.baseline,
    baselineDescription: request.baseline && describeBaseline(request.baseline),
    baselineInputs: context.baselineInputs,
    method: request.method,
    parameters,
    chosen: result.chosen ?? {},
    value,
    baselineValue,
    attributionTarget,
    sum: result.sum,
    error,
    relativeError: error === undefined || attributionTarget === undefined ? undefined : error / Math.max(Math.abs(attributionTarget), smallestTarget),
    converged: result.converged,
    implicitBaseline: method.implicitBaseline,
    notes,
    gradientNotes: result.gradientNotes ?? [],
    cost: { ...prepared.passes, seconds },
  };
}

function parseParameters(name: string, schema: z.ZodType<Record<string, unknown>>, given: Readonly<Record<string, unknown>>) {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new WhereforeError('invalid-argument', `parameters of ${name}`, { got: JSON.stringify(given), expected: z.prettifyError(parsed.error) });
}

/** Inputs that a baseline replaces where the caller names none. */
export function explainedInputs(model: Model, baseline: Baseline | undefined): string[] {
  const wanted = baseline?.kind === 'tokens' || (baseline?.kind === 'input' && baseline.tensor.type === 'int64') ? 'int64' : 'float32';
  const names = model.graph.inputs.filter(({ name }) => model.types.get(name) === wanted).map(({ name }) => name);
  // A language model's mask and positions are int64 as well; its tokens come first.
  const chosen = wanted === 'int64' ? names.slice(0, 1) : names;
  if (chosen.length === 0) {
    throw new WhereforeError('invalid-argument', `the model has no ${wanted} input to explain`, {
      got: model.graph.inputs.map(({ name }) => `"${name}" ${model.types.get(name)}`).join(', '),
      fix: wanted === 'float32' ? 'use a token baseline (--baseline tokens:ID) and a layer of floats such as the embedding' : undefined,
    });
  }
  return chosen;
}

function checkFloatLayer(model: Model, layer: Layer): void {
  for (const name of layer.names) {
    const type = model.types.get(name);
    if (type === 'float32') continue;
    throw new WhereforeError('wrong-type', `layer "${name}" has no gradient`, {
      got: `${type} elements${model.graph.inputs.find((input) => input.name === name)?.shape ? ` of shape ${formatShape((model.graph.inputs.find((input) => input.name === name)?.shape ?? []).map((size) => size ?? '?'))}` : ''}`,
      expected: 'float32',
      fix: type === 'int64' ? 'choose the layer behind the embedding lookup' : undefined,
    });
  }
}

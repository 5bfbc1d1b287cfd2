import type { GradientNote } from '../autodiff/context.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { floatInputs } from '../runtime/float-inputs.ts';
import { checkModel, type Model } from '../runtime/model.ts';
import { firstNotFinite } from '../runtime/non-finite.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { checkTensors } from '../tensor/check-tensor.ts';
import { lookup } from '../tensor/lookup.ts';
import { concatRows, formatShape, type Tensor } from '../tensor/tensor.ts';
import { averageOf } from './average.ts';
import { type Baseline, describeBaseline, type InputLayout } from './baseline.ts';
import { completing } from './branches.ts';
import { type Extent, methodContext, workloadOf } from './context.ts';
import { baselineInputs, explainedInputs } from './explained.ts';
import type { Groups } from './groups.ts';
import { checkLayer, type Layer, shadowed, unused } from './layer.ts';
import { type MethodName, methods as methodTable } from './methods/index.ts';
import type {
  ImplicitBaseline,
  LoadExplainer,
  Meaning,
  Method,
  MethodContext,
  MethodResult,
} from './methods/method.ts';
import { errorOfWrong } from './non-finite.ts';
import { checkParameters } from './parameters.ts';
import { batchingCheck, prepare } from './prepare.ts';
import type { Passes, Prepared, WorkOptions } from './prepared.ts';
import { checkBaseline, type StatedBaseline } from './stated-baseline.ts';
import type { Target } from './targets/kinds/index.ts';
import { describeTarget } from './targets/target.ts';
import { checkTokens } from './tokens.ts';

/** What is to be attributed to what, and how. */
export interface AttributionRequest extends WorkOptions {
  /** The input, a batch of one, by input name. */
  readonly inputs: Tensors;
  /** What is explained; classes, boxes and tokens stay those named here, at the baseline and on the way to it. */
  readonly target: Target;
  /** What "absent" means for the explained inputs; required by every method that compares with it. */
  readonly baseline?: StatedBaseline;
  /**
   * Names of the inputs that the baseline replaces; default: those that the baseline names, else all of a float type
   * (where there is none, of whole numbers), or the first of ids for a token baseline.
   */
  readonly explained?: readonly string[];
  /** Values of the graph to attribute to; default: the explained inputs. */
  readonly layer?: Layer;
  /** Name of a method in `methods`. */
  readonly method: MethodName | (string & {});
  /** Methods by name; default: those of this folder. */
  readonly methods?: Readonly<Record<string, Method>>;
  /** Opens the learned explainer that `lax` names; without it that method cannot run. */
  readonly loadExplainer?: LoadExplainer;
  /** Parameters of the method; default: the method's own. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Elements that the methods which perturb hide together; default: see `partition` in groups.ts. */
  readonly groups?: Groups;
  /** Which axes of the explained inputs are channels and space; default: not known. */
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
  /** All inputs at the baseline; of a sample, one row each. */
  readonly baselineInputs: Tensors | undefined;
  readonly method: string;
  /** What its values are: only shares have an error. */
  readonly meaning: Meaning;
  /** All parameters of the method, the defaults among them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What the method chose itself, such as the steps that it took. */
  readonly chosen: Readonly<Record<string, number | string>>;
  /** `f(x)` and `f(x0)`; the mean of a sample. */
  readonly value: number;
  readonly baselineValue: number | undefined;
  /** The attribution target `T = f(x) − f(x0)`. */
  readonly attributionTarget: number | undefined;
  /** `ΣA`, added up in float64. */
  readonly sum: number;
  /** The attribution error `E = |ΣA − T|`; undefined for methods whose values promise no sum. */
  readonly error: number | undefined;
  /** `E / max(|T|, ε)`. */
  readonly relativeError: number | undefined;
  /** Whether the method's own stopping rule was met; undefined for a method without one. */
  readonly converged: boolean | undefined;
  /** What the method compares with, where that is not the stated baseline. */
  readonly implicitBaseline: ImplicitBaseline | undefined;
  /** What the method explains with respect to its implicit baseline, where that is not T: `f(x) − g(0)` at the layer, or `f(x)`. */
  readonly implicitTarget: number | undefined;
  /** `|ΣA − implicit target|`. */
  readonly implicitError: number | undefined;
  /** Standard error of each value, where the method samples: how far another seed would move it. */
  readonly standardErrors: ReadonlyMap<string, Tensor<'float32'>> | undefined;
  /** The largest standard error relative to the largest value; of groups, where they are hidden together. */
  readonly relativeStandardError: number | undefined;
  /** What a reader has to know: what was chosen or changed, and what the numbers do not say. */
  readonly notes: readonly string[];
  /** Where the gradient is an estimate, or ends. */
  readonly gradientNotes: readonly GradientNote[];
  /** The most passes that the run was expected to take, before it began. */
  readonly estimate: Passes;
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
  checkModel(model);
  const started = performance.now();
  const checked = checkRequest(model, request);
  const { method, parameters, explained, layer, baseline, points } = checked;
  const { prepared, at, notes } = await preparedFor(model, request, checked);
  const context = await methodContext(prepared, at, { method, explained, layer, parameters });
  await checkFiniteTargets(prepared, context);
  const estimate = costOf(method, parameters, context);
  const implicitTarget = await implicitTargetOf(method, context);
  const result = await runMethod(method, parameters, context);
  await checkFiniteValues(prepared, result, method);
  return describe(prepared, request, {
    context,
    explained,
    baseline,
    points,
    parameters,
    result,
    estimate,
    implicitTarget,
    started,
    notes,
  });
}

/**
 * The most passes that an attribution will take, without running its method: what it costs to look at the input and at
 * the baseline is spent to know the layer's size.
 * @throws WhereforeError as {@link attribute}
 */
export async function estimateCost(model: Model, request: AttributionRequest): Promise<Passes> {
  const checked = checkRequest(model, request);
  const { method, parameters, explained, layer } = checked;
  const { prepared, at } = await preparedFor(model, request, checked);
  return costOf(method, parameters, await methodContext(prepared, at, { method, explained, layer }));
}

/** The model and what it is asked at; where gradients at whole numbers are wanted, with these as floats. */
async function preparedFor(model: Model, request: AttributionRequest, { method, layer, points }: Checked) {
  const floats = method.needs === 'outputs' ? undefined : floatInputs(model, layer.names);
  const inputs = floats ? floats.floats(request.inputs) : request.inputs;
  const prepared = await prepare(floats?.model ?? model, inputs, request.target, request, layer.names);
  const { target, groups, layout, loadExplainer } = request;
  return {
    prepared,
    notes: [...(floats?.notes ?? [])].map(([name, text]) => `input "${name}": ${text}`),
    at: { inputs, target, groups, layout, loadExplainer, points: floats ? points.map(floats.floats) : points },
  };
}

type Checked = ReturnType<typeof checkRequest>;

function checkRequest(model: Model, request: AttributionRequest) {
  const table = request.methods ?? methodTable;
  const method = lookup(table, request.method);
  if (!method) {
    throw unknownName('there is no method', String(request.method), Object.keys(table), { code: 'invalid-argument' });
  }
  const parameters = checkParameters(request.method, method.parameters, request.parameters ?? {});
  checkTensors(request.inputs, 'the inputs');
  const baseline = request.baseline && checkBaseline(request.baseline);
  const explained = request.explained ?? explainedInputs(model, baseline);
  const layer = request.layer ?? { names: explained };
  checkLayer(model.graph, layer);
  checkTokens(model.graph, request.inputs, 'the input');
  if (method.baseline === 'required' && !request.baseline) {
    throw new WhereforeError('invalid-argument', `${method.title} needs a baseline`, {
      fix: 'state one, e.g. --baseline zero',
    });
  }
  if (method.layers === 'input' && !layer.names.every((name) => explained.includes(name))) {
    throw new WhereforeError('invalid-argument', `${method.title} explains the input only`, {
      got: layer.names.join(' + '),
    });
  }
  if (method.needs !== 'outputs' && !floatInputs(model, layer.names)) checkFloatLayer(model, layer);
  const points = baseline ? baselineInputs(model, request.inputs, explained, baseline, request.layout) : [];
  return { method, parameters, explained, layer, baseline, points };
}

/** @throws WhereforeError `not-finite` where the target is infinite or not a number at the input or at a baseline */
async function checkFiniteTargets({ model, wrong }: Prepared, { value, references }: MethodContext): Promise<void> {
  if (!Number.isFinite(value)) throw await errorOfWrong(model.executor, wrong.target, 'the target at the input');
  if (references.some((reference) => !Number.isFinite(reference.value)))
    throw await errorOfWrong(model.executor, wrong.target, 'the target at the baseline');
}

/** @throws WhereforeError `not-finite` where an attribution is infinite or not a number */
async function checkFiniteValues({ model, wrong }: Prepared, { values }: MethodResult, method: Method): Promise<void> {
  for (const [name, { data }] of values) {
    if (firstNotFinite(data) < 0) continue;
    const run = wrong.gradient ?? wrong.target;
    const what = run && (wrong.gradient ? 'a gradient of the target' : 'the target');
    throw await errorOfWrong(model.executor, run, `${method.title} at "${name}": ${what ?? 'an attribution'}`);
  }
}

/** Runs that a sample of baselines needs: one, or one for each where the method compares with a single one. */
function runsOf(method: Method, { references }: Extent): number {
  return method.baseline === 'required' && !method.takesSamples ? references.length : 1;
}

async function runMethod(
  method: Method,
  parameters: Readonly<Record<string, unknown>>,
  context: MethodContext,
): Promise<MethodResult> {
  const runs = runsOf(method, context);
  if (runs === 1) return method.run(context, parameters);
  const result = await averageOf(runs, (k) =>
    method.run({ ...context, references: [context.references[k]] }, parameters),
  );
  if (result.converged === undefined || typeof parameters.tolerance !== 'number') return result;
  // What is reported is the mean: where f(x) hardly differs from f at one sample, that one's own relative error says
  // nothing of it. How many met the tolerance alone is among what was chosen.
  const difference = context.value - context.references.reduce((sum, { value }) => sum + value, 0) / runs;
  const error = Math.abs(result.sum - difference) / Math.max(Math.abs(difference), smallestTarget);
  return { ...result, converged: error <= parameters.tolerance };
}

/**
 * The most passes that a method takes: its own, those at the input, at every baseline and at the zero feature, and the
 * tests whether points may share a run, which a later run with the same model and target is spared.
 */
export function costOf(method: Method, parameters: Readonly<Record<string, unknown>>, extent: Extent): Passes {
  const runs = runsOf(method, extent);
  const samples = extent.references.length;
  const { forward, backward } = method.cost(parameters, workloadOf(extent, runs));
  const around = 1 + samples + (method.implicitTarget === 'zero-feature' ? 1 : 0);
  if (method.gradientAtInput) return { forward: forward + around + (extent.sharesRun ? 0 : 1), backward };
  // At the layer and at the input; a sample alone is looked at together.
  const checks = forward * runs > 1 ? 2 : samples > 1 ? 1 : 0;
  return { forward: forward * runs + around + checks * batchingCheck, backward: backward * runs };
}

async function implicitTargetOf(
  { implicitTarget }: Method,
  { prepared, features, value }: MethodContext,
): Promise<number | undefined> {
  if (implicitTarget !== 'zero-feature') return implicitTarget === 'output' ? value : undefined;
  return value - (await prepared.atZero(features));
}

interface Ran {
  /** All inputs at every baseline, in the model's own types. */
  readonly points: readonly Tensors[];
  readonly baseline: Baseline | undefined;
  readonly context: MethodContext;
  readonly explained: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly result: MethodResult;
  readonly estimate: Passes;
  readonly implicitTarget: number | undefined;
  readonly started: number;
  /** What was done to the inputs. */
  readonly notes: readonly string[];
}

function describe(prepared: Prepared, request: AttributionRequest, ran: Ran): Attribution {
  const { context, explained, baseline, result, implicitTarget } = ran;
  const { value, references, isCut } = context;
  const baselineValue = references.length
    ? references.reduce((sum, at) => sum + at.value, 0) / references.length
    : undefined;
  const attributionTarget = baselineValue === undefined ? undefined : value - baselineValue;
  const { meaning, implicitBaseline } = (request.methods ?? methodTable)[request.method];
  const error =
    attributionTarget === undefined || meaning.kind !== 'share' ? undefined : Math.abs(result.sum - attributionTarget);
  const { model, target } = prepared;
  const others = isCut ? [] : completing(model.graph, target.facts, { names: context.layer }, explained, target);
  return {
    values: result.values,
    layer: context.layer,
    isCut,
    completing: others,
    target: request.target,
    targetDescription: describeTarget(request.target, request.labels),
    baseline,
    baselineDescription: baseline && describeBaseline(baseline),
    baselineInputs: together(ran.points),
    method: request.method,
    meaning,
    parameters: ran.parameters,
    chosen: result.chosen ?? {},
    value,
    baselineValue,
    attributionTarget,
    sum: result.sum,
    error,
    relativeError:
      error === undefined || attributionTarget === undefined
        ? undefined
        : error / Math.max(Math.abs(attributionTarget), smallestTarget),
    converged: result.converged,
    implicitBaseline,
    implicitTarget,
    implicitError: implicitTarget === undefined ? undefined : Math.abs(result.sum - implicitTarget),
    standardErrors: result.standardErrors,
    relativeStandardError: result.relativeStandardError,
    notes: [...ran.notes, ...notesOf(prepared, context, others, attributionTarget), ...(result.notes ?? [])],
    gradientNotes: [...randomNotes(prepared.model), ...(result.gradientNotes ?? [])],
    estimate: ran.estimate,
    cost: { ...prepared.passes, seconds: (performance.now() - ran.started) / 1000 },
  };
}

/** What is true of every method: numbers that a model draws differ from run to run. */
function randomNotes({ notes }: Model): GradientNote[] {
  return notes.flatMap((note) => (note.code === 'random' ? [{ ...note, code: note.code }] : []));
}

function together(points: readonly Tensors[]): Tensors | undefined {
  if (points.length <= 1) return points[0];
  const names = [...points[0].keys()];
  return new Map(names.map((name) => [name, concatRows(points.map((inputs) => inputs.get(name) as Tensor))]));
}

/** What lowering did to a model that its explanations repeat. */
const toldOfModels: ReadonlySet<string> = new Set(['precision-changed', 'batch-opened']);

function notesOf(
  { model, target }: Prepared,
  { isCut, layer }: MethodContext,
  others: readonly string[],
  attributionTarget: number | undefined,
): string[] {
  const notes = [...target.notes, ...model.notes.filter(({ code }) => toldOfModels.has(code)).map(({ text }) => text)];
  if (!isCut) {
    notes.push(
      `the layer is bypassed: attributions there need not add up to the target${others.length ? `; together with ${others.map((name) => `"${name}"`).join(' + ')} they would` : ''}`,
    );
  }
  const hidden = shadowed(target.graph, { names: layer }, target.value);
  if (hidden.length) {
    notes.push(
      `${hidden.map((name) => `"${name}"`).join(' and ')} reaches the target only through other values of the layer, which stand beside it: nothing is left for it to explain`,
    );
  }
  for (const name of unused(target.graph, { names: layer }, target.value))
    notes.push(`"${name}" does not reach the target: its share is 0`);
  if (attributionTarget !== undefined && Math.abs(attributionTarget) < smallestTarget) {
    notes.push(
      'the output at the input and at the baseline are the same: there is no difference to explain. Either nothing that was changed counts, or the model is saturated: is the input scaled as in training?',
    );
  }
  return notes;
}

function checkFloatLayer(model: Model, layer: Layer): void {
  for (const name of layer.names) {
    const type = model.types.get(name);
    if (type === 'float32') continue;
    const shape = model.graph.inputs.find((input) => input.name === name)?.shape;
    throw new WhereforeError('wrong-type', `layer "${name}" has no gradient`, {
      got: `${type} elements${shape ? ` of shape ${formatShape(shape)}` : ''}`,
      expected: 'float32',
      fix: type === 'int64' ? 'choose the layer behind the embedding lookup' : undefined,
    });
  }
}

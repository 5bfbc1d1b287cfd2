import type { Baseline } from '../attribution/baseline.ts';
import { baselineInputs, explainedInputs } from '../attribution/explained.ts';
import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import { checkBaseline } from '../attribution/stated-baseline.ts';
import { isClassTarget, type Target } from '../attribution/targets/kinds/index.ts';
import { checkTarget } from '../attribution/targets/stated-target.ts';
import { type CompiledTarget, compileTarget, targetOutput } from '../attribution/targets/target.ts';
import { hasBatchAxis } from '../attribution/targets/target-source.ts';
import { checkTokens } from '../attribution/tokens.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Tokenizer } from '../data/inputs/tokenizer.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import type { Specialised } from '../runtime/executor.ts';
import { holdsMissing } from '../runtime/missing-values.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { classReading, completedTarget } from './class-reading.ts';
import { defaultBaseline } from './default-baseline.ts';
import { type ChosenLayer, layersFor, mismatch } from './fitting-layers.ts';
import { gradientObstacle } from './inspect.ts';
import { type Prediction, predict } from './prediction.ts';
import type { Question } from './request.ts';

/** What the classes of an output and the tokens of a vocabulary are called. */
export interface Names {
  readonly classes: readonly string[] | undefined;
  readonly tokens: readonly string[] | undefined;
}

/** What questions are asked of: a model, how its inputs are made, and what its outputs are called. */
export interface Asking {
  readonly model: LoadedModel;
  readonly preprocessing: Preprocessing;
  readonly tokenizer: Tokenizer | undefined;
  readonly names: Names;
  readonly options: Question & { readonly signal?: AbortSignal };
}

/** An input with what the model said of it, and with what it is to be compared. */
interface InputQuestion {
  readonly input: ModelInput;
  readonly specialised: Specialised;
  readonly prediction: Prediction;
  readonly compared: readonly ComparedWith[];
}

interface ComparedWith {
  readonly baseline: Baseline;
  /** Inputs that the baseline replaces. */
  readonly explained: readonly string[];
  /** All inputs at every baseline. */
  readonly references: readonly Tensors[];
}

interface TargetQuestion extends InputQuestion {
  readonly target: Target;
  readonly output: string;
}

/** Baselines of the same explained inputs, and the methods that are asked about them. */
interface MethodsQuestion extends TargetQuestion {
  readonly explained: readonly string[];
  readonly alike: readonly ComparedWith[];
  readonly missing: readonly string[];
  readonly methods: readonly MethodName[];
}

/** A layer and a method; where they do not fit, why. */
interface LayerOfMethod extends ChosenLayer {
  readonly method: MethodName;
  /** Whether there is no other layer and no other method: what does not fit is then refused, not left out. */
  readonly isOnly: boolean;
  /** The target computed through the layer; undefined where there is a problem. */
  readonly compiled: CompiledTarget | undefined;
}

/** One question of input × target × layer × method × baseline. */
export type PlannedQuestion = MethodsQuestion & LayerOfMethod & ComparedWith;

/**
 * Every question that is asked, as data: input × target × layer × method × baseline, in this order. What makes no sense
 * is among them, with its problem.
 * @throws WhereforeError for inputs, targets and baselines that do not fit the model
 */
export async function* questionsOf(asking: Asking, inputs: readonly ModelInput[]): AsyncGenerator<PlannedQuestion> {
  for (const input of inputs) {
    throwIfCancelled(asking.options.signal);
    yield* questionsOfInput(asking, await inputQuestion(asking, input));
  }
}

function* questionsOfInput(asking: Asking, question: InputQuestion): Generator<PlannedQuestion> {
  for (const targeted of targetsOf(asking, question))
    for (const asked of methodsOf(asking, targeted))
      for (const layer of layersOf(asking, asked)) yield* asked.alike.map((one) => ({ ...asked, ...layer, ...one }));
}

async function inputQuestion(
  { model, preprocessing, names, tokenizer, options }: Asking,
  input: ModelInput,
): Promise<InputQuestion> {
  checkTokens(model.graph, input.tensors, 'the input');
  const specialised = await model.executor.specialise(model.graph, input.tensors);
  const prediction = await predict(model, input.tensors, preprocessing, names.classes, {
    vocabulary: names.tokens,
    words: input.groups,
  });
  const compared = [options.baseline ?? defaultBaseline(model, input, tokenizer)].flat().map((choice): ComparedWith => {
    const baseline = checkBaseline(typeof choice === 'function' ? choice(input) : choice);
    const explained = explainedInputs(model, baseline);
    const references = baselineInputs(model, input.tensors, explained, baseline, input.layout);
    return { baseline, explained, references };
  });
  return { input, specialised, prediction, compared };
}

function* targetsOf(
  { model, preprocessing, names, options }: Asking,
  question: InputQuestion,
): Generator<TargetQuestion> {
  const { input, specialised, prediction } = question;
  for (const choice of [options.target ?? prediction.target].flat()) {
    const stated: Target = typeof choice === 'function' ? choice(input, prediction) : choice;
    const target = completeTarget(specialised, preprocessing, stated, names.classes);
    compileTarget(model.graph, specialised.facts, target);
    yield { ...question, target, output: targetOutput(specialised.graph, specialised.facts, target) };
  }
}

function* methodsOf({ options }: Asking, question: TargetQuestion): Generator<MethodsQuestion> {
  const { input, specialised, output } = question;
  for (const alike of byExplained(question.compared)) {
    const [{ explained }] = alike;
    const missing = explained.filter((name) => holdsMissing(input.tensors.get(name) as Tensor));
    const blocked = missing.length > 0 || gradientObstacle(specialised.graph, explained, output) !== undefined;
    const methods = options.methods ?? [blocked ? perturbation(input) : 'integrated-gradients'];
    yield { ...question, alike, explained, missing, methods };
  }
}

/** Every layer asked for with every method. */
function layersOf({ model, options }: Asking, question: MethodsQuestion): LayerOfMethod[] {
  const { specialised, explained, target, missing, methods } = question;
  const at = { model, specialised, explained, target };
  const both = options.methods === undefined && question.input.image !== undefined;
  const chosen = (options.layers ?? [undefined]).flatMap((text) =>
    methods.flatMap((method) => layersFor(at, text, method, both).map((layer) => ({ ...layer, text, method }))),
  );
  return chosen.map(({ text, ...one }) => {
    const problem =
      one.problem ?? betweenMissing(missing, one.layer, one.method) ?? mismatch(at, one.layer, one.method);
    const compiled = problem ? undefined : compileTarget(model.graph, specialised.facts, target, one.layer);
    return { ...one, problem, compiled, isOnly: chosen.length === 1 && text !== 'all' };
  });
}

/** Baselines in their order, those of the same explained inputs together. */
function byExplained<T extends { readonly explained: readonly string[] }>(compared: readonly T[]): T[][] {
  const found = new Map<string, T[]>();
  for (const one of compared) {
    const key = JSON.stringify(one.explained);
    const same = found.get(key);
    if (same) same.push(one);
    else found.set(key, [one]);
  }
  return [...found.values()];
}

/** Why a method that goes from the baseline to the input cannot: there is nothing between a missing value and a number. */
function betweenMissing(missing: readonly string[], layer: readonly string[], method: MethodName) {
  const [name] = missing.filter((input) => layer.includes(input));
  if (name === undefined || methodTable[method].needs !== 'gradient') return undefined;
  return new WhereforeError('not-differentiable', `${method} needs numbers, and input "${name}" lacks values`, {
    fix: 'use a method that needs outputs only: --method exact-shapley, kernel-shap or occlusion',
  });
}

/** Few enough features for Shapley values. */
const fewFeatures = 64;

/** The method for a model without a gradient: Shapley values where there are few features, else hiding one after another. */
function perturbation({ groups }: ModelInput): MethodName {
  return groups && groups.names.length <= fewFeatures ? 'kernel-shap' : 'occlusion';
}

/** A target with how its output is read: whether one number tells two classes apart, what is said of its numbers. */
function completeTarget(
  { graph, facts }: Specialised,
  preprocessing: Preprocessing,
  target: Target,
  labels: readonly string[] | undefined,
): Target {
  checkTarget(target);
  if (!isClassTarget(target)) return target;
  const output = targetOutput(graph, facts, target);
  const shape = facts.shapes.get(output) ?? [];
  const count = sizeOf(hasBatchAxis(shape) ? shape.slice(1) : shape);
  return completedTarget(target, classReading(graph, preprocessing, output, { count, labels }));
}

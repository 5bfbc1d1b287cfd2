import type { Baseline } from '../attribution/baseline.ts';
import { baselineInputs, explainedInputs } from '../attribution/explained.ts';
import type { Groups } from '../attribution/groups.ts';
import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import { checkParameters } from '../attribution/parameters.ts';
import type { Passes } from '../attribution/prepared.ts';
import { checkBaseline } from '../attribution/stated-baseline.ts';
import { compileTarget, isClassTarget, type Target, targetOutput } from '../attribution/targets/target.ts';
import { checkTarget } from '../attribution/targets/target-schema.ts';
import { hasBatchAxis } from '../attribution/targets/target-source.ts';
import { checkTokens } from '../attribution/tokens.ts';
import { guessNotes } from '../data/guess/guess-notes.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { tensorInput } from '../data/inputs/tensor-input.ts';
import { tokenizerOf } from '../data/inputs/text-input.ts';
import type { Tokenizer } from '../data/inputs/tokenizer.ts';
import { type LoadedModel, labelsOf } from '../data/model/load-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { usedBeside } from '../data/model/used-beside.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import type { Specialised } from '../runtime/executor.ts';
import { holdsMissing } from '../runtime/missing-values.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { checkTensors } from '../tensor/check-tensor.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { classReading, readTarget } from './class-reading.ts';
import { estimateCost } from './cost-estimate.ts';
import { defaultBaseline } from './default-baseline.ts';
import { layersFor, mismatch, namesOf } from './fitting-layers.ts';
import { layerGroups } from './input-groups.ts';
import { gradientObstacle } from './inspect.ts';
import { type Prediction, predict } from './prediction.ts';
import type { Question } from './request.ts';

/** One explanation that is going to be computed: everything about it is settled and checked. */
export interface PlannedExplanation {
  readonly input: ModelInput;
  readonly prediction: Prediction;
  readonly target: Target;
  readonly baseline: Baseline;
  /** Inputs that the baseline replaces. */
  readonly explained: readonly string[];
  readonly layer: readonly string[];
  readonly method: MethodName;
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  /** What is hidden and shown together by methods that perturb; undefined: the default of the layer. */
  readonly groups: Groups | undefined;
  /** The groups that the caller named, whatever the method does with them. */
  readonly givenGroups: Groups | undefined;
  /** Elements of the layer that are in no group of a method that perturbs: they are never hidden. */
  readonly ungrouped: number;
  /** What classes and tokens are called. */
  readonly labels: readonly string[] | undefined;
  /** What was chosen for want of a word by the caller. */
  readonly notes: readonly string[];
  /** Passes through the model: the fewest that the method can do with, and the most that it may take. */
  readonly least: Passes;
  readonly most: Passes;
}

export interface Plan {
  readonly explanations: readonly PlannedExplanation[];
  /** Combinations that were asked for in passing (several methods, several layers) and make no sense, in words. */
  readonly leftOut: readonly string[];
}

/**
 * Settles what is to be computed and checks all of it, for every input, before anything long begins: methods and their
 * parameters, names of layers, inputs, targets, baselines, and which method fits which layer.
 */
export async function plan(
  model: LoadedModel,
  sources: readonly (string | ReadonlyMap<string, Tensor> | ModelInput)[],
  preprocessing: Preprocessing,
  options: Question & { readonly signal?: AbortSignal },
): Promise<Plan> {
  checkMethods(options);
  checkAny({ sources, ...options });
  for (const text of options.layers ?? []) namesOf(model, text);
  const inputs: ModelInput[] = [];
  for (const source of sources) {
    if (typeof source === 'string') {
      for (const input of await readModelInputs(model, source, preprocessing)) inputs.push(input);
    } else if (isModelInput(source)) inputs.push(source);
    else inputs.push(tensorInput(model, source, 'tensors in memory', undefined, preprocessing));
  }
  const tokenizer = await tokenizerOf(model, preprocessing);
  const names: Names = { classes: labelsOf(model, preprocessing), tokens: tokenizer && vocabularyOf(tokenizer) };
  const found = [...usedBeside(model, preprocessing), ...guessNotes(model, preprocessing)];
  const explanations: PlannedExplanation[] = [];
  const leftOut = new Set<string>();
  for (const input of inputs) {
    throwIfCancelled(options.signal);
    checkTokens(model.graph, input.tensors, 'the input');
    const specialised = await model.executor.specialise(model.graph, input.tensors);
    const prediction = await predict(model, input.tensors, preprocessing, names.classes, { vocabulary: names.tokens });
    const baselines = [options.baseline ?? defaultBaseline(model, input, tokenizer)]
      .flat()
      .map((choice) => checkBaseline(typeof choice === 'function' ? choice(input) : choice));
    const givenGroups = typeof options.groups === 'function' ? options.groups(input) : options.groups;
    const compared = baselines.map((baseline) => {
      const explained = explainedInputs(model, baseline);
      return {
        baseline,
        explained,
        references: baselineInputs(model, input.tensors, explained, baseline, input.layout),
      };
    });
    const wanted = options.target ?? prediction.target;
    for (const choice of Array.isArray(wanted) ? wanted : [wanted]) {
      const stated: Target = typeof choice === 'function' ? choice(input, prediction) : choice;
      const target = completeTarget(specialised, preprocessing, stated, names.classes);
      compileTarget(model.graph, specialised.facts, target);
      const output = targetOutput(specialised.graph, specialised.facts, target);
      for (const references of byExplained(compared)) {
        const [{ explained }] = references;
        const left = unexplained(model, explained);
        const missing = explained.filter((name) => holdsMissing(input.tensors.get(name) as Tensor));
        const blocked = missing.length > 0 || gradientObstacle(specialised.graph, explained, output) !== undefined;
        const methods: readonly MethodName[] = options.methods ?? [
          blocked ? perturbation(input) : 'integrated-gradients',
        ];
        const question = { model, specialised, explained, target };
        const both = options.methods === undefined && input.image !== undefined;
        const asked = combinations(options, methods, (text, method) => layersFor(question, text, method, both));
        for (const {
          text,
          method,
          layer,
          notes,
          problem = betweenMissing(missing, layer, method) ?? mismatch(question, layer, method),
        } of asked) {
          if (problem) {
            if (asked.length === 1 && text !== 'all') throw problem;
            leftOut.add(leftOutText(layer, problem));
            continue;
          }
          const parameters = options.parameters?.[method];
          const shapeOf = (name: string) => specialised.facts.shapes.get(name);
          const groups = givenGroups ?? layerGroups(input, { layer, explained, shapeOf });
          const compiled = compileTarget(model.graph, specialised.facts, target, layer);
          for (const { baseline, references: points } of references) {
            const asked = { input, layer, explained, method, groups, references: points, target };
            const cost = estimateCost(specialised, compiled, asked, parameters);
            if (cost instanceof WhereforeError) {
              if (methods.length === 1) throw cost;
              leftOut.add(leftOutText(layer, cost));
              continue;
            }
            explanations.push({
              input,
              prediction,
              target,
              baseline,
              explained,
              layer,
              method,
              parameters,
              groups: methodTable[method].usesGroups ? groups : undefined,
              givenGroups,
              labels: target.kind === 'tokenLogProbability' ? names.tokens : names.classes,
              notes: [...found, ...left, ...notes],
              ...cost,
            });
          }
        }
      }
    }
  }
  const run = new Set<string>([...(options.methods ?? []), ...explanations.map(({ method }) => method)]);
  refuseIdleParameters(options, run);
  if (options.groups && !explanations.some(({ method }) => methodTable[method].usesGroups)) {
    throw new WhereforeError('invalid-argument', 'groups are given, but no method hides features together', {
      got: [...run].join(', '),
      fix: `leave the groups out, or take one of ${Object.keys(methodTable)
        .filter((name) => methodTable[name].usesGroups)
        .join(', ')}`,
    });
  }
  if (explanations.length === 0) {
    throw new WhereforeError('invalid-argument', 'none of the methods fits any of the layers', {
      got: [...leftOut].join('; '),
      fix: 'choose other layers or methods',
    });
  }
  return { explanations, leftOut: [...leftOut] };
}

/** An input that is read already; anything else but text has to be a map of tensors. */
function isModelInput(source: ReadonlyMap<string, Tensor> | ModelInput): source is ModelInput {
  if (typeof source === 'object' && source !== null && 'tensors' in source && 'layout' in source) return true;
  checkTensors(source, 'the input');
  return false;
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

/** Inputs of numbers that the baseline leaves as they are, in words. */
function unexplained(model: LoadedModel, explained: readonly string[]): string[] {
  return model.graph.inputs
    .filter(({ name }) => model.types.get(name) === 'float32' && !explained.includes(name))
    .map(({ name }) => `input "${name}" is not explained: it stays as it is; name it in the baseline to explain it`);
}

/** Why a method that goes from the baseline to the input cannot: there is nothing between a missing value and a number. */
function betweenMissing(missing: readonly string[], layer: readonly string[], method: MethodName) {
  const [name] = missing.filter((input) => layer.includes(input));
  if (name === undefined || methodTable[method].needs !== 'gradient') return undefined;
  return new WhereforeError('not-differentiable', `${method} needs numbers, and input "${name}" lacks values`, {
    fix: 'use a method that needs outputs only: --method exact-shapley, kernel-shap or occlusion',
  });
}

/** Every layer asked for with every method. */
function combinations<T>(
  { layers }: Pick<Question, 'layers'>,
  methods: readonly MethodName[],
  layersOf: (text: string | undefined, method: MethodName) => readonly T[],
) {
  return (layers ?? [undefined]).flatMap((text) =>
    methods.flatMap((method) => layersOf(text, method).map((layer) => ({ ...layer, text, method }))),
  );
}

/** A list that holds nothing leaves nothing to explain. */
function checkAny(asked: Pick<Question, 'methods' | 'layers' | 'target' | 'baseline'> & { readonly sources: unknown }) {
  for (const what of ['sources', 'methods', 'layers', 'target', 'baseline'] as const) {
    const list = asked[what];
    if (!Array.isArray(list) || list.length > 0) continue;
    throw new WhereforeError('invalid-argument', `${what}: an empty list leaves nothing to explain`, {
      fix: what === 'sources' ? 'give at least one input' : 'name at least one, or leave it out for the default',
    });
  }
}

/** Few enough features for Shapley values. */
const fewFeatures = 64;

/** The method for a model without a gradient: Shapley values where there are few features, else hiding one after another. */
function perturbation({ groups }: ModelInput): MethodName {
  return groups && groups.names.length <= fewFeatures ? 'kernel-shap' : 'occlusion';
}

/** What the classes of an output and the tokens of a vocabulary are called. */
interface Names {
  readonly classes: readonly string[] | undefined;
  readonly tokens: readonly string[] | undefined;
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
  return readTarget(target, classReading(graph, preprocessing, output, { count, labels }));
}

/** What the ids of tokens stand for, as a person reads them. */
export function vocabularyOf(tokenizer: Tokenizer): string[] {
  return Array.from({ length: tokenizer.size }, (_, id) => {
    const text = tokenizer.textOf(id);
    return text.trim() === '' ? text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') : text;
  });
}

/** Methods that exist, with parameters that they have. */
export function checkMethods({ methods, parameters }: Pick<Question, 'methods' | 'parameters'>): void {
  const known = Object.keys(methodTable);
  for (const name of [...(methods ?? []), ...Object.keys(parameters ?? {})]) {
    if (known.includes(name)) continue;
    throw unknownName('there is no method', name, known, { code: 'invalid-argument' });
  }
  // A method that is run without parameters may need one.
  const stated = { ...Object.fromEntries((methods ?? []).map((name) => [name, {}])), ...parameters };
  for (const [name, given] of Object.entries(stated)) {
    checkParameters(name, methodTable[name].parameters, given);
  }
}

/** @throws WhereforeError `invalid-argument` for parameters of a method that is not run; nothing where none is */
export function refuseIdleParameters(
  { parameters = {} }: Pick<Question, 'parameters'>,
  run: ReadonlySet<string>,
): void {
  const idle = Object.keys(parameters).find((name) => !run.has(name));
  if (!idle || run.size === 0) return;
  throw new WhereforeError('invalid-argument', `parameters are set for ${idle}, which is not run`, {
    got: [...run].join(', '),
    fix: 'add it to the methods, or leave its parameters out',
  });
}

const leftOutText = (layer: readonly string[], { what, details: { where } }: WhereforeError) =>
  [layer.join(' + '), where, what].filter(Boolean).join(': ');

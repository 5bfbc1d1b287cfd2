import type { Baseline } from '../attribution/baseline.ts';
import type { Groups } from '../attribution/groups.ts';
import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import { checkParameters } from '../attribution/parameters.ts';
import type { Passes } from '../attribution/prepared.ts';
import { type Target, targetKinds } from '../attribution/targets/kinds/index.ts';
import { holdsTokens } from '../attribution/tokens.ts';
import { guessNotes } from '../data/guess/guess-notes.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { tensorInput } from '../data/inputs/tensor-input.ts';
import type { Tokenizer } from '../data/inputs/tokenizer.ts';
import { tokenizerOf } from '../data/inputs/tokenizer-of.ts';
import { type LoadedModel, labelsOf } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { usedBeside } from '../data/model/used-beside.ts';
import { type ErrorCode, WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { checkTensors } from '../tensor/check-tensor.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { estimateCost } from './cost-estimate.ts';
import { namesOf } from './fitting-layers.ts';
import { layerGroups } from './input-groups.ts';
import type { Prediction } from './prediction.ts';
import { type Names, type PlannedQuestion, questionsOf } from './questions.ts';
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
  /** Defaults that were chosen. */
  readonly notes: readonly string[];
  /** Passes through the model: the fewest that the method can do with, and the most that it may take. */
  readonly least: Passes;
  readonly most: Passes;
}

export interface Plan {
  readonly explanations: readonly PlannedExplanation[];
  /** Combinations of several methods or several layers that make no sense. */
  readonly leftOut: readonly LeftOut[];
}

/** A combination that was asked for among others and makes no sense. */
export interface LeftOut {
  readonly layer: readonly string[];
  readonly method: MethodName;
  /** What kind of problem it is. */
  readonly code: ErrorCode;
  /** Where and why, in words. */
  readonly text: string;
}

/**
 * Settles what is to be computed and checks all of it, for every input, before anything long begins: methods and their
 * parameters, names of layers, inputs, targets, baselines, and which method fits which layer.
 */
export async function plan(
  model: LoadedModel,
  sources: readonly Source[],
  preprocessing: Preprocessing,
  options: Question & { readonly signal?: AbortSignal },
): Promise<Plan> {
  checkMethods(options);
  checkAny({ sources, ...options });
  for (const text of options.layers ?? []) namesOf(model, text);
  const inputs = await inputsOf(model, sources, preprocessing);
  const tokenizer = await tokenizerOf(model, preprocessing);
  const names: Names = { classes: labelsOf(model, preprocessing), tokens: tokenizer && vocabularyOf(tokenizer) };
  const found = ({ image }: ModelInput) => [
    ...usedBeside(model, preprocessing),
    ...guessNotes(model, preprocessing, image !== undefined),
  ];
  const explanations: PlannedExplanation[] = [];
  const leftOut = new Map<string, LeftOut>();
  for await (const question of questionsOf({ model, preprocessing, tokenizer, names, options }, inputs)) {
    const answer = planned(question, options, model, names);
    if ('code' in answer) leftOut.set(answer.text, answer);
    else explanations.push({ ...answer, notes: [...found(answer.input), ...answer.notes] });
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
      got: [...leftOut.keys()].join('; '),
      fix: 'choose other layers or methods',
    });
  }
  return { explanations, leftOut: [...leftOut.values()] };
}

export type Source = string | ReadonlyMap<string, Tensor> | ModelInput;

async function inputsOf(
  model: LoadedModel,
  sources: readonly Source[],
  preprocessing: Preprocessing,
): Promise<ModelInput[]> {
  const inputs: ModelInput[] = [];
  for (const source of sources) {
    if (typeof source === 'string') {
      for (const input of await model.edge.readInputs(model, source, preprocessing)) inputs.push(input);
    } else if (isModelInput(source)) inputs.push(source);
    else inputs.push(tensorInput(model, source, 'tensors in memory', undefined, preprocessing));
  }
  return inputs;
}

/** An input that is read already; anything else but text has to be a map of tensors. */
function isModelInput(source: ReadonlyMap<string, Tensor> | ModelInput): source is ModelInput {
  if (typeof source === 'object' && source !== null && 'tensors' in source && 'layout' in source) return true;
  checkTensors(source, 'the input');
  return false;
}

/**
 * What a question will cost, or why it is left out.
 * @throws WhereforeError its problem, where nothing else was asked
 */
function planned(
  question: PlannedQuestion,
  options: Question,
  model: LoadedModel,
  names: Names,
): PlannedExplanation | LeftOut {
  const { input, prediction, target, baseline, explained, layer, method, methods, references } = question;
  const { specialised, compiled, problem, isOnly } = question;
  if (problem || !compiled) return leftOutBy(problem as WhereforeError, question, isOnly);
  const givenGroups = typeof options.groups === 'function' ? options.groups(input) : options.groups;
  const parameters = options.parameters?.[method];
  const shapeOf = (name: string) => specialised.facts.shapes.get(name);
  const groups = givenGroups ?? layerGroups(input, { layer, explained, shapeOf });
  const cost = estimateCost(
    specialised,
    compiled,
    { input, layer, explained, method, groups, references, target },
    parameters,
  );
  if (cost instanceof WhereforeError) return leftOutBy(cost, question, methods.length === 1);
  return {
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
    labels: targetKinds[target.kind].names === 'tokens' ? names.tokens : names.classes,
    notes: [
      ...unexplained(model, explained),
      ...(options.target === undefined && prediction.chosen ? [prediction.chosen] : []),
      ...question.notes,
    ],
    ...cost,
  };
}

function leftOutBy(problem: WhereforeError, { layer, method }: PlannedQuestion, isOnly: boolean): LeftOut {
  if (isOnly) throw problem;
  const { code, what, details } = problem;
  return { layer, method, code, text: [layer.join(' + '), details.where, what].filter(Boolean).join(': ') };
}

/** Inputs of numbers and of tokens that the baseline leaves as they are, in words; masks and positions go with tokens. */
function unexplained(model: LoadedModel, explained: readonly string[]): string[] {
  const isContent = (name: string) => model.types.get(name) === 'float32' || holdsTokens(model.graph, name);
  return model.graph.inputs
    .filter(({ name }) => isContent(name) && !explained.includes(name))
    .map(
      ({ name }) =>
        `input "${name}" is not explained: it stays as it is; name it in the baseline (NAME=…,NAME=…) to explain it`,
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

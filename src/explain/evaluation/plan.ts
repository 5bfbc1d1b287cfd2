import { type Baseline, describeBaseline } from '../../attribution/baseline.ts';
import type { MethodName } from '../../attribution/methods/index.ts';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Preprocessing } from '../../data/model/preprocessing.ts';
import type { ComparedBaseline, ComparedInput, ComparedMethod } from '../../evaluation/comparison.ts';
import { contentHash, hashedTensor } from '../../tensor/content-hash.ts';
import { minOf } from '../../tensor/extremes.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { inputGroups } from '../input-groups.ts';
import { type PlannedExplanation, plan } from '../plan.ts';
import type { Question } from '../request.ts';
import { sourceOf } from './inputs.ts';
import { truthOfRegions } from './truth.ts';

interface PlanOptions extends Omit<Question, 'methods' | 'groups'> {
  readonly preprocessing: Preprocessing;
  readonly signal?: AbortSignal;
}

/** Everything that is going to be explained, checked: methods at the input, and those over space at a layer that has it. */
export async function planAll(
  model: LoadedModel,
  inputs: readonly ModelInput[],
  wanted: readonly MethodName[],
  { preprocessing, signal, target, baseline, layers, parameters }: PlanOptions,
): Promise<{ planned: readonly PlannedExplanation[]; leftOut: readonly string[] }> {
  const question = { target, baseline, parameters, methods: wanted, layers };
  const { explanations: planned, leftOut } = await plan(model, inputs, preprocessing, { ...question, signal });
  return { planned, leftOut: leftOut.map(({ text }) => text) };
}

export interface PlannedInput {
  readonly input: ModelInput;
  readonly compared: ComparedInput;
  /** What the classes or tokens of the target are called. */
  readonly labels: readonly string[] | undefined;
}

interface InputFacts {
  readonly truths: ReadonlyMap<ModelInput, Uint8Array> | undefined;
  readonly regions: number;
}

/** Inputs with their targets; an input with several targets is several. */
export function inputsOf(planned: readonly PlannedExplanation[], { truths, regions }: InputFacts): PlannedInput[] {
  const found = new Map<string, PlannedInput>();
  for (const { input, target, labels } of planned) {
    const hash = hashOfInput(input);
    const key = `${input.source}|${hash}|${JSON.stringify(target)}`;
    if (found.has(key)) continue;
    const truth = truths?.get(input);
    const compared: ComparedInput = {
      name: input.source,
      hash,
      inputs: input.tensors,
      target,
      layout: input.layout,
      groups: inputGroups(input),
      regions: input.groups ? undefined : regions,
      truth: truth && truthOfRegions(truth, positionsOf(input), regions),
      drawnFrom: sourceOf(input),
    };
    found.set(key, { input, compared, labels });
  }
  return [...found.values()];
}

/** Lengths of the axes of space. */
function positionsOf({ tensors, layout }: ModelInput): number[] {
  const [tensor] = tensors.values();
  return (layout.spatialAxes ?? []).map((axis) => tensor.shape[axis]);
}

/** Tiles along the shorter side of an image, where the caller states no side: 196 of a square one. */
const defaultTiles = 14;

/**
 * Side of the tiles of an image that metrics move as one, where the caller states none. Removing scattered single pixels
 * disturbs a convolution whatever they show, so that a random order seems to find what matters.
 */
export function defaultRegions(input: ModelInput): number {
  const positions = positionsOf(input);
  return positions.length === 2 ? Math.max(1, Math.round(minOf(positions) / defaultTiles)) : 1;
}

/** Feature groups of an input, for the forecast. */
export function groupCount(input: ModelInput, regions: number): number {
  if (input.groups) return input.groups.names.length;
  const positions = positionsOf(input);
  if (positions.length > 0) return sizeOf(positions.map((size) => Math.ceil(size / regions)));
  return sizeOf([...input.tensors.values()][0].shape);
}

/** Of what the model is fed: the same file with another preprocessing is another input. */
function hashOfInput({ tensors }: ModelInput): string {
  return contentHash([...tensors].flatMap(([name, t]) => [`${name.length}:${name} `, ...hashedTensor(t)]));
}

export function methodsOf(planned: readonly PlannedExplanation[]): ComparedMethod[] {
  const found = new Map<string, ComparedMethod>();
  for (const { method, layer, explained, parameters } of planned) {
    const isInput = layer.every((name) => explained.includes(name));
    found.set(`${method}|${layer.join()}`, { method, parameters, layer: isInput ? undefined : layer });
  }
  return [...found.values()];
}

/** The baselines in the order in which they were asked for, each made for every input. */
export function baselinesOf(
  planned: readonly PlannedExplanation[],
  inputs: readonly PlannedInput[],
  reference: ((input: ModelInput) => Baseline) | undefined,
): ComparedBaseline[] {
  const lists = inputs.map(({ input }) => {
    const list: Baseline[] = [];
    for (const one of planned)
      if (one.input.source === input.source && !list.includes(one.baseline)) list.push(one.baseline);
    return distinct(list);
  });
  const indexOf = new Map(inputs.map(({ compared }, i) => [compared, i]));
  return lists[0].map((first, k): ComparedBaseline => {
    const at = (input: ComparedInput) => lists[indexOf.get(input) ?? 0][k];
    return {
      name: nameOf(first),
      baseline: at,
      reference: reference && ((input) => reference(inputs[indexOf.get(input) ?? 0].input)),
    };
  });
}

/** Two plans made the same baseline twice. */
function distinct(baselines: readonly Baseline[]): Baseline[] {
  const found = new Map<string, Baseline>();
  for (const baseline of baselines) {
    const isPlain = baseline.kind !== 'input' && baseline.kind !== 'sample' && baseline.kind !== 'each';
    const key = isPlain ? JSON.stringify(baseline) : describeBaseline(baseline);
    if (!found.has(key)) found.set(key, baseline);
  }
  return [...found.values()];
}

function nameOf(baseline: Baseline): string {
  if (baseline.kind === 'input' || baseline.kind === 'sample') return baseline.description;
  if (baseline.kind === 'each') return [...baseline.baselines].map(([name, own]) => `${name}=${nameOf(own)}`).join(',');
  const { kind, ...settings } = baseline;
  return [kind, ...Object.values(settings).filter((value) => typeof value !== 'object')].join(' ');
}

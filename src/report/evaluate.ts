import { createHash } from 'node:crypto';
import { explainedInputs } from '../attribution/attribute.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { layersBetween, layersWorthExplaining } from '../attribution/layers.ts';
import { type MethodName, methodTable } from '../attribution/methods/index.ts';
import { describeTarget, targetOutput } from '../attribution/target.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import { WhereforeError } from '../errors.ts';
import { compare } from '../evaluation/compare.ts';
import type {
  ComparedBaseline,
  ComparedInput,
  ComparedMethod,
  Comparison,
  ComparisonRequest,
  ResultStore,
} from '../evaluation/comparison.ts';
import type { MetricChoice } from '../evaluation/score.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { type ExplainOptions, type ExplainSource, preprocessingOf } from './explain.ts';
import { inputGroups } from './input-groups.ts';
import { checkMethods, type PlannedExplanation, plan } from './plan.ts';

/** What the caller asks for; whatever is left out is chosen and recorded. */
export interface EvaluateOptions
  extends Pick<
    ExplainOptions,
    'target' | 'baseline' | 'parameters' | 'preprocessing' | 'byteBudget' | 'signal' | 'onProgress'
  > {
  /** Default {@link usualMethods}, as far as the model allows. */
  readonly methods?: readonly MethodName[];
  /** Default {@link usualMetrics}. */
  readonly metrics?: readonly MetricChoice[];
  /** Layers as for `explain`. Default: the input; for methods over space the last layer that has space. */
  readonly layers?: readonly string[];
  /** What metrics replace removed features by. Default: the baseline of the explanation. */
  readonly reference?: (input: ModelInput) => Baseline;
  /** Default 0. */
  readonly seed?: number;
  readonly exampleMetric?: string;
  readonly store?: ResultStore;
  readonly onScored?: ComparisonRequest['onScored'];
  /** Told what is going to be compared, before it is. */
  readonly onPlanned?: (plan: {
    readonly explanations: number;
    readonly metrics: number;
    readonly leftOut: readonly string[];
  }) => void;
}

/** Eight methods of different kinds, from one pass to hundreds. */
export const usualMethods = [
  'integrated-gradients',
  'gradient',
  'gradient-x-input',
  'smooth-grad',
  'guided-backpropagation',
  'grad-cam',
  'layer-cam',
  'occlusion',
] as const satisfies readonly MethodName[];

/** Metrics that need nothing but the model and a map, and together stay below some hundred passes. */
export const usualMetrics: readonly MetricChoice[] = [
  'msi-literal',
  'msi-tolerant',
  'insertion',
  'deletion',
  'sufficiency',
  'comprehensiveness',
  'infidelity',
  'faithfulness-correlation',
  'attribution-error',
  'sparseness',
].map((name) => ({ name }));

/** A comparison with what it takes to show it. */
export interface Evaluation {
  readonly comparison: Comparison;
  readonly inputs: readonly EvaluatedInput[];
  readonly baselines: readonly string[];
  readonly seed: number;
  readonly leftOut: readonly string[];
  /** Maps of the best and worst example of each row, by `row id` and input. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<number, Float32Array>>;
  /** Shape of the maps, by input. */
  readonly mapShapes: readonly (readonly number[])[];
}

export interface EvaluatedInput {
  readonly input: ModelInput;
  readonly name: string;
  readonly targetDescription: string;
}

/**
 * Compares methods × baselines × layers by metrics over inputs, with controls.
 * @throws WhereforeError as `explain` and `compare`; everything is checked before anything long begins
 */
export async function evaluate(
  model: LoadedModel,
  sources: readonly ExplainSource[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const preprocessing = preprocessingOf(model, options);
  const metrics = options.metrics ?? usualMetrics;
  const wanted = options.methods ?? usualMethods;
  checkMethods({ methods: wanted, parameters: options.parameters });
  const { target, baseline, parameters, signal } = options;
  const spatial = wanted.filter((name) => methodTable[name].layers === 'spatial');
  const others = wanted.filter((name) => !spatial.includes(name));
  const leftOut: string[] = [];
  const planned: PlannedExplanation[] = [];
  const planWith = async (methods: readonly MethodName[], layers: readonly string[] | undefined) => {
    if (methods.length === 0) return;
    const made = await plan(model, sources, preprocessing, { target, baseline, parameters, signal, methods, layers });
    planned.push(...made.explanations);
    leftOut.push(...made.leftOut);
  };
  if (options.layers) await planWith(wanted, options.layers);
  else {
    await planWith(others.length ? others : ['occlusion'], ['input']);
    const place = await lastSpatialLayer(model, planned[0]);
    if (others.length === 0) planned.length = 0;
    if (place) await planWith(spatial, [place]);
    else leftOut.push(...spatial.map((name) => `${name}: the model has no layer over space`));
  }
  if (planned.length === 0)
    throw new WhereforeError('invalid-argument', 'none of the methods fits the model', { got: leftOut.join('; ') });

  const inputs = inputsOf(planned);
  const methods = methodsOf(planned);
  const baselines = baselinesOf(planned, inputs, options.reference);
  options.onPlanned?.({
    explanations: inputs.length * methods.length * baselines.length,
    metrics: metrics.length,
    leftOut,
  });
  const kept = new Map<string, Map<number, Float32Array>>();
  const mapShapes: (readonly number[])[] = [];
  const comparison = await compare(model, {
    inputs: inputs.map(({ compared }) => compared),
    methods,
    metrics,
    baselines,
    explained: planned[0].explained,
    seed: options.seed,
    exampleMetric: options.exampleMetric,
    store: options.store,
    byteBudget: options.byteBudget,
    signal,
    onProgress: options.onProgress,
    onScored: options.onScored,
    onMap: (input, row, map, shape) => {
      mapShapes[input] = shape;
      const maps = kept.get(row) ?? new Map<number, Float32Array>();
      kept.set(row, maps.set(input, map));
    },
  });
  return {
    comparison,
    inputs: inputs.map(({ input, compared }) => ({
      input,
      name: compared.name,
      targetDescription: describeTarget(compared.target, model.preprocessing?.labels),
    })),
    baselines: baselines.map(({ name }) => name),
    seed: options.seed ?? 0,
    leftOut,
    maps: onlyExamples(comparison, kept),
    mapShapes,
  };
}

/** A key of everything that the result depends on: the same question again finds its shards. */
export function evaluationKey(model: LoadedModel, sources: readonly string[], settings: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([model.hash, sources, settings]))
    .digest('hex')
    .slice(0, 12);
}

function onlyExamples({ rows }: Comparison, kept: ReadonlyMap<string, ReadonlyMap<number, Float32Array>>) {
  return new Map(
    rows.map(({ id, best, worst }) => {
      const maps = kept.get(id);
      const shown = [best, worst].filter((input) => input !== undefined);
      return [
        id,
        new Map(
          shown.flatMap((input) => (maps?.has(input) ? [[input, maps.get(input) as Float32Array] as const] : [])),
        ),
      ] as const;
    }),
  );
}

interface PlannedInput {
  readonly input: ModelInput;
  readonly compared: ComparedInput;
}

/** Inputs with their targets; an input with several targets is several. */
function inputsOf(planned: readonly PlannedExplanation[]): PlannedInput[] {
  const found = new Map<string, PlannedInput>();
  for (const { input, target } of planned) {
    const hash = contentHash(input);
    const key = `${input.source}|${hash}|${JSON.stringify(target)}`;
    if (found.has(key)) continue;
    const compared: ComparedInput = {
      name: input.source,
      hash,
      inputs: input.tensors,
      target,
      layout: input.layout,
      groups: inputGroups(input),
    };
    found.set(key, { input, compared });
  }
  return [...found.values()];
}

/** Of what the model is fed: the same file with another preprocessing is another input. */
function contentHash({ tensors }: ModelInput): string {
  const hash = createHash('sha256');
  for (const [name, { type, shape, data }] of tensors) {
    hash.update(`${name}|${type}|${shape.join()}|`);
    if (Array.isArray(data)) hash.update(JSON.stringify(data));
    else hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

function methodsOf(planned: readonly PlannedExplanation[]): ComparedMethod[] {
  const found = new Map<string, ComparedMethod>();
  for (const { method, layer, explained, parameters } of planned) {
    const isInput = layer.every((name) => explained.includes(name));
    found.set(`${method}|${layer.join()}`, { method, parameters, layer: isInput ? undefined : layer });
  }
  return [...found.values()];
}

/** The baselines in the order in which they were asked for, each made for every input. */
function baselinesOf(
  planned: readonly PlannedExplanation[],
  inputs: readonly PlannedInput[],
  reference: EvaluateOptions['reference'],
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
      name: first.kind === 'input' || first.kind === 'sample' ? first.description : nameOf(first),
      baseline: at,
      reference: reference && ((input) => reference(inputs[indexOf.get(input) ?? 0].input)),
    };
  });
}

/** Two plans made the same baseline twice. */
function distinct(baselines: readonly Baseline[]): Baseline[] {
  const found = new Map<string, Baseline>();
  for (const baseline of baselines) {
    const key =
      baseline.kind === 'input' || baseline.kind === 'sample' ? baseline.description : JSON.stringify(baseline);
    if (!found.has(key)) found.set(key, baseline);
  }
  return [...found.values()];
}

function nameOf(baseline: Exclude<Baseline, { kind: 'input' | 'sample' }>): string {
  const { kind, ...settings } = baseline;
  return [kind, ...Object.values(settings).filter((value) => typeof value !== 'object')].join(' ');
}

/** The last layer worth explaining that still has rows and columns. */
async function lastSpatialLayer(
  model: LoadedModel,
  { input, target, baseline }: PlannedExplanation,
): Promise<string | undefined> {
  const { graph, facts } = await model.executor.specialise(model.graph, input.tensors);
  const candidates = layersBetween(graph, facts, explainedInputs(model, baseline), targetOutput(graph, facts, target));
  const overSpace = ({ shape }: { readonly shape: readonly number[] }) =>
    shape.length === 4 && shape[2] > 1 && shape[3] > 1;
  const output = targetOutput(graph, facts, target);
  const classes = sizeOf((facts.shapes.get(output) ?? []).slice(1));
  // Where a classifier averages its class scores over space, its features lie before those.
  const features = candidates.filter((candidate) => overSpace(candidate) && candidate.shape[1] !== classes);
  const place = layersWorthExplaining(features).at(-1) ?? features.at(-1) ?? candidates.filter(overSpace).at(-1);
  return place?.name;
}

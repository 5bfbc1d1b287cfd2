import type { Baseline } from '../../attribution/baseline.ts';
import type { MethodName } from '../../attribution/methods/index.ts';
import { describeTarget } from '../../attribution/targets/target.ts';
import { describeVariant } from '../../data/formats/image-variant.ts';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { compare } from '../../evaluation/compare.ts';
import type { Comparison, ComparisonRequest, ResultStore } from '../../evaluation/comparison.ts';
import { controlNames } from '../../evaluation/controls.ts';
import { defaultAlphaMin } from '../../evaluation/msi.ts';
import type { MetricChoice } from '../../evaluation/score.ts';
import { loadExplainer } from '../../explainer/load-explainer.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import { allPasses } from '../all-passes.ts';
import { calibrationMetric, calibrationSources, tunedAlphaMin, withAlphaMin } from '../alpha-min.ts';
import type { ExplainOptions, ExplainSource } from '../explain-options.ts';
import { checkMethods, refuseIdleParameters } from '../plan.ts';
import { preprocessingOf } from '../preprocessing-of.ts';
import { measureSpeeds } from '../speed.ts';
import { type Forecast, forecast } from './forecast.ts';
import { drawInputs, sourceOf } from './inputs.ts';
import { baselinesOf, defaultRegions, groupCount, inputsOf, methodsOf, type PlannedInput, planAll } from './plan.ts';
import { truthsOf } from './truth.ts';

/** What the caller asks for; whatever is left out is chosen and recorded. */
export interface EvaluateOptions
  extends Pick<
    ExplainOptions,
    'target' | 'baseline' | 'parameters' | 'preprocessing' | 'byteBudget' | 'signal' | 'onProgress'
  > {
  /** Default {@link defaultImageMethods}, of tables {@link defaultTableMethods}, as far as the model allows. */
  readonly methods?: readonly MethodName[];
  /** Default {@link defaultMetrics}. */
  readonly metrics?: readonly MetricChoice[];
  /** Layers as for `explain`. Default: the input; for methods over space the last layer that has space. */
  readonly layers?: readonly string[];
  /** What metrics replace removed features by. Default: the baseline of the explanation. */
  readonly reference?: (input: ModelInput) => Baseline;
  /** How many inputs; default all that are given. */
  readonly count?: number;
  /** Whether variants of the images fill up the number. Default false. */
  readonly augment?: boolean;
  /** Folder with masks or boxes of the objects, by the names of the images. */
  readonly truth?: string;
  /** Side of the tiles that metrics move as one, for images and series. Default: 14 tiles along the shorter side of an image, 1 for anything else. */
  readonly regions?: number;
  /** Lowest mask value that counts as chosen by MSI: a number, or tuned on a quarter of the images, which are then held apart. Default .5. */
  readonly alphaMin?: number | 'tuned';
  /** Default 0. */
  readonly seed?: number;
  readonly exampleMetric?: string;
  readonly store?: ResultStore;
  /**
   * Called with the comparison before it begins, once α_min is known: may compute its explanations in shards, and gives a
   * store that holds them; undefined where it does not.
   */
  readonly ahead?: (request: ComparisonRequest, alphaMin: number | undefined) => Promise<ComputedAhead | undefined>;
  readonly onScored?: ComparisonRequest['onScored'];
  /** Called with what is going to be compared, before it is. */
  readonly onPlanned?: (plan: EvaluationPlan) => void;
}

/** The explanations of a comparison, and what they cost, whenever they were made. */
export interface ComputedAhead {
  readonly store: ResultStore;
  readonly cost: Comparison['cost'];
}

/** What is going to be computed. */
export interface EvaluationPlan {
  readonly explanations: number;
  readonly inputs: number;
  /** Inputs that are held apart to tune α_min. */
  readonly calibration: number;
  readonly metrics: number;
  readonly leftOut: readonly string[];
  readonly forecast: Forecast;
}

/** Eight methods of different kinds, from one pass to hundreds. */
export const defaultImageMethods = [
  'integrated-gradients',
  'gradient',
  'gradient-x-input',
  'smooth-grad',
  'guided-backpropagation',
  'grad-cam',
  'layer-cam',
  'occlusion',
] as const satisfies readonly MethodName[];

/** Of rows of a table: rates of change in the units of single columns cannot be compared and are left out. */
export const defaultTableMethods = [
  'integrated-gradients',
  'gradient-x-input',
  'deep-lift',
  'kernel-shap',
  'shapley-sampling',
  'lime',
  'occlusion',
] as const satisfies readonly MethodName[];

/** What the default methods are run with, where it is not their default: the name of the row says so. */
export const defaultParameters = {
  // Up to 400 steps would be half the cost of a whole evaluation; what is missing shows in the attribution error.
  'integrated-gradients': { maxSteps: 100 },
} as const satisfies EvaluateOptions['parameters'];

/** Metrics that need nothing but the model and a map, and together stay below some hundred passes. */
export const defaultMetrics: readonly MetricChoice[] = [
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
  readonly regions: number;
  /** α_min of MSI, and what it was tuned on; those inputs are not among the reported ones. */
  readonly alphaMin: { readonly value: number; readonly tunedOn: readonly string[] | undefined };
  readonly leftOut: readonly string[];
  /** Maps of the best and worst example of each row, by `row id` and input. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<number, Float32Array>>;
  /** Shape of the maps, by input. */
  readonly mapShapes: readonly (readonly number[])[];
}

export interface EvaluatedInput {
  readonly drawnFrom: string;
  /** How an image was changed; undefined for the image itself. */
  readonly variant: string | undefined;
  readonly hasTruth: boolean;
  readonly input: ModelInput;
  readonly name: string;
  readonly targetDescription: string;
}

/** An evaluation that is planned and checked: what its comparison will be asked. */
export type PreparedEvaluation = Awaited<ReturnType<typeof prepareEvaluation>>;

/**
 * Plans an evaluation: draws and reads the inputs, and checks everything.
 * @throws WhereforeError as {@link evaluate}
 */
export async function prepareEvaluation(
  model: LoadedModel,
  sources: readonly ExplainSource[],
  options: EvaluateOptions,
) {
  const preprocessing = preprocessingOf(model, options);
  if (options.methods) checkMethods({ methods: options.methods, parameters: options.parameters });
  const { seed = 0 } = options;
  const drawn = await drawInputs(model, sources, preprocessing, options);
  const wanted = options.methods ?? defaultMethods(drawn[0]);
  checkMethods({ methods: wanted, parameters: options.parameters });
  refuseIdleParameters(options, new Set(wanted));
  const parameters = options.methods ? options.parameters : { ...defaultParameters, ...options.parameters };
  const { planned, leftOut } = await planAll(model, drawn, wanted, { ...options, parameters, preprocessing });
  const truths = options.truth === undefined ? undefined : await truthsOf(options.truth, drawn, model.edge);
  const regions = options.regions ?? defaultRegions(drawn[0]);
  const all = inputsOf(planned, { truths, regions });
  const calibration = options.alphaMin === 'tuned' ? calibrationSources(drawn, seed) : [];
  const isHeld = ({ input }: PlannedInput) => calibration.includes(sourceOf(input));
  const inputs = all.filter((one) => !isHeld(one));
  const held = all.filter(isHeld);
  const methods = methodsOf(planned);
  const baselines = baselinesOf(planned, all, options.reference);
  const asked = options.metrics ?? defaultMetrics;
  return { planned, leftOut, regions, all, calibration, inputs, held, methods, baselines, asked, seed };
}

/** What the comparison of an evaluation is asked, with the metrics at an α_min. */
export function comparisonOf(
  model: LoadedModel,
  { inputs, asked, methods, baselines, planned, seed }: PreparedEvaluation,
  alphaMin: number | undefined,
): ComparisonRequest {
  return {
    inputs: inputs.map(({ compared }) => compared),
    metrics: alphaMin === undefined ? asked : asked.map((choice) => withAlphaMin(choice, alphaMin)),
    loadExplainer: (path, trained) => loadExplainer(path, trained, model.edge),
    ...{ methods, baselines, explained: planned[0].explained, seed },
  };
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
  const prepared = await prepareEvaluation(model, sources, options);
  const { planned, leftOut, regions, all, calibration, inputs, held, methods, baselines, asked, seed } = prepared;
  const { signal } = options;
  if (options.onPlanned) {
    const speeds = await measureSpeeds(model, planned, { byteBudget: options.byteBudget, signal, isScored: true });
    options.onPlanned({
      explanations: all.length * methods.length * baselines.length,
      inputs: inputs.length,
      calibration: held.length,
      metrics: asked.length,
      leftOut,
      forecast: forecast(planned, asked, { speeds, groupsOf: ({ input }) => groupCount(input, regions) }),
    });
  }
  const work = {
    store: options.store,
    byteBudget: options.byteBudget,
    signal,
    onProgress: options.onProgress && allPasses(options.onProgress),
  };
  const controls = controlNames.length * baselines.length;
  const rows = methods.length * baselines.length + controls;
  const report = (before: number): ComparisonRequest['onScored'] =>
    options.onScored &&
    ((progress) => options.onScored?.({ ...progress, done: before + progress.done, total: all.length * rows }));
  const calibrated =
    held.length > 0
      ? await compare(model, {
          ...comparisonOf(model, prepared, undefined),
          ...work,
          inputs: held.map(({ compared }) => compared),
          metrics: [calibrationMetric(asked)],
          onScored: report(0),
        })
      : undefined;
  const fixed = typeof options.alphaMin === 'number' ? options.alphaMin : undefined;
  const alphaMin = calibrated ? tunedAlphaMin(calibrated) : fixed;
  const request = { ...comparisonOf(model, prepared, alphaMin), ...work, onScored: report(held.length * rows) };
  const ahead = await options.ahead?.(request, alphaMin);

  const kept = new Map<string, Map<number, Float32Array>>();
  const mapShapes: (readonly number[])[] = [];
  const compared = await compare(model, {
    ...request,
    ...(ahead && { store: ahead.store, onScored: undefined, onProgress: undefined }),
    exampleMetric: options.exampleMetric,
    onMap: (input, row, map, shape) => {
      mapShapes[input] = shape;
      const maps = kept.get(row) ?? new Map<number, Float32Array>();
      kept.set(row, maps.set(input, map));
    },
  });
  const comparison = ahead ? { ...compared, cost: costOf(compared, ahead) } : compared;
  return {
    comparison,
    inputs: inputs.map(({ input, compared, labels }) => ({
      input,
      name: compared.name,
      drawnFrom: sourceOf(input),
      variant: input.variant && describeVariant(input.variant.change),
      hasTruth: compared.truth !== undefined,
      targetDescription: describeTarget(compared.target, labels),
    })),
    baselines: baselines.map(({ name }) => name),
    seed,
    regions,
    alphaMin: { value: alphaMin ?? defaultAlphaMin, tunedOn: calibrated && calibration },
    leftOut,
    maps: onlyExamples(comparison, kept),
    mapShapes,
  };
}

/** What was computed ahead, and what it took to read it: one look at every input. */
function costOf({ cost }: Comparison, ahead: ComputedAhead): Comparison['cost'] {
  const both = (of: 'forward' | 'backward' | 'seconds') => cost[of] + ahead.cost[of];
  return {
    ...{ forward: both('forward'), backward: both('backward'), seconds: both('seconds') },
    reused: ahead.cost.reused,
  };
}

function defaultMethods({ groups, layout }: ModelInput): readonly MethodName[] {
  return groups?.kind === 'columns' && !layout.spatialAxes?.length ? defaultTableMethods : defaultImageMethods;
}

/** A key of everything that the result depends on: the same question again finds its shards. */
export function evaluationKey(model: LoadedModel, sources: readonly string[], settings: unknown): string {
  return contentHash([JSON.stringify([model.hash, sources, settings])]).slice(0, 12);
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

import { type Attribution, attribute } from '../attribution/attribute.ts';
import { methods as methodTable } from '../attribution/methods/index.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { GridTransform } from '../data/inputs/grid.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { portablePreprocessing } from '../data/model/preprocessing-text.ts';
import { loadExplainer } from '../explainer/load-explainer.ts';
import { checkModel } from '../runtime/model.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';
import type { Announced, CheckedOptions, ExplainOptions, ExplainSource } from './explain-options.ts';
import type { Explained } from './explained.ts';
import { documentOfBaseline } from './given-baseline.ts';
import { documentOfGroups } from './given-groups.ts';
import { type Plan, type PlannedExplanation, plan } from './plan.ts';
import type { Prediction } from './prediction.ts';
import { preprocessingOf } from './preprocessing-of.ts';
import { versionsOf } from './run-record.ts';
import type { Scored } from './scorecard-document.ts';
import { durationOf, measureSpeeds } from './speed.ts';
import { checkOptions } from './stated-options.ts';

/** See `explain`, which loads this. */
export async function explainInputs(
  model: LoadedModel,
  source: ExplainSource | readonly (ExplainSource | ModelInput)[],
  stated: ExplainOptions,
): Promise<Explained[]> {
  checkModel(model);
  const options = checkOptions(stated);
  const preprocessing = preprocessingOf(model, options);
  const sources = Array.isArray(source)
    ? (source as readonly (ExplainSource | ModelInput)[])
    : [source as ExplainSource];
  const planned = await plan(model, sources, preprocessing, options);
  if (options.onPlanned) options.onPlanned(await announced(model, planned, options));
  const results: Explained[] = [];
  for (const one of planned.explanations) {
    options.onStarted?.(one);
    const attribution = await attribute(model, {
      ...options,
      inputs: one.input.tensors,
      target: one.target,
      baseline: one.baseline,
      explained: one.explained,
      layer: { names: one.layer },
      method: one.method,
      methods: methodTable,
      loadExplainer: (path, trained) => loadExplainer(path, trained, model.edge),
      parameters: one.parameters,
      groups: one.groups,
      layout: one.input.layout,
      labels: one.labels,
    });
    const scored = options.score && (await scoreOf(model, one, attribution, options));
    const result = explainedOf(model, one, preprocessing, attribution, options.command, scored || {});
    options.onExplained?.(result);
    results.push(result);
  }
  return results;
}

async function announced(model: LoadedModel, planned: Plan, options: CheckedOptions): Promise<Announced> {
  const { explanations } = planned;
  const { byteBudget, signal, score: isScored = false } = options;
  const scores = isScored ? await scorecardPasses(explanations) : 0;
  const scoring = { forward: scores, backward: 0 };
  const speeds = await measureSpeeds(model, explanations, { byteBudget, signal, isScored });
  return { ...planned, speeds, scoring, seconds: durationOf(explanations, scoring, speeds) };
}

/** Scorecards, which few ask for, bring all metrics along: they are loaded when one is made. */
const loadScorecards = () => import('./scorecard.ts');

async function scorecardPasses(explanations: readonly PlannedExplanation[]): Promise<number> {
  const { scorecardCost } = await loadScorecards();
  return explanations.reduce((sum, one) => sum + scorecardCost(one).forward, 0);
}

async function scoreOf(model: LoadedModel, one: PlannedExplanation, attribution: Attribution, options: CheckedOptions) {
  options.onScoring?.(one);
  const { input, baseline, explained } = one;
  const { tryScorecard } = await loadScorecards();
  return tryScorecard(model, { input, baseline, explained, attribution }, options);
}

/** What a document says of what was planned, whether it was computed for the first time or again. */
export type Documented = Pick<
  PlannedExplanation,
  'input' | 'prediction' | 'explained' | 'notes' | 'givenGroups' | 'ungrouped'
>;

/** The document of an attribution, with the tensors that it names. */
export function explainedOf(
  model: LoadedModel,
  { input, prediction, explained, notes, givenGroups, ungrouped }: Documented,
  preprocessing: Preprocessing,
  attribution: Attribution,
  command: string | undefined,
  scored: Scored,
): Explained {
  const tensors = new Map<string, Tensor>();
  const keep = (prefix: string) => (name: string, tensor: Tensor) => {
    const key = `${prefix}:${name}`;
    tensors.set(key, tensor);
    return key;
  };
  const store = (prefix: string, values: ReadonlyMap<string, Tensor>) =>
    Object.fromEntries(
      [...values].map(([name, tensor]) => {
        const key = keep(prefix)(name, tensor);
        return [name, { key, type: tensor.type, shape: [...tensor.shape] }];
      }),
    );
  const { baseline } = attribution;
  const baselineInputs = new Map([...(attribution.baselineInputs ?? [])].filter(([name]) => explained.includes(name)));
  const document: ExplanationDocument = {
    format: 'wherefore/explanation',
    version: 1,
    created: new Date().toISOString(),
    versions: versionsOf(model),
    model: {
      name: model.name,
      path: model.path && portablePath(model.path, model.edge.folder),
      hash: model.hash,
      producer: model.source.producer || undefined,
    },
    input: {
      source: input.source,
      hash: input.hash,
      tensors: store('input', input.tensors),
      layout: {
        channelAxis: input.layout.channelAxis,
        spatialAxes: input.layout.spatialAxes && [...input.layout.spatialAxes],
      },
      rate: input.rate,
      transform: input.image && plainTransform(input.image.transform),
      names: input.features && [...input.features.names],
      texts: input.features && [...input.features.texts],
      groups: input.groups && {
        kind: input.groups.kind,
        of: [...input.groups.of],
        names: [...input.groups.names],
        texts: [...input.groups.texts],
        special: input.groups.special && [...input.groups.special],
        baseline:
          baseline?.kind === 'sample' && baseline.tensors === input.sample?.tensors
            ? [...input.sample.texts]
            : undefined,
      },
    },
    preprocessing: portablePreprocessing(preprocessing, model),
    prediction: prediction.summary,
    explained: [...explained],
    target: attribution.target as ExplanationDocument['target'],
    targetDescription: attribution.targetDescription,
    box: boxOf(prediction, attribution.target),
    baseline: baseline ? documentOfBaseline(baseline) : null,
    baselineDescription: attribution.baselineDescription ?? null,
    baselineTensors: store('baseline', baselineInputs),
    layer: [...attribution.layer],
    isCut: attribution.isCut,
    completing: [...attribution.completing],
    method: attribution.method,
    methodTitle: methodTable[attribution.method].title,
    meaning: { ...attribution.meaning },
    parameters: portableParameters(attribution, model.edge.folder),
    chosen: { ...attribution.chosen },
    groups: givenGroups && documentOfGroups(givenGroups, keep('groups')),
    ungrouped: ungrouped || undefined,
    attribution: store('attribution', attribution.values),
    standardErrors: attribution.standardErrors && store('standard error', attribution.standardErrors),
    relativeStandardError: attribution.relativeStandardError,
    value: attribution.value,
    baselineValue: attribution.baselineValue ?? null,
    attributionTarget: attribution.attributionTarget ?? null,
    sum: attribution.sum,
    error: attribution.error ?? null,
    relativeError: attribution.relativeError ?? null,
    converged: attribution.converged ?? null,
    implicitBaseline: attribution.implicitBaseline?.text ?? null,
    implicitTarget: attribution.implicitTarget ?? null,
    implicitError: attribution.implicitError ?? null,
    notes: [...input.notes, ...notes, ...attribution.notes, ...(scored.missing ? [scored.missing] : [])],
    gradientNotes: attribution.gradientNotes.map((note) => ({ ...note })),
    cost: { ...attribution.cost },
    scorecard: scored.scorecard,
    command,
  };
  return { document, tensors, image: input.image?.pixels };
}

/** Files that a method was given, as they may be handed on. */
function portableParameters(
  { method, parameters }: Attribution,
  folder: string | undefined,
): Readonly<Record<string, unknown>> {
  const files = methodTable[method].files ?? [];
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      files.includes(name) && typeof value === 'string' ? portablePath(value, folder) : value,
    ]),
  );
}

function boxOf({ detections }: Prediction, target: Target): ExplanationDocument['box'] {
  const found = 'anchor' in target ? detections?.find(({ anchor }) => anchor === target.anchor)?.box : undefined;
  return found && [...found];
}

function plainTransform({
  source,
  grid,
  scale,
  offset,
}: GridTransform): NonNullable<ExplanationDocument['input']['transform']> {
  return { source: [...source], grid: [...grid], scale: [...scale], offset: [...offset] };
}

import { type Attribution, attribute, explainedInputs } from '../attribution/attribute.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { layersBetween, layersWorthExplaining } from '../attribution/layers.ts';
import { type MethodName, methodTable } from '../attribution/methods/index.ts';
import type { WorkOptions } from '../attribution/prepare.ts';
import { type Target, targetOutput } from '../attribution/target.ts';
import type { GridTransform } from '../data/grid.ts';
import { guessPreprocessing } from '../data/guess.ts';
import type { LoadedModel } from '../data/load-model.ts';
import { type ModelInput, readModelInputs, tensorInput } from '../data/model-input.ts';
import { colourInModelUnits } from '../data/image-input.ts';
import { completePreprocessing } from '../data/preprocessing-file.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';
import type { Explained } from './explained.ts';
import { hasGradient } from './inspect.ts';
import { type Prediction, predict } from './prediction.ts';
import { packageVersion } from './version.ts';

/** What the caller asks for; whatever is left out is chosen from the model and the input, and recorded. */
export interface ExplainOptions extends WorkOptions {
  /** Default: what the model itself said (the predicted class, the strongest detection, the next token, the value). */
  readonly target?: Target | ((input: ModelInput, prediction: Prediction) => Target);
  /** Default by kind of input: a black picture, zeros, or token 0; a function gets the input. */
  readonly baseline?: Baseline | ((input: ModelInput) => Baseline);
  /** Names of values, or `input`, or `all` for the layers worth explaining; several names joined by `+` form one layer. Default `input`. */
  readonly layers?: readonly string[];
  /** Default `integrated-gradients`; `occlusion` where the model has no gradient. */
  readonly methods?: readonly MethodName[];
  /** Parameters by method. */
  readonly parameters?: Readonly<Partial<Record<MethodName, Readonly<Record<string, unknown>>>>>;
  /** Default: what stands beside the model, else what can be guessed from the graph. */
  readonly preprocessing?: Preprocessing;
  /** How a person would repeat it, for the document. */
  readonly command?: string;
  /** Told of every explanation as it is finished. */
  readonly onExplained?: (explained: Explained) => void;
}

/**
 * Explains what a model says of an input: one explanation for each layer and method asked for.
 *
 * @param source a path (picture, `.npy`, `.npz`, `.safetensors`, `table.csv#row`), numbers written out
 *   (`ids=[[1,2,3]]`), or tensors by input name
 * @throws WhereforeError with what, where and how to mend it; nothing is computed before everything is checked
 * @example
 * const model = await loadModel('model.onnx');
 * const [explanation] = await explain(model, 'picture.png', { baseline: { kind: 'zero' } });
 * console.log(explanation.document.targetDescription, explanation.document.relativeError);
 */
export async function explain(model: LoadedModel, source: string | ReadonlyMap<string, Tensor>, options: ExplainOptions = {}): Promise<Explained[]> {
  const preprocessing = preprocessingOf(model, options);
  const inputs =
    typeof source === 'string'
      ? await readModelInputs(model, source, preprocessing)
      : [tensorInput(model, source, 'tensors in memory', undefined, preprocessing)];
  const results: Explained[] = [];
  for (const input of inputs) results.push(...(await explainInput(model, input, preprocessing, options)));
  return results;
}

/** How inputs are made for a model: given, written beside it, or guessed. */
export function preprocessingOf(model: LoadedModel, options: { readonly preprocessing?: Preprocessing }): Preprocessing {
  return (
    options.preprocessing ??
    model.preprocessing?.preprocessing ??
    completePreprocessing(guessPreprocessing(model.source).preprocessing)
  );
}

async function explainInput(model: LoadedModel, input: ModelInput, preprocessing: Preprocessing, options: ExplainOptions): Promise<Explained[]> {
  const labels = model.preprocessing?.labels;
  const prediction = await predict(model, input.tensors, preprocessing, labels);
  const target = typeof options.target === 'function' ? options.target(input, prediction) : (options.target ?? prediction.target);
  const baseline = typeof options.baseline === 'function' ? options.baseline(input) : (options.baseline ?? usualBaseline(model, input));
  const explained = explainedInputs(model, baseline);
  const layers = await resolveLayers(model, input, target, explained, options.layers ?? ['input']);
  const methods = options.methods ?? [usualMethod(model)];
  const results: Explained[] = [];
  for (const layer of layers) {
    for (const method of methods) {
      const isInput = layer.every((name) => explained.includes(name));
      if (methodTable[method]?.layers === 'input' && !isInput) continue;
      const attribution = await attribute(model, {
        ...options,
        inputs: input.tensors,
        target,
        baseline,
        explained,
        layer: { names: layer },
        method,
        parameters: options.parameters?.[method],
        layout: input.layout,
        labels,
      });
      const result = explainedOf(model, input, preprocessing, prediction, explained, attribution, options.command);
      options.onExplained?.(result);
      results.push(result);
    }
  }
  if (results.length === 0) {
    throw new WhereforeError('invalid-argument', `${methods.join(', ')} explains the input only`, { fix: 'choose --layer input, or another method' });
  }
  return results;
}

/** A baseline by the kind of input: the colour black for a picture, zeros for numbers, token 0 for text. */
export function usualBaseline(model: LoadedModel, input: ModelInput): Baseline {
  if (input.picture) return colourBaseline(input, [0, 0, 0], 'black picture');
  const hasFloats = [...input.tensors.values()].some((tensor) => tensor.type === 'float32');
  return hasFloats || !model.graph.inputs.some(({ type }) => type === 'int64') ? { kind: 'zero' } : { kind: 'tokens', id: 0 };
}

/** A picture of one colour (RGB, 0–255), in the model's own units. */
export function colourBaseline(input: ModelInput, colour: readonly [number, number, number], description: string): Baseline {
  const { picture } = input;
  if (!picture) throw new WhereforeError('invalid-argument', 'a colour is a baseline for pictures', { got: description, fix: 'use zero, mean or constant:NUMBER' });
  const [[, tensor]] = [...input.tensors];
  const values = new Float32Array(tensor.data.length);
  const units = colourInModelUnits(colour, picture.input);
  const { channelAxis = 1 } = input.layout;
  const inner = tensor.shape.slice(channelAxis + 1).reduce((a, b) => a * b, 1);
  for (let i = 0; i < values.length; i++) values[i] = units[Math.floor(i / inner) % units.length];
  return { kind: 'input', tensor: float32(tensor.shape, values), description };
}

function usualMethod(model: LoadedModel): MethodName {
  return hasGradient(model) ? 'integrated-gradients' : 'occlusion';
}

async function resolveLayers(
  model: LoadedModel,
  input: ModelInput,
  target: Target,
  explained: readonly string[],
  wanted: readonly string[],
): Promise<string[][]> {
  const layers: string[][] = [];
  for (const text of wanted) {
    if (text === 'input') layers.push([...explained]);
    else if (text === 'all') {
      const { graph, facts } = await model.executor.specialise(model.graph, input.tensors);
      const candidates = layersBetween(graph, facts, explained, targetOutput(graph, facts, target));
      layers.push([...explained], ...layersWorthExplaining(candidates).map(({ name }) => [name]));
    } else layers.push(model.types.has(text) ? [text] : text.split('+').map((name) => name.trim()));
  }
  return layers;
}

function explainedOf(
  model: LoadedModel,
  input: ModelInput,
  preprocessing: Preprocessing,
  prediction: Prediction,
  explained: readonly string[],
  attribution: Attribution,
  command: string | undefined,
): Explained {
  const tensors = new Map<string, Tensor>();
  const store = (prefix: string, values: ReadonlyMap<string, Tensor>) =>
    Object.fromEntries(
      [...values].map(([name, tensor]) => {
        const key = `${prefix}:${name}`;
        tensors.set(key, tensor);
        return [name, { key, type: tensor.type, shape: [...tensor.shape] }];
      }),
    );
  const { baseline } = attribution;
  const baselineInputs = new Map([...(attribution.baselineInputs ?? [])].filter(([name]) => explained.includes(name)));
  const document: ExplanationDocument = {
    format: 'wherefore/explanation',
    version: 1,
    created: new Date().toISOString(),
    versions: {
      wherefore: packageVersion,
      runtime: `${model.executor.runtime.name} ${model.executor.runtime.version}`,
      node: process.versions.node,
    },
    model: { name: model.name, path: model.path, hash: model.hash, producer: model.source.producer || undefined },
    input: {
      source: input.source,
      hash: input.hash,
      tensors: store('input', input.tensors),
      layout: { channelAxis: input.layout.channelAxis, spatialAxes: input.layout.spatialAxes && [...input.layout.spatialAxes] },
      transform: input.picture && plainTransform(input.picture.transform),
      names: input.features && [...input.features.names],
      texts: input.features && [...input.features.texts],
    },
    preprocessing,
    prediction: prediction.summary,
    explained: [...explained],
    target: attribution.target as ExplanationDocument['target'],
    targetDescription: attribution.targetDescription,
    baseline: baseline ? (baseline.kind === 'input' ? { kind: 'input', description: baseline.description } : baseline) : null,
    baselineDescription: attribution.baselineDescription ?? null,
    baselineTensors: store('baseline', baselineInputs),
    layer: [...attribution.layer],
    isCut: attribution.isCut,
    completing: [...attribution.completing],
    method: attribution.method,
    methodTitle: methodTable[attribution.method].title,
    parameters: { ...attribution.parameters },
    chosen: { ...attribution.chosen },
    attribution: store('attribution', attribution.values),
    value: attribution.value,
    baselineValue: attribution.baselineValue ?? null,
    attributionTarget: attribution.attributionTarget ?? null,
    sum: attribution.sum,
    error: attribution.error ?? null,
    relativeError: attribution.relativeError ?? null,
    converged: attribution.converged ?? null,
    implicitBaseline: attribution.implicitBaseline ?? null,
    notes: [...input.notes, ...attribution.notes],
    gradientNotes: attribution.gradientNotes.map((note) => ({ ...note })),
    cost: { ...attribution.cost },
    command,
  };
  return { document, tensors, picture: input.picture?.pixels };
}

function plainTransform({ source, grid, scale, offset }: GridTransform): NonNullable<ExplanationDocument['input']['transform']> {
  return { source: [...source], grid: [...grid], scale: [...scale], offset: [...offset] };
}

import { type ProposedLayer, proposedLayers } from '../attribution/branches.ts';
import { explainedInputs } from '../attribution/explained.ts';
import type { LayerCandidate } from '../attribution/layers.ts';
import { targetOutput } from '../attribution/targets/target.ts';
import { holdsTokens } from '../attribution/tokens.ts';
import { gradientCuts } from '../autodiff/cuts.ts';
import { nonDifferentiable } from '../autodiff/non-differentiable.ts';
import { isEstimated, operatorsWithRule } from '../autodiff/rules/index.ts';
import { type GuessedPreprocessing, guessPreprocessing } from '../data/guess/guess.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { elementsRead, type Graph, operatorKey, requiredInputs, type ValueInfo } from '../onnx/graph.ts';
import { traitsOf } from '../onnx/operators.ts';
import { checkModel } from '../runtime/model.ts';
import { lookup } from '../tensor/lookup.ts';
import { checkElements, dataTypes, mostTrialElements, sizeOf, type Tensor, tensor } from '../tensor/tensor.ts';

/** How gradients get through an operator of a model. */
export type GradientStatus = 'exact' | 'estimate' | 'zero' | 'refused' | 'missing';

export interface OperatorCount {
  readonly operator: string;
  readonly count: number;
  readonly gradient: GradientStatus;
  /** Why not, where the status is not `exact`. */
  readonly why?: string;
}

/** What a model file holds and what can be explained of it. */
export interface Inspection {
  readonly name: string;
  readonly hash: string;
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: number;
  readonly parameters: number;
  readonly weightBytes: number;
  readonly operators: readonly OperatorCount[];
  /** Layers worth explaining, and of how many candidates; undefined where `layersMissing` says why. */
  readonly layers: { readonly worth: readonly ProposedLayer[]; readonly all: readonly LayerCandidate[] } | undefined;
  readonly layersMissing: string | undefined;
  /** Where the gradient of an input ends although the outputs hang on it; undefined where the model cannot be tried. */
  readonly cuts: readonly string[] | undefined;
  readonly preprocessing: GuessedPreprocessing;
  readonly described: boolean;
  readonly notes: readonly string[];
}

/** Describes a model: what goes in and out, what blocks gradients, which layers are worth explaining. */
export async function inspect(model: LoadedModel): Promise<Inspection> {
  checkModel(model);
  const { graph, source } = model;
  let parameters = 0;
  let weightBytes = 0;
  for (const weight of source.graph.initializers.values()) {
    if (!weight.type.startsWith('float') && !weight.type.startsWith('bfloat')) continue;
    parameters += sizeOf(weight.shape);
    weightBytes += sizeOf(weight.shape) * dataTypes[weight.type].bytes;
  }
  const { layers, layersMissing, cuts, remaining } = await layersOf(model);
  return {
    name: model.name,
    hash: model.hash,
    producer: source.producer,
    opsets: source.opsets,
    inputs: requiredInputs(source.graph),
    outputs: source.graph.outputs,
    nodes: source.graph.nodes.length,
    parameters,
    weightBytes,
    operators: countOperators(graph, remaining),
    layers,
    layersMissing,
    cuts,
    preprocessing: guessPreprocessing(source, model.beside),
    described: model.preprocessing !== undefined,
    notes: model.notes.map((note) => note.text),
  };
}

/** An operator that stops gradients. */
export interface Obstacle {
  readonly operator: string;
  readonly node: string;
  readonly why: string;
}

/** The first operator between some values and an output that a gradient cannot pass; undefined where all have rules. */
export function gradientObstacle(graph: Graph, from: readonly string[], output: string): Obstacle | undefined {
  const needed = new Set([output]);
  for (const node of [...graph.nodes].reverse()) {
    if (node.outputs.some((name) => needed.has(name))) for (const name of elementsRead(node)) needed.add(name);
  }
  const reached = new Set(from);
  for (const node of graph.nodes) {
    if (![...elementsRead(node)].some((name) => reached.has(name))) continue;
    if (!node.outputs.some((name) => needed.has(name)) || node.outputs.some((name) => from.includes(name))) continue;
    const operator = operatorKey(node);
    const { gradient, why = '' } = statusOf(operator);
    if (gradient === 'refused' || gradient === 'missing') return { operator, node: node.name || node.outputs[0], why };
    // A zero gradient ends there: nothing before it can stand in the way.
    if (gradient !== 'zero') for (const name of node.outputs) reached.add(name);
  }
  return undefined;
}

/** @param remaining operators that are left once the shapes of an input are known: loops and sequences are gone then */
function countOperators(graph: Graph, remaining: ReadonlySet<string> | undefined): OperatorCount[] {
  const counts = new Map<string, number>();
  for (const node of graph.nodes) counts.set(operatorKey(node), (counts.get(operatorKey(node)) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([operator, count]) => ({
      operator,
      count,
      ...(remaining?.has(operator) === false ? replaced : statusOf(operator)),
    }));
}

const replaced = { gradient: 'exact', why: 'replaced by simpler operators for the shapes of the input' } as const;
const followed = { gradient: 'exact', why: 'the gradient is that of what it decides at each input' } as const;

function statusOf(operator: string): { gradient: GradientStatus; why?: string } {
  if (isEstimated(operator)) return { gradient: 'estimate', why: 'straight-through estimate' };
  if (operatorsWithRule.has(operator)) return { gradient: 'exact' };
  // Executor.specialise follows what these decide by the data.
  if (operator === 'If' || operator === 'Loop') return followed;
  const reason = lookup(nonDifferentiable, operator);
  if (reason) return { gradient: reason.gradient, why: reason.why };
  // What only makes constants (shapes, ranges, masks) is folded away before a gradient could meet it.
  if (traitsOf(operator).makesConstants) return { gradient: 'zero', why: 'makes constants' };
  return { gradient: 'missing', why: 'there is no rule for it' };
}

type OfShapes = Pick<Inspection, 'layers' | 'layersMissing' | 'cuts'> & { readonly remaining?: ReadonlySet<string> };

async function layersOf(model: LoadedModel): Promise<OfShapes> {
  try {
    const feeds = exampleFeeds(model);
    const { graph, facts } = await model.executor.specialise(model.graph, feeds, { trial: true });
    const floats = graph.inputs.filter(({ name }) => model.types.get(name) === 'float32').map(({ name }) => name);
    const hasTokens = model.graph.inputs.some(({ name }) => holdsTokens(model.graph, name));
    const from = floats.length ? floats : explainedInputs(model, hasTokens ? { kind: 'tokens', id: 0 } : undefined);
    const outputs = model.graph.outputs.flatMap(({ name }) => (facts.types.get(name) === 'float32' ? [name] : []));
    const cuts = gradientCuts(graph.nodes, facts, floats, outputs).map(({ text }) => text);
    const layers = proposedLayers(graph, facts, from, targetOutput(graph, facts));
    return { layers, layersMissing: undefined, cuts, remaining: new Set(graph.nodes.map(operatorKey)) };
  } catch (error) {
    // The rest of the inspection is worth showing even where the model cannot run on made-up input.
    if (error instanceof WhereforeError) return { layers: undefined, layersMissing: error.message, cuts: undefined };
    throw error;
  }
}

/** A made-up input of every input's declared shape: 1 for the batch, 8 for other open sizes. */
function exampleFeeds(model: LoadedModel): Map<string, Tensor> {
  return new Map(
    model.graph.inputs.map(({ name, type, shape }) => {
      if (!type || !shape) throw new WhereforeError('unsupported-model', `input "${name}" has no declared tensor type`);
      const sizes = shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : 8));
      checkElements(sizes, mostTrialElements, `input "${name}"`);
      return [name, tensor(type, sizes)];
    }),
  );
}

import { WhereforeError } from '../errors.ts';
import { type Graph, type OnnxModel, requiredInputs } from '../onnx/graph.ts';
import type { Expansions } from '../onnx/lowering/expansions/expression.ts';
import { allExpansions } from '../onnx/lowering/expansions/index.ts';
import { lowerWith } from '../onnx/lowering/lower.ts';
import type { LoweringNote } from '../onnx/lowering/notes.ts';
import { toFloat32 } from '../onnx/lowering/precision.ts';
import { inferTypes } from '../onnx/types.ts';
import type { DataType } from '../tensor/tensor.ts';
import { Executor, type ExecutorOptions } from './executor.ts';
import type { Runtime, WeightSource } from './runtime.ts';

/** A model that can be run and differentiated: the lowered graph, its origin and what runs it. */
export interface Model {
  readonly name: string;
  /** SHA-256 of the model file (and of its external data), in hexadecimal. */
  readonly hash: string;
  /** The file as it was decoded. */
  readonly source: OnnxModel;
  /** The graph that is run: one version of each operator, functions inlined, float32 where the file has float16. */
  readonly graph: Graph;
  /** What lowering changed that a reader of numbers should know. */
  readonly notes: readonly LoweringNote[];
  readonly types: ReadonlyMap<string, DataType>;
  /** Rows that one run takes at most, where the file has them built in; default: any number. */
  readonly rowsAtMost?: number;
  readonly executor: Executor;
  close(): Promise<void>;
}

export interface ModelOrigin {
  readonly name: string;
  readonly hash: string;
  readonly weights?: WeightSource;
}

/**
 * Refuses what is no opened model, such as the path of one: programs without types find out only here.
 * @throws WhereforeError `invalid-argument`
 */
export function checkModel(model: unknown): void {
  const { graph, executor } = (typeof model === 'object' && model !== null ? model : {}) as Partial<Model>;
  if (graph !== undefined && executor !== undefined) return;
  throw new WhereforeError('invalid-argument', 'this is no model', {
    got: typeof model === 'string' ? `the text "${model}"` : model === null ? 'null' : typeof model,
    expected: 'an opened model',
    fix: `const model = await loadModel(${typeof model === 'string' ? JSON.stringify(model) : "'model.onnx'"})`,
  });
}

/** Makes a decoded model ready to run on `runtime`. */
export function createModel(
  source: OnnxModel,
  runtime: Runtime,
  origin: ModelOrigin,
  options?: ExecutorOptions,
): Model {
  return createModelWith(allExpansions(), source, { runtime, origin, options });
}

/** `createModel` where the expansions that the model may need are at hand (`expansionsFor`). */
export function createModelWith(
  expansions: Expansions,
  source: OnnxModel,
  { runtime, origin, options }: { runtime: Runtime; origin: ModelOrigin; options?: ExecutorOptions },
): Model {
  if (source.graph.nodes.length === 0) {
    throw new WhereforeError('unsupported-model', `${origin.name} has no nodes`, { fix: 'export the model again' });
  }
  // An input that has a value in the file is a constant, as runtimes take it where nobody gives another.
  const required = { ...source, graph: { ...source.graph, inputs: requiredInputs(source.graph) } };
  const lowered = lowerWith(required, { expansions, keep: new Set() });
  const { model, notes } = toFloat32(lowered.model);
  const executor = new Executor(runtime, model, origin.weights, options);
  return {
    name: origin.name,
    hash: origin.hash,
    source,
    graph: model.graph,
    notes: [...lowered.notes, ...notes],
    types: inferTypes(model.graph),
    executor,
    close: () => executor.close(),
  };
}

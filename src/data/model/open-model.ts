import { WhereforeError } from '../../errors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { validateModel } from '../../onnx/validate.ts';
import type { ExecutorOptions } from '../../runtime/executor.ts';
import { withOpenBatch } from '../../runtime/fixed-batch.ts';
import { createModel, type ModelOrigin } from '../../runtime/model.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Edge, LoadedModel } from './loaded-model.ts';
import { labelsOfModel } from './model-labels.ts';
import type { PreprocessingText } from './preprocessing.ts';
import { checkPreprocessing, completePreprocessing } from './preprocessing-text.ts';

export interface OpenModelOptions {
  /** What runs the model; it stays open when the model is closed. */
  readonly runtime: Runtime;
  /** Name of the model, for messages. Default `model.onnx`. */
  readonly name?: string;
  /** How its inputs are made, as a `wherefore.yaml` says it; default: what the graph shows. */
  readonly preprocessing?: PreprocessingText;
  /** How files are reached. Default: not at all; inputs are then tensors, and `lax` cannot open its explainer. */
  readonly edge?: Edge;
}

/**
 * A model from bytes that hold all of its weights, without any file or platform: `loadModel` does the same for files.
 * @throws WhereforeError `not-onnx`, `malformed-model`, `unsupported-model`; `invalid-data` for a faulty preprocessing
 * @example
 * const model = await openModel(bytes, { runtime });
 * const [explanation] = await explain(model, new Map([['x', tensor]]));
 */
export async function openModel(
  bytes: Uint8Array,
  { runtime, name = 'model.onnx', preprocessing: text, edge = noEdge }: OpenModelOptions,
): Promise<LoadedModel> {
  const decoded = await Promise.resolve(bytes)
    .then((content) => {
      const model = decodeModel(content, { fileName: name });
      validateModel(model);
      return model;
    })
    .catch(asMalformed(name));
  checkWeights(decoded, name);
  const loaded = text && { preprocessing: completePreprocessing(text), path: name };
  const labels = loaded && Array.isArray(loaded.preprocessing.labels) ? loaded.preprocessing.labels : undefined;
  if (loaded) checkPreprocessing({ ...loaded, labels }, decoded.graph);
  const origin: ModelOrigin = {
    name,
    hash: contentHash([bytes]),
    weights: { kind: 'memory', files: new Map([[name, bytes]]) },
  };
  const model = await opened(decoded, runtime, origin).catch(asMalformed(name));
  const names = labels ?? labelsOfModel(decoded, undefined).labels?.names;
  return { ...model, path: undefined, preprocessing: loaded, beside: undefined, labels: names, edge };
}

function checkWeights({ graph }: OnnxModel, name: string): void {
  for (const { location } of graph.initializers.values()) {
    if (location.kind !== 'file' || location.path === name) continue;
    throw new WhereforeError('unsupported-model', 'the model keeps weights in another file', {
      where: name,
      got: location.path,
      fix: 'export it with its weights inside, or load it by its path with loadModel',
    });
  }
}

/** Nothing lies around a model that came as bytes. */
const noEdge: Edge = {
  versions: {},
  folder: undefined,
  absolute: (path) => path,
  readInputs: async (_, source) => {
    throw withoutFiles(source, 'give the tensors themselves');
  },
  tokenizer: async () => undefined,
  loadModel: async (path) => {
    throw withoutFiles(path, 'open the model with an edge that has files');
  },
};

const withoutFiles = (where: string, fix: string) =>
  new WhereforeError('invalid-argument', 'a text names a file, and this model has no way to files', { where, fix });

/** Made ready and, where the file fixes its batch, freed of that. */
export const opened = async (decoded: OnnxModel, runtime: Runtime, origin: ModelOrigin, options?: ExecutorOptions) =>
  withOpenBatch(createModel(decoded, runtime, origin, options));

/** What reading a damaged file may throw is no error of ours: an array without end, a nesting deeper than the stack. */
export const asMalformed =
  (where: string) =>
  (error: unknown): never => {
    if (error instanceof WhereforeError) throw error;
    throw new WhereforeError('malformed-model', 'the file does not describe a model that can be read', {
      where,
      got: error instanceof Error ? error.message : String(error),
      expected: 'an ONNX model of sound structure',
      fix: 'get or export the file again',
      cause: error,
    });
  };

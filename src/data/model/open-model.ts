import { WhereforeError } from '../../errors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { expansionsFor } from '../../onnx/lowering/expansions/rare.ts';
import { validateModel } from '../../onnx/validate.ts';
import { fileName } from '../../paths.ts';
import type { ExecutorOptions } from '../../runtime/executor.ts';
import { withOpenBatch } from '../../runtime/fixed-batch.ts';
import { createModelWith, type ModelOrigin } from '../../runtime/model.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Files } from '../files/file-access.ts';
import { findBeside } from './beside.ts';
import { readExternalFiles } from './external-files.ts';
import { filesEdge, type Surroundings } from './files-edge.ts';
import type { LoadedModel } from './loaded-model.ts';
import { labelsOfModel } from './model-labels.ts';
import type { PreprocessingText } from './preprocessing.ts';
import { preprocessingBeside } from './preprocessing-at.ts';
import { checkPreprocessing, completePreprocessing, type LoadedPreprocessing } from './preprocessing-text.ts';

export interface OpenModelOptions extends Surroundings {
  /** What runs the model; it stays open when the model is closed. */
  readonly runtime: Runtime;
  /** Name of a model given as bytes, for messages. Default `model.onnx`. */
  readonly name?: string;
  /** What is changed in the decoded file before it is made ready, such as a cache that is left out. Default: nothing. */
  prepare?(decoded: OnnxModel): OnnxModel;
  /** How its inputs are made, as a `wherefore.yaml` says it; default: the one beside the model, else what the graph shows. */
  readonly preprocessing?: PreprocessingText;
}

/**
 * Opens a model without any platform: from bytes that hold all of its weights, or from a path in `files`, with its
 * weights, `wherefore.yaml` and labels beside it. `loadModel` does the same for the files of Node.
 * @throws WhereforeError `not-onnx`, `malformed-model`, `unsupported-model`; `invalid-data` for a faulty preprocessing;
 *   `file-not-found`
 * @example
 * const model = await openModel(bytes, { runtime });
 * const [explanation] = await explain(model, new Map([['x', tensor]]));
 */
export async function openModel(source: Uint8Array | string, options: OpenModelOptions): Promise<LoadedModel> {
  const { runtime, files } = options;
  const path = typeof source === 'string' ? source : undefined;
  const name = path === undefined ? (options.name ?? 'model.onnx') : fileName(path);
  const bytes = typeof source === 'string' ? await bytesAt(files, source) : source;
  const decoded = await Promise.resolve(bytes)
    .then((content) => {
      const model = decodeModel(content, { fileName: name });
      validateModel(model);
      return options.prepare?.(model) ?? model;
    })
    .catch(asMalformed(name));
  if (path === undefined) checkWeights(decoded, name);
  const weights = path === undefined || !files ? new Map() : await readExternalFiles(decoded, files, path);
  const written = options.preprocessing
    ? withOwnLabels({ preprocessing: completePreprocessing(options.preprocessing), path: name })
    : path !== undefined && files
      ? await preprocessingBeside(files, path)
      : undefined;
  if (written) checkPreprocessing(written, decoded.graph);
  const origin: ModelOrigin = {
    name,
    hash: contentHash([bytes, ...weights.values()]),
    weights: { kind: 'memory', files: new Map([...weights, [name, bytes]]) },
  };
  const model = await opened(decoded, runtime, origin).catch(asMalformed(name));
  const beside = path !== undefined && files ? await findBeside(files, path) : undefined;
  const labels = written?.labels ?? labelsOfModel(decoded, beside).labels?.names;
  const edge = filesEdge(options, (other) =>
    openModel(other, { ...options, preprocessing: undefined, prepare: undefined }),
  );
  return { ...model, path, preprocessing: written, beside, labels, edge };
}

async function bytesAt(files: Files | undefined, path: string): Promise<Uint8Array> {
  if (files) return files.read(path, 'model');
  throw new WhereforeError('invalid-argument', 'a path names a model, and there are no files', {
    where: path,
    fix: 'give the bytes of the model, or files: memoryFiles(…)',
  });
}

function withOwnLabels(loaded: LoadedPreprocessing): LoadedPreprocessing {
  const { labels } = loaded.preprocessing;
  return Array.isArray(labels) ? { ...loaded, labels } : loaded;
}

function checkWeights({ graph }: OnnxModel, name: string): void {
  for (const { location } of graph.initializers.values()) {
    if (location.kind !== 'file' || location.path === name) continue;
    throw new WhereforeError('unsupported-model', 'the model keeps weights in another file', {
      where: name,
      got: location.path,
      fix: 'open it by its path with files that hold both, or export it with its weights inside',
    });
  }
}

/** Made ready and, where the file fixes its batch, freed of that. */
export const opened = async (decoded: OnnxModel, runtime: Runtime, origin: ModelOrigin, options?: ExecutorOptions) =>
  withOpenBatch(createModelWith(await expansionsFor(decoded), decoded, { runtime, origin, options }));

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

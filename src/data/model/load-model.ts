import { basename, dirname, join, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { validateModel } from '../../onnx/validate.ts';
import { createNodeRuntime, type Isolation } from '../../runtime/node.ts';
import type { Runtime, WeightSource } from '../../runtime/runtime.ts';
import { FileHash } from '../files/file-hash.ts';
import { findBelow, foldersOf, isFolder, realPath } from '../files/folders.ts';
import { nodeFiles } from '../files/node-files.ts';
import { withFile } from '../files/open-file.ts';
import { withinTime } from '../files/within-time.ts';
import { splitSelection } from '../inputs/row-selection.ts';
import { findBeside } from './beside.ts';
import { externalFiles } from './external-files.ts';
import type { Edge, LoadedModel } from './loaded-model.ts';
import { labelsOfModel } from './model-labels.ts';
import { type NamedFiles, withNamedFiles } from './named-beside.ts';
import { asMalformed, opened } from './open-model.ts';
import { findPreprocessing, loadPreprocessing } from './preprocessing-file.ts';
import { checkPreprocessing } from './preprocessing-text.ts';

export interface LoadModelOptions extends NamedFiles {
  /** What runs the model; default: ONNX Runtime in a worker of this model's own, closed with it. */
  readonly runtime?: Runtime;
  /** Threads of the default runtime; default: all processors. */
  readonly threads?: number;
  /**
   * Where native code runs. Default `process`: a file that brings ONNX Runtime down, hangs it or fills the memory ends
   * in an error and never in the end of this program, and an aborted signal ends the run in progress. It costs 0.2 s
   * when the model is first run, 0.1 ms for each run, and 1.6 ms for each megabyte that goes in and comes back.
   * `thread`: in worker threads of this program, for files that are known to be sound.
   */
  readonly isolation?: Isolation;
  /**
   * Bytes that the values of a run may take with `isolation: 'process'`, watched on Linux; from 1.5 GiB (default) up.
   * The process may hold four times the bytes of the model's files besides.
   */
  readonly memory?: number;
  /**
   * Seconds that one run of the model may take, with `isolation: 'process'`. Default: 120, and 60 for each GiB of
   * weights; 5 for a graph with a loop that may have no end.
   */
  readonly timeLimit?: number;
  /** Path of a `wherefore.yaml`; default: the one beside the model, if any. */
  readonly preprocessing?: string;
  /** Name of a model given as bytes, for messages. Default `model.onnx`. */
  readonly name?: string;
  /** Changes the decoded model before it is made ready, such as to leave out inputs that stay empty. Default: nothing. */
  readonly prepare?: (model: OnnxModel) => OnnxModel;
  /** Folders that the file must lie in, where another file names it. Default: anywhere. */
  readonly inside?: readonly string[];
}

/**
 * Loads an ONNX model from a path or from bytes.
 *
 * Weights are never copied: the runtime reads them from the file (or from the bytes) itself.
 * @throws WhereforeError `file-not-found`, `not-onnx`, `malformed-model`, `unsupported-model`; `invalid-data` for a
 *   faulty `wherefore.yaml`
 * @example
 * const model = await loadModel('model.onnx');
 * await model.close();
 */
export async function loadModel(source: string | Uint8Array, options: LoadModelOptions = {}): Promise<LoadedModel> {
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
    throw new WhereforeError('invalid-argument', 'this is no model file', {
      got: source === null ? 'null' : typeof source,
      expected: 'the path of an .onnx file, or its bytes in a Uint8Array',
      fix: "loadModel('model.onnx')",
    });
  }
  const { bytes, path } = await modelBytes(source, options);
  const fileName = typeof source === 'string' ? basename(source) : (options.name ?? 'model.onnx');
  const { decoded: written, folder } = await decodeAt(bytes, path, fileName).catch(asMalformed(fileName));
  const decoded = prepared(written, fileName, options);
  const hash = new FileHash().update(bytes);
  let size = bytes.length;
  for (const [name, end] of externalFiles(decoded)) {
    await hashWeights(hash, { name, end, folder, fileName });
    size += end;
  }
  const found = options.preprocessing
    ? await loadPreprocessing(options.preprocessing)
    : path
      ? await findPreprocessing(path)
      : undefined;
  const there = { written: found, beside: path === undefined ? undefined : await findBeside(nodeFiles, path) };
  const { written: preprocessing, beside } = await withNamedFiles(decoded, there, options);
  if (preprocessing) checkPreprocessing(preprocessing, decoded.graph);
  const { threads, isolation = 'process', timeLimit } = options;
  const memoryLimit = Math.max(leastMemory, options.memory ?? 0) + 4 * size;
  const runtime = options.runtime ?? createNodeRuntime({ threads, isolation, memoryLimit, timeLimit });
  const weights: WeightSource = folder
    ? { kind: 'folder', folder }
    : { kind: 'memory', files: new Map([[fileName, bytes]]) };
  const origin = { name: fileName, hash: hash.digest(), weights };
  const model = await opened(decoded, runtime, origin, { ownsRuntime: !options.runtime }).catch(async (error) => {
    if (!options.runtime) await runtime.close();
    return asMalformed(fileName)(error);
  });
  return {
    ...model,
    path,
    preprocessing,
    beside,
    edge: nodeEdge,
    labels: preprocessing?.labels ?? labelsOfModel(decoded, beside).labels?.names,
  };
}

function prepared(decoded: OnnxModel, fileName: string, { prepare }: LoadModelOptions): OnnxModel {
  try {
    validateModel(decoded);
    return prepare ? prepare(decoded) : decoded;
  } catch (error) {
    return asMalformed(fileName)(error);
  }
}

/** Files and versions of Node. What reads inputs is loaded when an input is read. */
const nodeEdge: Edge = {
  versions: { node: process.versions.node },
  get folder() {
    return process.cwd();
  },
  absolute: (path) => resolve(path),
  files: nodeFiles,
  findBelow: async (folders, path) => (await findBelow(folders, path))?.path,
  readInputs: async (model, source, preprocessing, options) =>
    (await import('../inputs/read-model-input.ts')).readModelInputs(model, source, preprocessing, options),
  sourcesIn: async (source, preprocessing) => {
    const { path, selection } = splitSelection(source);
    if (!(await isFolder(path))) return [source];
    const { filesOfFolder } = await import('../inputs/source-files.ts');
    return (await filesOfFolder(nodeFiles, path, preprocessing, { selection, any: true })).paths;
  },
  decodeImage: async (bytes, options) => (await import('../formats/image.ts')).readImage(bytes, options),
  withinTime,
  loadModel: (path, runtime) => loadModel(path, { runtime }),
};

/** The bytes of a model, and its absolute path unless it comes from memory or through a pipe, which ends. */
async function modelBytes(
  source: string | Uint8Array,
  { inside }: LoadModelOptions,
): Promise<{ bytes: Uint8Array; path: string | undefined }> {
  if (typeof source !== 'string') return { bytes: source, path: undefined };
  return withFile(source, 'model', { inside, pipe: !inside }, async (file) => ({
    bytes: await file.bytes(),
    path: file.isPipe ? undefined : resolve(source),
  }));
}

/**
 * Decodes a model and finds the folder that its weights lie in. The runtime refuses weights behind a link that leaves
 * the folder, so a file that holds all of its weights and is reached by a link (as in caches of downloaded models) is
 * taken where it really lies.
 */
async function decodeAt(
  bytes: Uint8Array,
  path: string | undefined,
  fileName: string,
): Promise<{ decoded: OnnxModel; folder: string | undefined }> {
  const decoded = decodeModel(bytes, { fileName });
  const real = path && (await realPath(path));
  if (!path || !real || real === path) return { decoded, folder: path && dirname(path) };
  const own = [...decoded.graph.initializers.values()].every(
    ({ location }) => location.kind !== 'file' || location.path === fileName,
  );
  if (!own) return { decoded, folder: dirname(path) };
  return { decoded: decodeModel(bytes, { fileName: basename(real) }), folder: dirname(real) };
}

/** Bytes for the values of a run and for the runtime itself; weights are held several times while they are rearranged. */
const leastMemory = 1.5 * 2 ** 30;

/** Adds to a hash what the model takes of a file of weights: what follows in the file is not the model's. */
async function hashWeights(
  hash: FileHash,
  weights: {
    readonly name: string;
    readonly end: number;
    readonly folder: string | undefined;
    readonly fileName: string;
  },
): Promise<void> {
  const { name, end, folder, fileName } = weights;
  if (!folder) {
    throw new WhereforeError('unsupported-model', 'the model keeps weights in another file', {
      where: fileName,
      got: name,
      fix: 'load it by its path',
    });
  }
  const path = join(folder, name);
  const inside = await foldersOf(join(folder, fileName));
  await withFile(path, 'weights', { inside }, async (file) => {
    if (file.size < end) {
      throw new WhereforeError('malformed-model', 'the file with the weights is too short', {
        where: path,
        got: `${file.size} bytes`,
        expected: `at least ${end}`,
        fix: 'get the complete file',
      });
    }
    for await (const piece of file.pieces(end)) hash.update(piece);
  }).catch((cause: unknown) => {
    if (!(cause instanceof WhereforeError && cause.code === 'file-not-found')) throw cause;
    throw new WhereforeError('file-not-found', 'the file with the weights is missing', {
      where: fileName,
      got: path,
      fix: 'put it beside the model',
      cause,
    });
  });
}

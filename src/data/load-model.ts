import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { decodeModel } from '../onnx/decode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { validateModel } from '../onnx/validate.ts';
import { createModel, type Model } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Runtime, WeightSource } from '../runtime/runtime.ts';
import { readBytes } from './files.ts';
import {
  checkPreprocessing,
  findPreprocessing,
  type LoadedPreprocessing,
  loadPreprocessing,
} from './preprocessing-file.ts';

/** A model from a file, with how its inputs are made where somebody wrote that down. */
export interface LoadedModel extends Model {
  /** Absolute path of the file; undefined for a model from bytes. */
  readonly path: string | undefined;
  readonly preprocessing: LoadedPreprocessing | undefined;
}

export interface LoadModelOptions {
  /** What runs the model; default: ONNX Runtime in a worker of this model's own, closed with it. */
  readonly runtime?: Runtime;
  /** Threads of the default runtime; default: all processors. */
  readonly threads?: number;
  /** Path of a `wherefore.yaml`; default: the one beside the model, if any. */
  readonly preprocessing?: string;
  /** Name of a model given as bytes, for messages. Default `model.onnx`. */
  readonly name?: string;
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
  const path = typeof source === 'string' ? resolve(source) : undefined;
  const fileName = path ? basename(path) : (options.name ?? 'model.onnx');
  const bytes = typeof source === 'string' ? await readBytes(source) : source;
  const { decoded, folder } = await decodeAt(bytes, path, fileName);
  validateModel(decoded);
  const external = await externalFiles(decoded, folder, fileName);
  const hash = await hashOf(bytes, external);
  const found = options.preprocessing
    ? await loadPreprocessing(options.preprocessing)
    : path
      ? await findPreprocessing(path)
      : undefined;
  if (found) checkPreprocessing(found, decoded.graph);
  const runtime = options.runtime ?? createNodeRuntime({ threads: options.threads });
  const weights: WeightSource = folder
    ? { kind: 'folder', folder }
    : { kind: 'memory', files: new Map([[fileName, bytes]]) };
  const model = createModel(decoded, runtime, { name: fileName, hash, weights });
  return {
    ...model,
    path,
    preprocessing: found,
    close: async () => {
      await model.close();
      if (!options.runtime) await runtime.close();
    },
  };
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
  const real = path && (await realpath(path));
  if (!path || !real || real === path) return { decoded, folder: path && dirname(path) };
  const own = [...decoded.graph.initializers.values()].every(
    ({ location }) => location.kind !== 'file' || location.path === fileName,
  );
  if (!own) return { decoded, folder: dirname(path) };
  return { decoded: decodeModel(bytes, { fileName: basename(real) }), folder: dirname(real) };
}

/** Paths of the files beside the model that hold weights, checked to exist and to be long enough. */
async function externalFiles(model: OnnxModel, folder: string | undefined, fileName: string): Promise<string[]> {
  const needed = new Map<string, number>();
  for (const { location } of model.graph.initializers.values()) {
    if (location.kind !== 'file') continue;
    needed.set(location.path, Math.max(needed.get(location.path) ?? 0, location.offset + location.length));
  }
  const paths: string[] = [];
  for (const [name, end] of needed) {
    if (!folder) {
      throw new WhereforeError('unsupported-model', 'the model keeps weights in another file', {
        where: fileName,
        got: name,
        fix: 'load it by its path',
      });
    }
    const path = join(folder, name);
    const facts = await stat(path).catch((cause) => {
      throw new WhereforeError('file-not-found', 'the file with the weights is missing', {
        where: fileName,
        got: path,
        fix: 'put it beside the model',
        cause,
      });
    });
    if (facts.size < end) {
      throw new WhereforeError('malformed-model', 'the file with the weights is too short', {
        where: path,
        got: `${facts.size} bytes`,
        expected: `at least ${end}`,
        fix: 'get the complete file',
      });
    }
    paths.push(path);
  }
  return paths.sort();
}

async function hashOf(bytes: Uint8Array, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(bytes);
  for (const path of files) for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
}

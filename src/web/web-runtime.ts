import { formatBytes } from '../data/files/file-kinds.ts';
import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { weightBytes } from '../runtime/executor.ts';
import { fromWires, type Reply, wiresOf } from '../runtime/lane.ts';
import { refusal } from '../runtime/refusal.ts';
import {
  type RunOptions,
  type Runtime,
  type Session,
  type SessionOptions,
  throwIfCancelled,
} from '../runtime/runtime.ts';
import { sessionsOf } from '../runtime/sessions-of.js';
import { faultOfEngine } from './engine-file.ts';
import { adapterFor, comparedSession, gpuProviders, type Providers, type WebGpuOptions } from './web-gpu.ts';

export interface WebRuntimeOptions {
  /** Address of `ort-wasm-simd-threaded.wasm`, a file of onnxruntime-web that is served with the page. */
  readonly wasm: string | URL;
  /**
   * Threads that one operator may use; more than 1 needs a page that is cross-origin isolated. Default 1, which is the
   * fastest where there are two processors.
   */
  readonly threads?: number;
  /**
   * Bytes of weights that open sessions hold together, and a model may have at most: each session has a copy, and the
   * memory of WebAssembly never shrinks and ends at 4 GiB. Default 2³⁰.
   */
  readonly sessionBytes?: number;
  /**
   * Runs graphs on the graphics card, with `wasm` the address of `ort-wasm-simd-threaded.asyncify.wasm`. Its speed has not
   * been measured on a real card. The first run of every graph is repeated in WebAssembly, and refused where the values
   * are others. Default: WebAssembly alone.
   */
  readonly webgpu?: WebGpuOptions;
}

/** The version of onnxruntime-web that this package was tested with, as its peer dependency states it. */
const testedVersion = '1.30';

/** Sessions are numbered through the whole program. */
let nextSession = 1;

/**
 * ONNX Runtime Web, in the realm that calls this: a worker, so that the page stays free while a graph runs. Needs the
 * package onnxruntime-web. Runs and opening wait for each other, because WebAssembly has one memory.
 * @throws WhereforeError `runtime` where there is no WebAssembly, threads are asked for that the page may not start, or
 *   onnxruntime-web has another version; later, where its wasm file cannot be loaded or a model is too large
 */
export async function createWebRuntime(options: WebRuntimeOptions): Promise<Runtime> {
  const { wasm, threads = 1, sessionBytes = 2 ** 30 } = options;
  if (typeof WebAssembly === 'undefined') {
    throw new WhereforeError('runtime', 'there is no WebAssembly here', { fix: 'use a current browser' });
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new WhereforeError('invalid-argument', 'threads', {
      got: String(threads),
      expected: 'a whole number from 1 up',
    });
  }
  if (threads > 1 && !globalThis.crossOriginIsolated) {
    throw new WhereforeError('runtime', 'threads need a page that is cross-origin isolated', {
      got: `${threads} threads`,
      fix: 'serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use one',
    });
  }
  const adapter = options.webgpu && (await adapterFor(options.webgpu));
  const ort = await (options.webgpu?.engine() ?? import('onnxruntime-web/wasm'));
  const version = ort.env.versions.web ?? ort.env.versions.common;
  checkVersion(version);
  const address = new URL(wasm, globalThis.location?.href).href;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { wasm: address };
  ort.env.logLevel = 'fatal';
  const { answer } = sessionsOf(ort);
  const starting = watchedStart(address, version, options.webgpu ? gpuEngineFile : engineFile);
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const ask = (message: Readonly<Record<string, unknown>>): Promise<Reply> => {
    if (isClosed)
      throw new WhereforeError('invalid-argument', 'the runtime is closed', { fix: 'make another: createWebRuntime' });
    const reply = last.then(() => starting(() => answer({ job: 0, ...message }) as Promise<Reply>));
    // One that fails to start leaves the next to say so, too.
    last = reply.catch(() => undefined);
    return reply.then((told) => {
      if (told.error !== undefined) {
        const file = options.webgpu ? gpuEngineFile : engineFile;
        throw notStarted(told.error, { address, version, file }) ?? refusal(told.error);
      }
      return told;
    });
  };
  const open = async (model: OnnxModel, how: SessionOptions, providers: Providers = ['wasm']): Promise<Session> => {
    const id = nextSession++;
    await ask({ kind: 'open', id, ...openMessage(model, how, providers) });
    return {
      async run(feeds, fetches, { carry = new Map(), signal }: RunOptions = {}) {
        throwIfCancelled(signal);
        const message = { kind: 'run', id, feeds: wiresOf(feeds), fetches, carry: [...carry], transfer: [] };
        return fromWires((await ask(message)).tensors ?? []);
      },
      read: async (inputs) => fromWires((await ask({ kind: 'read', id, inputs })).tensors ?? []),
      release: async () => {
        await ask({ kind: 'release', id });
      },
    };
  };
  return {
    name: adapter === undefined ? 'onnxruntime-web' : `onnxruntime-web (WebGPU, ${adapter})`,
    version,
    limits: { sessionBytes, sessionCount: 3 },
    async open(model, how = {}) {
      checkSize(model, sessionBytes);
      // What is opened as written runs once or twice: it would be slower there.
      if (!options.webgpu || how.optimization === 'none') return open(model, how);
      const gpu = await open(model, how, gpuProviders(model));
      return comparedSession(gpu, () => open(model, how), options.webgpu.tolerance);
    },
    async close() {
      isClosed = true;
      await last;
    },
  };
}

/** @throws WhereforeError `runtime` for a version that was not tested: its wasm file and its calls may differ */
export function checkVersion(version: string): void {
  if (version.startsWith(`${testedVersion}.`)) return;
  throw new WhereforeError('runtime', 'onnxruntime-web has another version than the one that this was tested with', {
    got: version,
    expected: `${testedVersion}.x`,
    fix: `npm install onnxruntime-web@${testedVersion}`,
  });
}

/** A model that would leave no room for a second session is refused before WebAssembly runs out of memory. */
function checkSize({ graph }: OnnxModel, sessionBytes: number): void {
  const bytes = weightBytes(graph);
  if (bytes <= sessionBytes) return;
  throw new WhereforeError('runtime', 'the model is too large for the memory of this tab', {
    got: `${formatBytes(bytes)} of weights`,
    expected: `at most ${formatBytes(sessionBytes)}`,
    fix: 'explain it in Node, or give createWebRuntime more sessionBytes: WebAssembly ends at 4 GiB, and each session holds a copy',
  });
}

/** Milliseconds after which the engine's file is looked at, where nothing was answered yet. */
const patience = 3000;

/**
 * Passes questions on, and watches the first: on a file that is WebAssembly but no engine ONNX Runtime Web waits without
 * end. A file that is only slow to come is waited for.
 */
function watchedStart(address: string, version: string, file: string) {
  let isStarted = false;
  return async (ask: () => Promise<Reply>): Promise<Reply> => {
    if (isStarted) return ask();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stuck = new Promise<never>((_, reject) => {
      timer = setTimeout(async () => {
        const fault = await faultOfEngine(address);
        if (fault) reject(engineFault(address, fault, { version, file }));
      }, patience);
    });
    try {
      const told = await Promise.race([ask(), stuck]);
      isStarted = true;
      return told;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What ONNX Runtime Web says where its engine did not start: the wasm file is missing, is no wasm, or does not fit. */
function notStarted(
  said: string,
  { address, ...engine }: { readonly address: string } & Engine,
): WhereforeError | undefined {
  if (!/no available backend found/.test(said)) return undefined;
  const got = said.replace(/^.*ERR: \[\w+\] /s, '').replace(/\. Build with .*$/s, '');
  return engineFault(address, got, engine);
}

/** The file of the engine, and with the one for graphics cards. */
const engineFile = 'ort-wasm-simd-threaded.wasm';
const gpuEngineFile = 'ort-wasm-simd-threaded.asyncify.wasm';

/** What should lie at the address of the engine. */
interface Engine {
  readonly file: string;
  readonly version: string;
}

const engineFault = (where: string, got: string, { file, version }: Engine): WhereforeError =>
  new WhereforeError('runtime', 'ONNX Runtime Web did not start', {
    where,
    got,
    fix: `serve there the file ${file} of onnxruntime-web ${version}, and allow 'wasm-unsafe-eval' in script-src`,
  });

function openMessage(
  model: OnnxModel,
  { weights, optimization = 'all', prepack = true, planMemory = true }: SessionOptions,
  executionProviders: Providers,
) {
  if (weights?.kind === 'folder') {
    throw new WhereforeError('unsupported-model', 'the weights lie in a folder, which a page cannot reach', {
      where: weights.folder,
      fix: 'open the model with openModel, from bytes or files',
    });
  }
  return {
    bytes: encodeModel(model, { weights: weights ? 'reference' : 'inline' }),
    options: {
      executionProviders,
      enableMemPattern: planMemory,
      graphOptimizationLevel: optimization === 'all' ? 'all' : 'disabled',
      logSeverityLevel: 4,
      externalData: weights && [...weights.files].map(([path, data]) => ({ path, data })),
      ...(!prepack && { extra: { session: { disable_prepacking: '1' } } }),
    },
  };
}

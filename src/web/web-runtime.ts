import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { fromWires, type Reply, wiresOf } from '../runtime/lane.ts';
import { refusal } from '../runtime/refusal.ts';
import { type RunOptions, type Runtime, type SessionOptions, throwIfCancelled } from '../runtime/runtime.ts';
import { sessionsOf } from '../runtime/sessions-of.js';

export interface WebRuntimeOptions {
  /** Address of `ort-wasm-simd-threaded.wasm`, a file of onnxruntime-web that is served with the page. */
  readonly wasm: string | URL;
  /**
   * Threads that one operator may use; more than 1 needs a page that is cross-origin isolated. Default 1, which is the
   * fastest where there are two processors.
   */
  readonly threads?: number;
}

/** What a tab can hold: each session has a copy of the weights, and the memory of WebAssembly never shrinks. */
const limits = { sessionBytes: 2 ** 30, sessionCount: 3 } as const;

/** Sessions are numbered through the whole program. */
let nextSession = 1;

/**
 * ONNX Runtime Web, in the realm that calls this: a worker, so that the page stays free while a graph runs. Needs the
 * package onnxruntime-web. Runs and opening wait for each other, because WebAssembly has one memory.
 * @throws WhereforeError `unsupported-platform` where there is no WebAssembly, or threads are asked for that the page may
 *   not start
 */
export async function createWebRuntime({ wasm, threads = 1 }: WebRuntimeOptions): Promise<Runtime> {
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
  const ort = await import('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { wasm: new URL(wasm, globalThis.location?.href).href };
  ort.env.logLevel = 'fatal';
  const { answer } = sessionsOf(ort);
  let last: Promise<unknown> = Promise.resolve();
  const ask = (message: Readonly<Record<string, unknown>>): Promise<Reply> => {
    const reply = last.then(() => answer({ job: 0, ...message }) as Promise<Reply>);
    last = reply;
    return reply.then((told) => {
      if (told.error !== undefined) throw refusal(told.error);
      return told;
    });
  };
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.web ?? ort.env.versions.common,
    limits,
    async open(model, options = {}) {
      const id = nextSession++;
      await ask({ kind: 'open', id, ...openMessage(model, options) });
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
    },
    async close() {
      await last;
    },
  };
}

function openMessage(
  model: OnnxModel,
  { weights, optimization = 'all', prepack = true, planMemory = true }: SessionOptions,
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
      executionProviders: ['wasm'],
      enableMemPattern: planMemory,
      graphOptimizationLevel: optimization === 'all' ? 'all' : 'disabled',
      logSeverityLevel: 4,
      externalData: weights && [...weights.files].map(([path, data]) => ({ path, data })),
      ...(!prepack && { extra: { session: { disable_prepacking: '1' } } }),
    },
  };
}

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { type DataType, type Tensor, type TensorData, tensor } from '../tensor/tensor.ts';
import { refusal } from './refusal.ts';
import {
  type RunOptions,
  type Runtime,
  type Session,
  type SessionOptions,
  type Tensors,
  throwIfCancelled,
} from './runtime.ts';

export interface NodeRuntimeOptions {
  /** Threads that one operator may use; default: all processors. */
  readonly threads?: number;
}

interface Wire {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

interface Reply {
  readonly job: number;
  readonly error?: string;
  readonly id?: number;
  readonly tensors?: readonly Wire[];
}

interface Job {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

const runtimeVersion: string = createRequire(import.meta.url)('onnxruntime-node/package.json').version;

/**
 * ONNX Runtime in a worker thread, so that the event loop stays free while a graph runs.
 * The thread starts at the first use and does not keep the process alive while it is idle.
 *
 * @throws WhereforeError `invalid-argument` when `threads` is not a positive integer
 */
export function createNodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1) {
    throw new WhereforeError('invalid-argument', 'threads', {
      got: String(options.threads),
      expected: 'a positive integer',
    });
  }
  const jobs = new Map<number, Job>();
  let nextJob = 1;
  let worker: Worker | undefined;

  const failAll = (error: Error) => {
    worker = undefined;
    for (const job of jobs.values()) {
      job.reject(new WhereforeError('runtime', `the runtime's thread stopped: ${error.message}`, { cause: error }));
    }
    jobs.clear();
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./ort-worker.js', import.meta.url), { name: 'onnxruntime' });
    started.on('message', (reply: Reply) => {
      const job = jobs.get(reply.job);
      jobs.delete(reply.job);
      if (jobs.size === 0) started.unref();
      if (reply.error === undefined) job?.resolve(reply);
      else job?.reject(refusal(reply.error));
    });
    started.on('error', failAll);
    started.on('exit', (code) => {
      if (worker === started) failAll(new Error(`exit code ${code}`));
    });
    return started;
  };
  const ask = (message: Record<string, unknown>): Promise<Reply> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      const job = nextJob++;
      jobs.set(job, { resolve, reject });
      worker.postMessage({ job, ...message });
    });

  return {
    name: 'onnxruntime-node',
    version: runtimeVersion,
    async open(model, sessionOptions = {}) {
      const reply = await ask({ kind: 'open', ...openMessage(model, sessionOptions, threads) });
      return session(reply.id as number, ask);
    },
    async close() {
      // Never terminate a thread that may be inside a run: that aborts the whole process.
      while (jobs.size) await ask({ kind: 'release', id: -1 });
      const stopping = worker;
      worker = undefined;
      await stopping?.terminate();
    },
  };
}

function openMessage(model: OnnxModel, options: SessionOptions, threads: number) {
  const { weights, optimization = 'all', prepack = true } = options;
  const bytes = encodeModel(model, { weights: weights ? 'reference' : 'inline' });
  const files = weights?.kind === 'memory' ? [...weights.files].map(([path, data]) => ({ path, data })) : undefined;
  // Every session has threads of its own, which by default go on spinning after a run and take the processor from the
  // next session and from this program; they are woken again in microseconds.
  const session: Record<string, string> = { force_spinning_stop: '1' };
  if (weights?.kind === 'folder') session.model_external_initializers_file_folder_path = weights.folder;
  if (!prepack) session.disable_prepacking = '1';
  return {
    bytes,
    options: {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: optimization === 'all' ? 'all' : 'disabled',
      // Errors come back as exceptions; the runtime need not print them as well.
      logSeverityLevel: 4,
      externalData: files,
      extra: { session },
    },
  };
}

function session(id: number, ask: (message: Record<string, unknown>) => Promise<Reply>): Session {
  return {
    async run(feeds: Tensors, fetches: readonly string[], options: RunOptions = {}) {
      throwIfCancelled(options.signal);
      const wires = [...feeds].map(([name, { type, shape, data }]) => ({ name, type, shape, data }));
      const reply = await ask({ kind: 'run', id, feeds: wires, fetches, carry: [...(options.carry ?? [])] });
      return fromWires(reply.tensors ?? []);
    },
    async read(inputs) {
      return fromWires((await ask({ kind: 'read', id, inputs })).tensors ?? []);
    },
    async release() {
      await ask({ kind: 'release', id });
    },
  };
}

function fromWires(wires: readonly Wire[]): Map<string, Tensor> {
  return new Map(wires.map(({ name, type, shape, data }) => [name, tensor(type, shape, data)]));
}

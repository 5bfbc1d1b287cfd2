import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { type OrtThread, ortThread, type Reply, type Wire } from './ort-thread.ts';
import {
  type RunOptions,
  type Runtime,
  type Session,
  type SessionOptions,
  type Tensors,
  throwIfCancelled,
} from './runtime.ts';

export interface NodeRuntimeOptions {
  /** Threads that compute: those that one operator may use, or several runs side by side; default: all processors. */
  readonly threads?: number;
}

const runtimeVersion: string = createRequire(import.meta.url)('onnxruntime-node/package.json').version;

/** Sessions are numbered through the whole program; every thread knows its own. */
let nextSession = 1;

/** Runs side by side gain little beyond these, and each holds its own values and a copy of the weights. */
const mostStreams = 4;

/**
 * ONNX Runtime in worker threads, so that the event loop stays free while a graph runs.
 * A thread starts at its first use and does not keep the process alive while it is idle.
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
  const lanes = Array.from({ length: Math.min(threads, mostStreams) }, ortThread);

  return {
    name: 'onnxruntime-node',
    version: runtimeVersion,
    streams: lanes.length,
    async open(model, sessionOptions = {}) {
      const used = lanes.slice(0, Math.max(1, sessionOptions.streams ?? 1));
      return openSession(model, sessionOptions, used, Math.max(1, Math.floor(threads / used.length)));
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
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
    kind: 'open',
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

/**
 * A session on the first of some threads, and copies of it on the others from when a run finds the ones before busy:
 * a copy that is never needed is never made.
 */
async function openSession(
  model: OnnxModel,
  options: SessionOptions,
  lanes: readonly OrtThread[],
  threads: number,
): Promise<Session> {
  const id = nextSession++;
  const copies = new Map<OrtThread, Promise<Reply>>();
  const openOn = (lane: OrtThread): Promise<Reply> => {
    let copy = copies.get(lane);
    if (!copy) copies.set(lane, (copy = lane.ask({ id, ...openMessage(model, options, threads) })));
    return copy;
  };
  const [first] = lanes;
  await openOn(first);

  return {
    async run(feeds: Tensors, fetches: readonly string[], options: RunOptions = {}) {
      throwIfCancelled(options.signal);
      const lane = lanes.reduce((least, other) => (other.waiting < least.waiting ? other : least));
      const wires = [...feeds].map(([name, { type, shape, data }]) => ({ name, type, shape, data }));
      const { carry = [], transfer = [] } = options;
      const message = { kind: 'run', id, feeds: wires, fetches, carry: [...carry], transfer };
      // Both are asked at once, so that the next run sees the thread busy; it answers in order.
      const [, reply] = await Promise.all([openOn(lane), lane.ask(message, buffersOf(feeds, transfer))]);
      return fromWires(reply.tensors ?? []);
    },
    async read(inputs) {
      return fromWires((await first.ask({ kind: 'read', id, inputs })).tensors ?? []);
    },
    async release() {
      await Promise.all([...copies.keys()].map((lane) => lane.ask({ kind: 'release', id })));
    },
  };
}

/** The memory of some feeds, where it is theirs alone. */
function buffersOf(feeds: Tensors, names: readonly string[]): ArrayBuffer[] {
  return names.flatMap((name) => {
    const data = feeds.get(name)?.data;
    const isWhole = ArrayBuffer.isView(data) && data.byteLength === data.buffer.byteLength;
    return isWhole && data.buffer instanceof ArrayBuffer ? [data.buffer] : [];
  });
}

function fromWires(wires: readonly Wire[]): Map<string, Tensor> {
  return new Map(wires.map(({ name, type, shape, data }) => [name, tensor(type, shape, data)]));
}

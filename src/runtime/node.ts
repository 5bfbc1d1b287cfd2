import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { explainDeath, outOfMemory } from './death.ts';
import { largestEstimated } from './estimated-sizes.ts';
import { fromWires, type Lane, LaneRestarted, type Reply, RuntimeDeath, wiresOf } from './lane.ts';
import { secondsFor } from './limits.ts';
import { ortProcess } from './ort-process.ts';
import { ortThread } from './ort-thread.ts';
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
  /**
   * Where native code runs. `thread` (default): in worker threads of this process, the fastest way, for graphs that are
   * known to be sound; a graph that brings the runtime down takes the process with it. `process`: in processes of their
   * own, for files of others: a crash is an error, a run can be cancelled and limited. Starting one takes 0.2 s, and a
   * run 0.1 ms more and 1.6 ms for each megabyte that goes in and comes back.
   */
  readonly isolation?: Isolation;
  /** Bytes of memory that such a process may hold; watched on Linux. Default: no limit. */
  readonly memoryLimit?: number;
  /** Seconds that one run may take in such a process. Default: {@link secondsFor}. */
  readonly timeLimit?: number;
}

export type Isolation = 'thread' | 'process';

/** More threads than any machine uses well: the runtime starts them all for every session. */
export const mostThreads = 256;

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
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw new WhereforeError('invalid-argument', 'threads', {
      got: String(options.threads),
      expected: `a whole number from 1 to ${mostThreads}`,
      fix: 'leave it out to use all processors',
    });
  }
  const { isolation = 'thread', memoryLimit, timeLimit } = options;
  const count = Math.min(threads, mostStreams);
  const startLane = isolation === 'thread' ? ortThread : () => ortProcess({ memory: memoryLimit });
  const lanes = Array.from({ length: count }, startLane);

  return {
    name: 'onnxruntime-node',
    version: runtimeVersion,
    streams: lanes.length,
    async open(model, sessionOptions = {}) {
      const used = lanes.slice(0, Math.max(1, sessionOptions.streams ?? 1));
      const share = Math.max(1, Math.min(sessionOptions.threads ?? threads, Math.floor(threads / used.length)));
      const seconds = timeLimit ?? secondsFor(model.graph, sessionOptions.trial);
      const make: Making = { lanes: used, threads: share, seconds, memoryLimit };
      checkConditions(model.graph, memoryLimit);
      return openSession(model, sessionOptions, make);
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}

/** Refuses a graph that cannot but make a value larger than the limit, before a process fills its memory. */
function checkConditions(graph: Graph, limit: number | undefined): void {
  const largest = limit === undefined ? undefined : largestEstimated(graph);
  if (limit === undefined || !largest || largest.bytes <= limit) return;
  throw outOfMemory(new RuntimeDeath({ kind: 'memory', bytes: largest.bytes, limit }), largest.node);
}

function openMessage(model: OnnxModel, options: SessionOptions, threads: number) {
  const { weights, optimization = 'all', prepack = true, planMemory = true } = options;
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
      enableMemPattern: planMemory,
      graphOptimizationLevel: optimization === 'all' ? 'all' : 'disabled',
      // Errors come back as exceptions; the runtime need not print them as well.
      logSeverityLevel: 4,
      externalData: files,
      extra: { session },
    },
  };
}

interface Making {
  readonly lanes: readonly Lane[];
  readonly threads: number;
  readonly seconds: number;
  readonly memoryLimit: number | undefined;
}

/**
 * A session on the first of some lanes, and copies of it on the others from when a run finds the ones before busy:
 * a copy that is never needed is never made. What a lane lost when it died is opened again by the next run.
 */
async function openSession(model: OnnxModel, options: SessionOptions, make: Making): Promise<Session> {
  const { lanes, threads, seconds, memoryLimit } = make;
  const id = nextSession++;
  const copies = new Map<Lane, { readonly generation: number; readonly opened: Promise<Reply> }>();
  const openOn = (lane: Lane): Promise<Reply> => {
    const copy = copies.get(lane);
    if (copy && copy.generation === lane.generation) return copy.opened;
    const opened = lane.ask({ id, ...openMessage(model, options, threads) }, { seconds });
    copies.set(lane, { generation: lane.generation, opened });
    return opened;
  };
  const [first] = lanes;
  const named = (feeds: Tensors | undefined) => async (error: unknown) => {
    if (!(error instanceof RuntimeDeath)) throw error;
    throw await explainDeath(error, {
      graph: model.graph,
      feeds,
      open: (graph) => openMessage({ ...model, graph }, options, threads),
      limits: { memory: memoryLimit },
    });
  };
  await restarting(() => openOn(first)).catch(named(undefined));

  return {
    async run(feeds: Tensors, fetches: readonly string[], options: RunOptions = {}) {
      throwIfCancelled(options.signal);
      const wires = wiresOf(feeds);
      const { carry = [], transfer = [], signal } = options;
      const message = { kind: 'run', id, feeds: wires, fetches, carry: [...carry], transfer };
      const once = async () => {
        const lane = lanes.reduce((least, other) => (other.waiting < least.waiting ? other : least));
        // Both are asked at once, so that the next run sees the lane busy; it answers in order.
        const transferred = buffersOf(feeds, transfer);
        const [, reply] = await Promise.all([
          openOn(lane),
          lane.ask(message, { transfer: transferred, signal, seconds }),
        ]);
        return fromWires(reply.tensors ?? []);
      };
      return restarting(once).catch(named(feeds));
    },
    async read(inputs) {
      return fromWires((await first.ask({ kind: 'read', id, inputs })).tensors ?? []);
    },
    async release() {
      const held = [...copies].filter(([lane, { generation }]) => generation === lane.generation);
      await Promise.all(held.map(([lane]) => lane.ask({ kind: 'release', id }).catch(lostIsReleased)));
    },
  };
}

/** Asks again what was lost because a lane died of another question. */
async function restarting<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LaneRestarted)) throw error;
    }
  }
}

function lostIsReleased(error: unknown): void {
  if (!(error instanceof LaneRestarted || error instanceof RuntimeDeath)) throw error;
}

/** The memory of some feeds, where it is theirs alone. */
function buffersOf(feeds: Tensors, names: readonly string[]): ArrayBuffer[] {
  return names.flatMap((name) => {
    const data = feeds.get(name)?.data;
    const isWhole = ArrayBuffer.isView(data) && data.byteLength === data.buffer.byteLength;
    return isWhole && data.buffer instanceof ArrayBuffer ? [data.buffer] : [];
  });
}

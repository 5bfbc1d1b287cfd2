import type { GradientNote } from '../autodiff/context.ts';
import {
  controlFlow,
  decidesByData,
  decisionNotes,
  decisionProbe,
  isLoop,
  takeBranches,
} from '../autodiff/control-flow.ts';
import { type Decisions, type Facts, probeOf, readProbe, specialise } from '../autodiff/facts.ts';
import { loadRules } from '../autodiff/rules/index.ts';
import { WhereforeError } from '../errors.ts';
import { type Graph, type Node, type OnnxModel, operatorKey } from '../onnx/graph.ts';
import { resolveConstants } from '../onnx/lowering/constants.ts';
import { namesOf } from '../onnx/lowering/rewrite.ts';
import { traitsOf } from '../onnx/operators.ts';
import { memo, namedMemo } from '../tensor/memo.ts';
import { dataTypes, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { inReadyOrder, mostAsMade } from './ready-order.ts';
import {
  type RunOptions,
  type Runtime,
  type Session,
  type SessionOptions,
  type Tensors,
  throwIfCancelled,
  type WeightSource,
} from './runtime.ts';

/** A graph for one set of input shapes, with what is known of its values. */
export interface Specialised {
  readonly graph: Graph;
  readonly facts: Facts;
  /** What the reader of a gradient must know of decisions that were followed; default nothing. */
  readonly notes?: readonly GradientNote[];
}

export interface SpecialiseOptions {
  /**
   * Whether an `If` or `Loop` that decides by the data is replaced by what it does at this input, so that it can be
   * differentiated: the graph then holds for inputs that decide alike. Default false.
   */
  readonly followData?: boolean;
  /**
   * Whether shapes are followed without running what is large, where that can be done: for inputs so long that a run of
   * the whole graph would not fit. Default false: small graphs are known sooner by one run.
   */
  readonly frugal?: boolean;
  /** As in {@link SessionOptions}. Default false. */
  readonly trial?: boolean;
}

export interface ExecutorOptions {
  /** Weights that open sessions may hold together, in bytes; the least recently used are closed. Default 4 GiB, or what the runtime takes. */
  readonly sessionBytes?: number;
  /** Sessions that stay open together. Default 32, or what the runtime takes. */
  readonly sessionCount?: number;
  /** Whether nothing else uses the runtime: it is closed with the executor, and all sessions at once. Default false. */
  readonly ownsRuntime?: boolean;
}

/** Whether the shapes inside a graph may differ between two inputs of the same shape. Asked before every run, so kept. */
export const hasDataDependentShapes: (graph: Graph) => boolean = memo((graph: Graph) =>
  graph.nodes.some((node) => traitsOf(operatorKey(node)).dataDependentShape === true),
);

/** Bytes of weights that the copies of a session, which let runs go side by side, may hold together. */
const copiedBytes = 128 * 2 ** 20;

/** Nodes of the largest graph that the runtime optimizes, which takes as long again as opening it and more. */
const mostOptimized = 20_000;
/** Runs of a session that was opened for a few. */
const quickRuns = 2;

interface Probing extends Pick<SessionOptions, 'trial'> {
  /** Whether what decides by the data is followed. */
  readonly follows: boolean;
  /** As in {@link SpecialiseOptions}. */
  readonly frugal?: boolean;
}

interface Opened {
  readonly session: Promise<Session>;
  readonly bytes: number;
  readonly isPacked: boolean;
  readonly isOptimized: boolean;
  runs: number;
}

/** How {@link Executor.run} runs a graph. */
export interface ExecutorRunOptions extends RunOptions {
  /**
   * Whether the session, where this run opens it, rearranges weights for speed: for a few runs of large weights it takes
   * longer than it saves. Default true.
   */
  readonly prepack?: boolean;
  /** Whether that session fuses operators, which takes longer than a few runs of a small model. Default true. */
  readonly optimize?: boolean;
}

type Speed = Pick<ExecutorRunOptions, 'prepack' | 'optimize'>;

/**
 * Runs graphs that belong to one model: the model's own, parts of it, and those with a backward pass appended.
 * Graphs are immutable, so sessions and facts are cached by the identity of the graph.
 */
export class Executor {
  readonly runtime: Runtime;
  readonly model: OnnxModel;
  readonly #weights: WeightSource | undefined;
  readonly #sessionBytes: number;
  readonly #sessionCount: number;
  readonly #ownsRuntime: boolean;
  readonly #sessions = new Map<Graph, Opened>();
  readonly #specialised = namedMemo<Graph, Promise<Specialised>>();
  #waiting: { readonly graph: Graph; readonly session: Session } | undefined;
  #isClosed = false;
  /** Forward or backward passes so far: what an explanation reports as its cost. */
  runs = 0;

  constructor(runtime: Runtime, model: OnnxModel, weights: WeightSource | undefined, options: ExecutorOptions = {}) {
    this.runtime = runtime;
    this.model = model;
    this.#weights = weights;
    this.#sessionBytes = options.sessionBytes ?? runtime.limits?.sessionBytes ?? 4 * 2 ** 30;
    this.#sessionCount = options.sessionCount ?? runtime.limits?.sessionCount ?? 32;
    this.#ownsRuntime = options.ownsRuntime ?? false;
  }

  /** Runs a graph; its session stays open for the next run. */
  async run(
    graph: Graph,
    feeds: Tensors,
    fetches: readonly string[],
    { prepack = true, optimize = true, ...options }: ExecutorRunOptions = {},
  ): Promise<Map<string, Tensor>> {
    throwIfCancelled(options.signal);
    this.#checkOpen();
    checkFeeds(graph, feeds);
    const session = await this.#open(graph, options.sideBySide ? this.streams(graph) : 1, { prepack, optimize });
    this.runs++;
    return session.run(onlyInputs(graph, feeds), fetches, options);
  }

  /** Runs a graph as it is written, in a session of its own that is closed again: for a look at inner values. */
  async runOnce(
    graph: Graph,
    feeds: Tensors,
    fetches: readonly string[],
    { trial }: Pick<SessionOptions, 'trial'> = {},
  ): Promise<Map<string, Tensor>> {
    this.#checkOpen();
    const session = await this.#session(graph, { optimization: 'none', prepack: false, trial });
    try {
      return await session.run(onlyInputs(graph, feeds), fetches);
    } finally {
      await session.release();
    }
  }

  /** Opens a graph in a session of its own, in which values can be carried from run to run; the caller releases it. */
  open(graph: Graph, options: Pick<SessionOptions, 'optimization' | 'prepack' | 'threads'> = {}): Promise<Session> {
    this.#checkOpen();
    return this.runtime.open({ ...this.model, graph }, { ...options, weights: this.#weights });
  }

  /**
   * As {@link open}, but what is released waits for the next who asks for the same graph; one session waits at a time.
   * Whoever borrows it feeds everything that was carried anew.
   */
  async borrow(graph: Graph, options: Pick<SessionOptions, 'threads'> = {}): Promise<Session> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting && waiting.graph !== graph) await waiting.session.release();
    const session = waiting?.graph === graph ? waiting.session : await this.open(graph, options);
    return {
      run: (feeds, fetches, options) => session.run(feeds, fetches, options),
      read: (inputs) => session.read(inputs),
      release: async () => {
        const other = this.#waiting;
        this.#waiting = this.#isClosed ? undefined : { graph, session };
        await (this.#isClosed ? session : other?.session)?.release();
      },
    };
  }

  /** Facts of a graph for the shapes of `feeds`, from one probing run, and the graph with them built in. Cached. */
  async specialise(
    graph: Graph,
    feeds: Tensors,
    { followData = false, frugal, trial }: SpecialiseOptions = {},
  ): Promise<Specialised> {
    this.#checkOpen();
    checkFeeds(graph, feeds);
    const follows = followData && decidesByData(graph);
    const decisions = follows
      ? await this.#decisions(graph, (probe, names) => this.run(probe, feeds, names))
      : undefined;
    const probe = () => this.#probe(graph, feeds, { follows, frugal, trial }, decisions);
    if (hasDataDependentShapes(graph) || (follows && controlFlow(graph).isNested)) return probe();
    const shapes = graph.inputs.map(({ name }) => formatShape((feeds.get(name) as Tensor).shape));
    const signature = `${shapes.join()}|${decisions ? JSON.stringify([[...decisions.trips], [...decisions.branches]]) : ''}`;
    return this.#specialised(graph, signature, probe);
  }

  /** What the `If` and `Loop` of a graph decide at one input. */
  async #decisions(
    graph: Graph,
    run: (probe: Graph, fetches: readonly string[]) => Promise<ReadonlyMap<string, Tensor>>,
  ): Promise<Decisions> {
    const probe = decisionProbe(graph);
    const names = probe.graph.outputs.map(({ name }) => name);
    return probe.read(names.length ? await run(probe.graph, names) : new Map());
  }

  /**
   * Runs of a graph that can be under way at once: as many as the runtime has, unless every stream's weights are large,
   * or the graph is so long that opening it takes longer than its runs.
   */
  streams(graph: Graph): number {
    if (graph.nodes.length > mostAsMade) return 1;
    const { streams = 1 } = this.runtime;
    return Math.max(1, Math.min(streams, Math.floor(copiedBytes / (weightBytes(graph) + 1))));
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new WhereforeError('invalid-argument', 'the model is closed', {
      fix: 'close it when everything is computed, or load it again',
    });
  }

  /** Closes every session, for good, and the runtime if it is the executor's own. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await (this.#ownsRuntime ? this.runtime.close() : this.releaseSessions());
  }

  /** Closes the sessions that are open; what runs next opens its own. */
  async releaseSessions(): Promise<void> {
    const opened = [...this.#sessions.values()];
    this.#sessions.clear();
    await this.#waiting?.session.release();
    this.#waiting = undefined;
    await Promise.all(opened.map(async ({ session }) => (await session).release()));
  }

  async #probe(graph: Graph, feeds: Tensors, how: Probing, decisions?: Decisions): Promise<Specialised> {
    const facts: Facts = { ...(await this.#factsOf(graph, feeds, how)), decisions };
    // Values inside a loop or a branch need shapes as well, and may decide things themselves.
    const again = async (next: Graph): Promise<Specialised> => {
      const inner = how.follows
        ? await this.#decisions(next, (asked, names) => this.runOnce(asked, feeds, names))
        : undefined;
      const { notes = [], ...rest } = await this.#probe(next, feeds, how, inner);
      return { ...rest, notes: [...(decisions ? decisionNotes(graph, decisions) : []), ...notes] };
    };
    const unrolled = await withoutLoops(takeBranches(graph, facts), facts);
    if (unrolled !== graph) return again(unrolled);
    const resolved = await withoutSequences(graph, facts);
    if (resolved !== graph) return again(resolved);
    const specialised = specialise(graph, facts);
    const taken = takeKnownBranches(specialised);
    if (taken) return again(taken);
    await loadRules(specialised.nodes.map(operatorKey));
    return { graph: specialised, facts };
  }

  async #factsOf(graph: Graph, feeds: Tensors, how: Probing): Promise<Facts> {
    if (how.frugal) {
      const { followedFacts } = await import('../autodiff/followed-facts.ts');
      const followed = await followedFacts(graph, feeds, (part, wanted) => this.runOnce(part, new Map(), wanted, how));
      if (followed) return followed;
    }
    const probe = probeOf(graph);
    const results = await this.runOnce(probe.graph, feeds, [...probe.shapeOf.keys(), ...probe.constants], how);
    return readProbe(graph, probe, results);
  }

  #session(graph: Graph, options: SessionOptions): Promise<Session> {
    const isLong = graph.nodes.length > mostAsMade;
    const model = { ...this.model, graph: isLong ? inReadyOrder(graph) : graph };
    return this.runtime.open(model, { ...options, planMemory: !isLong, weights: this.#weights });
  }

  async #open(graph: Graph, streams: number, { prepack, optimize }: Required<Speed>): Promise<Session> {
    const known = this.#sessions.get(graph);
    if (known) this.#sessions.delete(graph);
    // What was to run a few times and is asked for again and again is opened anew, as fast as it can be.
    const again = known !== undefined && known.runs >= quickRuns;
    const isPacked = prepack || again || known?.isPacked === true;
    const isOptimized = optimize || again || known?.isOptimized === true;
    if (known && known.isPacked === isPacked && known.isOptimized === isOptimized) {
      this.#sessions.set(graph, known);
      known.runs++;
      return known.session;
    }
    if (known) await (await known.session).release();
    const optimization = !isOptimized || graph.nodes.length > mostOptimized ? 'none' : 'all';
    const opened = {
      session: this.#session(graph, { streams, prepack: isPacked, optimization }),
      bytes: streams * weightBytes(graph),
      isPacked,
      isOptimized,
      runs: 1,
    };
    this.#sessions.set(graph, opened);
    opened.session.catch(() => this.#sessions.delete(graph));
    let total = 0;
    for (const { bytes } of this.#sessions.values()) total += bytes;
    for (const [oldest, { session, bytes }] of this.#sessions) {
      const withinLimits = total <= this.#sessionBytes && this.#sessions.size <= this.#sessionCount;
      if (withinLimits || oldest === graph) break;
      this.#sessions.delete(oldest);
      total -= bytes;
      await (await session).release();
    }
    return opened.session;
  }
}

// Few networks have loops or sequences: what resolves them is loaded with the first.

async function withoutLoops(graph: Graph, facts: Facts): Promise<Graph> {
  if (!graph.nodes.some(isLoop)) return graph;
  return (await import('../autodiff/unroll.ts')).unrollLoops(graph, facts).graph;
}

async function withoutSequences(graph: Graph, facts: Facts): Promise<Graph> {
  if (!graph.nodes.some((node) => node.op.includes('Sequence'))) return graph;
  return (await import('../autodiff/sequences.ts')).resolveSequences(graph, facts);
}

/** The graph with every `If` whose condition turned out to be a constant replaced by its branch; undefined without one. */
function takeKnownBranches(graph: Graph): Graph | undefined {
  const isKnown = (node: Node) => node.op === 'If' && graph.initializers.has(node.inputs[0]);
  if (!graph.nodes.some(isKnown)) return undefined;
  const resolved = resolveConstants(graph, namesOf(graph), []);
  return resolved.nodes.some(isKnown) ? undefined : resolved;
}

/** Bytes of the weights of a graph, written out. */
export function weightBytes(graph: Graph): number {
  let bytes = 0;
  for (const weight of graph.initializers.values()) bytes += sizeOf(weight.shape) * dataTypes[weight.type].bytes;
  return bytes;
}

/** A probe or a part of a model may not use every input that the whole is fed with. */
function onlyInputs(graph: Graph, feeds: Tensors): Map<string, Tensor> {
  return new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
}

/**
 * Checks that every input is fed with the right type and a shape that fits what the graph declares.
 * @throws WhereforeError `unknown-name`, `wrong-type` or `wrong-shape`, naming the input
 */
export function checkFeeds(graph: Graph, feeds: Tensors): void {
  if (!(feeds instanceof Map)) {
    throw new WhereforeError('invalid-argument', 'the inputs are no Map of tensors', {
      got:
        typeof feeds === 'object' && feeds !== null ? `an object with ${Object.keys(feeds).join(', ')}` : typeof feeds,
      expected: 'a Map from the names of inputs to tensors',
      fix: "new Map([['input', tensor]])",
    });
  }
  for (const { name, type, shape } of graph.inputs) {
    if (name.includes('\0')) {
      throw new WhereforeError('unsupported-model', 'the runtime cannot be fed an input whose name holds a NUL', {
        got: `"${name}"`,
        fix: 'name the input otherwise and export the model again',
      });
    }
    const feed = feeds.get(name);
    if (!feed) {
      throw new WhereforeError('unknown-name', `input "${name}" is missing`, {
        got: [...feeds.keys()].map((key) => `"${key}"`).join(', ') || 'no inputs',
        expected: `${graph.inputs.map((input) => `"${input.name}"`).join(', ')}`,
      });
    }
    if (type && feed.type !== type) {
      throw new WhereforeError('wrong-type', `input "${name}" has the wrong element type`, {
        got: feed.type,
        expected: type,
      });
    }
    if (
      shape &&
      !(
        shape.length === feed.shape.length &&
        shape.every((size, i) => typeof size !== 'number' || size === feed.shape[i])
      )
    ) {
      throw new WhereforeError('wrong-shape', `input "${name}" has the wrong shape`, {
        got: formatShape(feed.shape),
        expected: formatShape(shape.map((size) => size ?? '?')),
      });
    }
  }
}

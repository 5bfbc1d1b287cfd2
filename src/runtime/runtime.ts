import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Tensors by value name. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** How a model file's weights reach a patched graph that refers to them by byte range. */
export type WeightSource =
  /** The file lies in `folder`; nothing is read by us. */
  | { readonly kind: 'folder'; readonly folder: string }
  /** The file's bytes, by the path that the graph uses. */
  | { readonly kind: 'memory'; readonly files: ReadonlyMap<string, Uint8Array> };

export interface SessionOptions {
  /** 'all' fuses operators (default); 'none' runs the graph as written and opens faster. */
  readonly optimization?: 'all' | 'none';
  /** Whether the session will run often enough for weights to be rearranged for speed; default true. */
  readonly prepack?: boolean;
  /**
   * Whether the first run of each set of shapes plans one block of memory for all values; default true. The plan takes
   * time that grows with the square of the values: 5 s for 80,000.
   */
  readonly planMemory?: boolean;
  /**
   * Runs of this session that may be under way at once, up to what the runtime has; default 1. They share the threads,
   * which is faster than all threads for one run after the other where operators are small. Values cannot be carried.
   */
  readonly streams?: number;
  /** Threads that a run may use at most, where its operators are too small for several; default those of the runtime. */
  readonly threads?: number;
  readonly weights?: WeightSource;
  /** Whether the runs only try a model on made-up input, and are given up after seconds. Default false. */
  readonly trial?: boolean;
}

export interface RunOptions {
  /**
   * Output → input: the output stays with the runtime and is that input of the next run (training: new weights become
   * old ones). Outputs named here are not returned; `Session.read` gets them.
   */
  readonly carry?: ReadonlyMap<string, string>;
  /** Whether other runs of the same graph are under way at the same time; default false. Nothing can be carried then. */
  readonly sideBySide?: boolean;
  /** Feeds whose memory the runtime may take over and free after the run: their data is empty from then on. */
  readonly transfer?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A loaded graph. */
export interface Session {
  /**
   * Runs the graph.
   * @throws WhereforeError `runtime` with the runtime's message; `cancelled` when the signal was aborted before the start
   */
  run(feeds: Tensors, fetches: readonly string[], options?: RunOptions): Promise<Map<string, Tensor>>;
  /** Copies of carried inputs, as the next run would see them. */
  read(inputs: readonly string[]): Promise<Map<string, Tensor>>;
  release(): Promise<void>;
}

/** Something that runs ONNX graphs: onnxruntime-node in a worker, onnxruntime-web in a browser. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Runs that can be under way at once; default 1. */
  readonly streams?: number;
  /** What open sessions may hold together, where that is less than usual: see `ExecutorOptions`. */
  readonly limits?: { readonly sessionBytes: number; readonly sessionCount: number };
  open(model: OnnxModel, options?: SessionOptions): Promise<Session>;
  /** Frees everything. A run in progress ends first. */
  close(): Promise<void>;
}

/** @throws WhereforeError `cancelled` when the signal was aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new WhereforeError('cancelled', 'cancelled');
}

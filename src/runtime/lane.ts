import { type DataType, type Tensor, type TensorData, tensor } from '../tensor/tensor.ts';
import type { Tensors } from './runtime.ts';

/** A tensor between the program and what holds the sessions. */
export interface Wire {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export const wiresOf = (feeds: Tensors): Wire[] =>
  [...feeds].map(([name, { type, shape, data }]) => ({ name, type, shape, data }));

export const fromWires = (wires: readonly Wire[]): Map<string, Tensor> =>
  new Map(wires.map(({ name, type, shape, data }) => [name, tensor(type, shape, data)]));

export interface Reply {
  readonly job: number;
  readonly error?: string;
  readonly tensors?: readonly Wire[];
}

export interface AskOptions {
  /** Memory that moves away instead of being copied. */
  readonly transfer?: readonly ArrayBuffer[];
  /** Ends what is under way at once, where the lane is a process. */
  readonly signal?: AbortSignal;
  /** Seconds that the answer may take, where the lane is a process. */
  readonly seconds?: number;
}

/** Something that holds sessions of ONNX Runtime and does one thing at a time, in the order of the questions. */
export interface Lane {
  /** Questions without an answer yet. */
  readonly waiting: number;
  /** Grows when everything that the lane held is lost. */
  readonly generation: number;
  /**
   * @throws WhereforeError `runtime` with the runtime's message
   * @throws RuntimeDeath when what holds the sessions died while it answered this question
   * @throws LaneRestarted when it died of another question, and this one can be asked again
   */
  ask(message: Readonly<Record<string, unknown>>, options?: AskOptions): Promise<Reply>;
  /** Ends the lane when its work is done. */
  close(): Promise<void>;
}

/** Why a process that held sessions ended: native code failed, or a limit was reached. */
export class RuntimeDeath extends Error {
  override readonly name = 'RuntimeDeath';
  override readonly cause: Cause;

  constructor(cause: Cause) {
    super(describeCause(cause));
    this.cause = cause;
  }
}

export type Cause =
  | {
      readonly kind: 'crash';
      readonly signal: string | undefined;
      readonly code: number | undefined;
      readonly said: string;
    }
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'memory'; readonly bytes: number; readonly limit: number };

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function describeCause(cause: Cause): string {
  if (cause.kind === 'time') return `more than ${cause.seconds} s`;
  if (cause.kind === 'memory') return `${gibibytes(cause.bytes)}, more than ${gibibytes(cause.limit)}`;
  const how = cause.signal ?? `exit code ${cause.code}`;
  return cause.said ? `${how}: ${cause.said}` : how;
}

/** A question was lost because the lane died of another one. */
export class LaneRestarted extends Error {
  override readonly name = 'LaneRestarted';
}

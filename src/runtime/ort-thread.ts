import { Worker } from 'node:worker_threads';
import { WhereforeError } from '../errors.ts';
import type { DataType, TensorData } from '../tensor/tensor.ts';
import { refusal } from './refusal.ts';

/** A tensor between threads. */
export interface Wire {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface Reply {
  readonly job: number;
  readonly error?: string;
  readonly tensors?: readonly Wire[];
}

interface Job {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that holds sessions of ONNX Runtime and does one thing at a time, in the order of the questions. */
export interface OrtThread {
  /** Questions without an answer yet. */
  readonly waiting: number;
  /** @param transfer memory that moves to the thread instead of being copied */
  ask(message: Record<string, unknown>, transfer?: readonly ArrayBuffer[]): Promise<Reply>;
  /** Ends the thread when its work is done. */
  close(): Promise<void>;
}

/** A thread that starts at its first question and does not keep the process alive while it is idle. */
export function ortThread(): OrtThread {
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
  const ask: OrtThread['ask'] = (message, transfer = []) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      const job = nextJob++;
      jobs.set(job, { resolve, reject });
      worker.postMessage({ job, ...message }, transfer);
    });

  return {
    get waiting() {
      return jobs.size;
    },
    ask,
    async close() {
      // Never terminate a thread that may be inside a run: that aborts the whole process.
      while (jobs.size) await ask({ kind: 'release', id: -1 });
      const stopping = worker;
      worker = undefined;
      await stopping?.terminate();
    },
  };
}

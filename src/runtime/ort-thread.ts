import { Worker } from 'node:worker_threads';
import { WhereforeError } from '../errors.ts';
import type { Lane, Reply } from './lane.ts';
import { refusal } from './refusal.ts';
import { busy, idle, stopping } from './thread-state.js';

interface Job {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that may be inside native code, by what each shares with this one. */
const states = new Set<Int32Array>();

/** Milliseconds that the end of the program waits for a run in progress. */
const mostPatience = 30_000;

/**
 * A thread inside native code cannot be stopped: to try aborts the process, and its exit code is lost. So the end of the
 * program waits for the run in progress, and no other begins.
 */
function waitForRuns(): void {
  const end = Date.now() + mostPatience;
  for (const state of states) {
    while (Atomics.compareExchange(state, 0, idle, stopping) === busy && Date.now() < end) {
      Atomics.wait(state, 0, busy, end - Date.now());
    }
  }
}

/** A thread that starts at its first question and does not keep the process alive while it is idle. */
export function ortThread(): Lane {
  const jobs = new Map<number, Job>();
  let nextJob = 1;
  let worker: Worker | undefined;
  let generation = 0;
  const state = new Int32Array(new SharedArrayBuffer(4));

  const failAll = (error: Error) => {
    worker = undefined;
    generation++;
    for (const job of jobs.values()) {
      job.reject(new WhereforeError('runtime', `the runtime's thread stopped: ${error.message}`, { cause: error }));
    }
    jobs.clear();
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./ort-worker.js', import.meta.url), {
      name: 'onnxruntime',
      workerData: { state: state.buffer },
    });
    if (states.size === 0) process.on('exit', waitForRuns);
    states.add(state);
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
  const ask: Lane['ask'] = (message, { transfer = [] } = {}) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      const job = nextJob++;
      jobs.set(job, { resolve, reject });
      worker.postMessage({ job, ...message }, [...transfer]);
    });

  return {
    get waiting() {
      return jobs.size;
    },
    get generation() {
      return generation;
    },
    ask,
    async close() {
      // Never terminate a thread that may be inside a run: that aborts the whole process.
      while (jobs.size) await ask({ kind: 'release', id: -1 });
      const ending = worker;
      worker = undefined;
      await ending?.terminate();
      states.delete(state);
      if (states.size === 0) process.off('exit', waitForRuns);
    },
  };
}

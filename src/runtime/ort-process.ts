import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WhereforeError } from '../errors.ts';
import { frameReader } from './frame-reader.ts';
import { pack } from './frames.js';
import { type AskOptions, type Cause, type Lane, LaneRestarted, type Reply, RuntimeDeath } from './lane.ts';
import { refusal } from './refusal.ts';

export interface ProcessLimits {
  /** Bytes of memory that the process may hold; watched where the system tells. */
  readonly memory?: number;
}

interface Job {
  readonly pieces: readonly Uint8Array[];
  readonly options: AskOptions;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly pipe: Socket;
  /** Why it was ended from here. */
  ended?: Cause | 'cancelled' | 'closed';
  said: string;
}

const program = fileURLToPath(new URL('./ort-child.js', import.meta.url));

/** Milliseconds between two looks at the memory of a process at work. */
const watchInterval = 50;

/** A process that was launched before anything was asked; the first lane takes it. */
let spare: Running | undefined;

/** Launches a process while its first question is still being prepared: it takes a tenth of a second to be ready. */
export function launchAhead(): void {
  spare ??= launch();
  hold(spare, false);
}

function takeSpare(): Running | undefined {
  const taken = spare;
  spare = undefined;
  return taken && taken.child.exitCode === null && taken.child.signalCode === null ? taken : undefined;
}

/** Processes that must not outlive this one. */
const alive = new Set<ChildProcess>();
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL');
};

/**
 * A process that starts at its first question and does not keep this one alive while it is idle. It dies alone when
 * native code fails, and is ended when a question is cancelled or reaches a limit; the next question starts another.
 */
export function ortProcess(limits: ProcessLimits = {}): Lane {
  const jobs: Job[] = [];
  let running: Running | undefined;
  let generation = 0;
  let stopWatching: (() => void) | undefined;

  /** Settles the question at the head and asks the next. */
  const settle = (settling: (job: Job) => void) => {
    stopWatching?.();
    const job = jobs.shift();
    if (job) settling(job);
    next();
  };
  const next = () => {
    while (jobs[0]?.options.signal?.aborted) jobs.shift()?.reject(new WhereforeError('cancelled', 'cancelled'));
    const [job] = jobs;
    if (!job) {
      if (running) hold(running, false);
      return;
    }
    running ??= start();
    hold(running, true);
    stopWatching = watch(running, job.options, limits);
    running.pipe.cork();
    for (const piece of job.pieces) running.pipe.write(piece);
    running.pipe.uncork();
  };
  const died = (ended: Running, code: number | null, signal: string | null) => {
    if (running !== ended) return;
    running = undefined;
    generation++;
    stopWatching?.();
    const lost = jobs.splice(0);
    lost.shift()?.reject(errorOf(ended, code, signal));
    for (const job of lost) job.reject(new LaneRestarted());
  };
  const start = (): Running => {
    const started = takeSpare() ?? launch();
    const read = frameReader((reply: Reply) => {
      // One that is being ended takes its question with it.
      if (running !== started || started.ended) return;
      const { error } = reply;
      settle((job) => (error === undefined ? job.resolve(reply) : job.reject(refusal(error))));
    });
    started.pipe.on('data', read);
    started.child.on('close', (code, signal) => died(started, code, signal));
    started.child.on('error', (error) => {
      started.said = error.message;
      died(started, null, null);
    });
    return started;
  };

  return {
    get waiting() {
      return jobs.length;
    },
    get generation() {
      return generation;
    },
    ask: (message, options = {}) =>
      new Promise((resolve, reject) => {
        const { transfer = [] } = options;
        // Written later, when what is asked before is done: what the caller keeps may have changed by then.
        const pieces = pack(message).map((piece) =>
          transfer.includes(piece.buffer as ArrayBuffer) ? piece : piece.slice(),
        );
        jobs.push({ pieces, options, resolve, reject });
        if (jobs.length === 1) next();
      }),
    async close() {
      while (jobs.length) await new Promise((resolve) => setTimeout(resolve, 10));
      const ending = running;
      running = undefined;
      if (!ending) return;
      generation++;
      ending.ended = 'closed';
      const closed = new Promise((resolve) => ending.child.once('close', resolve));
      hold(ending, true);
      // It holds nothing that outlives it, and sessions of long graphs take seconds to be taken apart.
      ending.child.kill('SIGKILL');
      await closed;
    },
  };
}

function launch(): Running {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env,
    windowsHide: true,
  });
  const launched: Running = { child, pipe: child.stdio[3] as Socket, said: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    launched.said = `${launched.said}${text}`.slice(-2000);
  });
  // A pipe to a process that died; its end is told by `close`.
  launched.pipe.on('error', () => undefined);
  if (alive.size === 0) process.on('exit', endAll);
  alive.add(child);
  child.on('close', () => {
    alive.delete(child);
    if (alive.size === 0) process.off('exit', endAll);
  });
  return launched;
}

/** Whether the process and its pipes keep this one alive. */
function hold({ child, pipe }: Running, held: boolean): void {
  const streams = [child, pipe, child.stderr as unknown as Socket];
  for (const stream of streams) held ? stream.ref() : stream.unref();
}

/** Ends the process when the question at its head is cancelled, takes too long or fills the memory. */
function watch(running: Running, { signal, seconds }: AskOptions, { memory }: ProcessLimits): () => void {
  const end = (ended: Running['ended']) => {
    running.ended ??= ended;
    running.child.kill('SIGKILL');
  };
  const cancel = () => end('cancelled');
  signal?.addEventListener('abort', cancel, { once: true });
  const clock =
    seconds === undefined ? undefined : setTimeout(() => end({ kind: 'time', seconds }), Math.ceil(seconds * 1000));
  const look = setInterval(() => {
    const bytes = memory === undefined ? 0 : residentBytes(running.child.pid);
    if (memory !== undefined && bytes > memory) end({ kind: 'memory', bytes, limit: memory });
  }, watchInterval);
  return () => {
    signal?.removeEventListener('abort', cancel);
    clearTimeout(clock);
    clearInterval(look);
  };
}

/** Memory that a process holds; 0 where the system does not tell. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function errorOf({ ended, said }: Running, code: number | null, signal: string | null): Error {
  if (ended === 'cancelled') return new WhereforeError('cancelled', 'cancelled');
  if (ended !== undefined && ended !== 'closed') return new RuntimeDeath(ended);
  return new RuntimeDeath({ kind: 'crash', signal: signal ?? undefined, code: code ?? undefined, said: said.trim() });
}

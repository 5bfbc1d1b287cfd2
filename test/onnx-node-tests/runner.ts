import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '../../src/tensor/tensor.ts';

export interface Job {
  readonly model: Uint8Array;
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** Absent: the model is only loaded. */
  readonly feeds?: readonly (readonly [string, Tensor])[];
  /** How often to run it. */
  readonly runs: number;
}

export interface RunResult {
  /** Outputs of each run. */
  readonly results?: readonly (readonly [string, Tensor])[][];
  readonly stage?: 'load' | 'run' | 'crash';
  readonly error?: string;
}

/** Runs models in a child process, and starts another one when a model takes it down. */
export class Runner {
  #child: ChildProcess | undefined;

  run(job: Job): Promise<RunResult> {
    this.#child ??= fork(fileURLToPath(new URL('./runner.mjs', import.meta.url)), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    const child = this.#child;
    return new Promise((resolve) => {
      const finish = (result: RunResult) => {
        child.off('exit', onExit);
        child.off('message', finish);
        resolve(result);
      };
      const onExit = (code: number | null, signal: string | null) => {
        this.#child = undefined;
        finish({ stage: 'crash', error: `the process ended with ${signal ?? `exit code ${code}`}` });
      };
      child.on('message', finish);
      child.on('exit', onExit);
      child.send({ ...job, runs: job.runs });
    });
  }

  close(): void {
    this.#child?.kill();
  }
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Spent } from './measure.ts';

/** The PyTorch process, one request at a time. */
export class Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  /** Versions, e.g. `PyTorch 2.13.0+cpu, Python 3.12`. */
  readonly versions: string;

  private constructor(process: ChildProcessWithoutNullStreams, answers: AsyncIterator<string>, versions: string) {
    this.#process = process;
    this.#answers = answers;
    this.versions = versions;
  }

  /** Starts a script of this folder with the interpreter that `WHEREFORE_PYTHON` names (default `python3`). */
  static async start(threads: number, name = 'peer.py'): Promise<Peer> {
    const python = process.env.WHEREFORE_PYTHON ?? 'python3';
    // From dist-bench/bench to the source beside it, which is not compiled.
    const script = fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));
    const child = spawn(python, [script], { env: { ...process.env, OMP_NUM_THREADS: String(threads) } });
    child.stderr.pipe(process.stderr);
    const lines: Interface = createInterface({ input: child.stdout });
    const answers = lines[Symbol.asyncIterator]();
    const failed = new Promise<never>((_, reject) => {
      child.on('error', (cause) => reject(new Error(missing(python), { cause })));
    });
    const first = await Promise.race([answers.next(), failed]);
    const hello = first.done ? {} : (JSON.parse(first.value) as Record<string, string>);
    if (!hello.torch) throw new Error(missing(python));
    return new Peer(child, answers, `PyTorch ${hello.torch}, Python ${hello.python}`);
  }

  async ask<T = Record<string, never>>(request: Readonly<Record<string, unknown>>): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#answers.next();
    if (line.done) throw new Error('the PyTorch process ended (out of memory?)');
    const answer = JSON.parse(line.value) as T & { error?: string };
    if (answer.error) throw new Error(`PyTorch: ${answer.error}`);
    return answer;
  }

  run(): Promise<Spent> {
    return this.ask<Spent>({ do: 'run' });
  }

  close(): void {
    this.#process.stdin.end();
  }
}

function missing(python: string): string {
  return `"${python}" has no PyTorch, which this benchmark compares with.
Install it in an environment of its own and name that environment's interpreter:
  python3 -m venv .venv && .venv/bin/pip install torch
  WHEREFORE_PYTHON=.venv/bin/python npm run bench`;
}

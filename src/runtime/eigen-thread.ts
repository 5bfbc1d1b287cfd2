import { Worker } from 'node:worker_threads';
import { WhereforeError } from '../errors.ts';

/** `A = Q diag(λ) Qᵀ`. */
export interface Eigen {
  /** λ, ascending. */
  readonly values: Float64Array;
  /** n×n, row-major: row i is the eigenvector of λ_i, so that these rows are Qᵀ. */
  readonly vectors: Float64Array;
}

export interface EigenThread {
  /**
   * Eigenvalues and eigenvectors of a symmetric matrix, in float64. About 1.6 n³ ns of one processor: 6 s for n = 1,569.
   * @param matrix n×n, row-major; the upper triangle is read
   * @throws WhereforeError `not-finite`; `wrong-shape`; `runtime` where the thread stopped
   */
  decompose(matrix: Float64Array, n: number): Promise<Eigen>;
  /** Ends the thread; what is under way fails. */
  close(): Promise<void>;
}

/** A thread for decompositions that would block this one. It starts at the first matrix and keeps no process alive while idle. */
export function createEigenThread(): EigenThread {
  const jobs = new Map<number, { resolve: (eigen: Eigen) => void; reject: (error: Error) => void }>();
  let next = 1;
  let worker: Worker | undefined;
  const fail = (why: string, cause?: Error) => {
    for (const { reject } of jobs.values())
      reject(new WhereforeError('runtime', `the thread of eigenvectors stopped: ${why}`, { cause }));
    jobs.clear();
    worker = undefined;
  };
  const start = () => {
    const started = new Worker(new URL('./eigen-worker.js', import.meta.url), { name: 'eigenvectors' });
    started.on('message', ({ job, ...eigen }: Eigen & { job: number }) => {
      jobs.get(job)?.resolve(eigen);
      jobs.delete(job);
      if (jobs.size === 0) started.unref();
    });
    started.on('error', (error) => fail(error.message, error));
    return started;
  };
  return {
    async decompose(matrix, n) {
      if (!Number.isInteger(n) || n < 1 || matrix.length !== n * n)
        throw new WhereforeError('wrong-shape', 'a matrix to decompose', {
          got: `${matrix.length} numbers for n = ${n}`,
          expected: 'n × n numbers, n from 1',
        });
      for (let i = 0; i < matrix.length; i++) {
        if (Number.isFinite(matrix[i])) continue;
        throw new WhereforeError('not-finite', 'a matrix to decompose', {
          got: `${matrix[i]} at [${Math.floor(i / n)}, ${i % n}]`,
        });
      }
      worker ??= start();
      worker.ref();
      const job = next++;
      return new Promise((resolve, reject) => {
        jobs.set(job, { resolve, reject });
        worker?.postMessage({ job, matrix, n });
      });
    },
    async close() {
      const stopping = worker;
      fail('it was closed');
      await stopping?.terminate();
    },
  };
}

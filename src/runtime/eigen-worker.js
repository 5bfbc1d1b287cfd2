// A worker thread that decomposes symmetric matrices, one after another. Plain JavaScript, so that it runs from the sources
// and from the build alike.
import { parentPort } from 'node:worker_threads';
import { symmetricEigen } from '../linear-algebra/symmetric-eigen.js';

parentPort?.on('message', ({ job, matrix, n }) => {
  const { values, vectors } = symmetricEigen(matrix, n);
  parentPort?.postMessage({ job, values, vectors }, [
    /** @type {ArrayBuffer} */ (values.buffer),
    /** @type {ArrayBuffer} */ (vectors.buffer),
  ]);
});

// @ts-check
/**
 * Runs models in a process of its own: some test models crash the runtime, and with it the process.
 * Message in: { model, externalData, feeds }; out: { outputs } or { stage: 'load' | 'run', error }.
 */
import * as ort from 'onnxruntime-node';

/** @typedef {{ type: string, shape: number[], data: any }} PlainTensor */

process.on('message', async (/** @type {any} */ { model, externalData, feeds, runs }) => {
  let stage = 'load';
  try {
    const options = { externalData, logSeverityLevel: /** @type {const} */ (4) };
    const session = await ort.InferenceSession.create(model, options);
    const results = [];
    if (feeds) {
      stage = 'run';
      const tensors = Object.fromEntries(
        feeds.map((/** @type {[string, PlainTensor]} */ [name, { type, shape, data }]) => [
          name,
          new ort.Tensor(/** @type {any} */ (type), aligned(data), shape),
        ]),
      );
      for (let i = 0; i < runs; i++) {
        const outputs = await session.run(tensors);
        results.push(Object.entries(outputs).map(([name, value]) => [name, plain(value)]));
      }
    }
    await session.release();
    process.send?.({ results });
  } catch (error) {
    process.send?.({ stage, error: error instanceof Error ? error.message : String(error) });
  }
});

/**
 * A copy at a page boundary (where resizable buffers lie): the runtime's vectorised sums depend, in the last bit, on where their input begins.
 * @param {any} data
 */
function aligned(data) {
  if (Array.isArray(data)) return data;
  // @ts-expect-error resizable buffers are newer than the library that is configured
  const buffer = new ArrayBuffer(data.byteLength, { maxByteLength: 2 ** 26 });
  const copy = new data.constructor(buffer, 0, data.length);
  copy.set(data);
  return copy;
}

/** @param {any} value */
function plain(value) {
  return { type: value.type, shape: [...value.dims], data: value.data };
}

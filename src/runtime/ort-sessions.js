// The sessions of ONNX Runtime and what can be asked of them, in a thread or in a process of their own. Plain JavaScript,
// so that it runs from the sources and from the build alike; types are checked through JSDoc.
import { MessageChannel } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';

/**
 * @typedef {{ name: string, type: string, shape: readonly number[], data: any }} Wire a tensor between the threads
 * @typedef {{ session: ort.InferenceSession, carried: Map<string, [ort.Tensor, ort.Tensor | undefined]> }} Held
 */

/** @type {Map<number, Held>} */
const sessions = new Map();

/** @param {Wire} wire */
const toOrt = (wire) => new ort.Tensor(/** @type {any} */ (wire.type), wire.data, wire.shape);

/** @param {string} name @param {ort.Tensor} tensor @returns {Wire} */
const toWire = (name, tensor) => ({ name, type: tensor.type, shape: tensor.dims, data: tensor.data });

/** @type {Record<string, (message: any) => Promise<{ tensors?: Wire[] }>>} */
const handlers = {
  async open({ id, bytes, options }) {
    const session = await ort.InferenceSession.create(bytes, options);
    sessions.set(id, { session, carried: new Map() });
    return {};
  },
  async run({ id, feeds, fetches, carry, transfer }) {
    const held = sessions.get(id);
    if (!held) throw new Error(`session ${id} was released`);
    const { session, carried } = held;
    // Without a prototype, so that a value may be called as a field of one.
    /** @type {Record<string, ort.Tensor>} */
    const inputs = Object.create(null);
    for (const wire of feeds) {
      inputs[wire.name] = toOrt(wire);
      carried.delete(wire.name);
    }
    for (const [name, [current]] of carried) inputs[name] = current;
    /** @type {Record<string, ort.Tensor | null>} */
    const outputs = Object.create(null);
    for (const name of fetches) outputs[name] = null;
    // Two buffers a carried value: one is read while the other is written, then they swap.
    for (const [output, input] of carry) outputs[output] = carried.get(input)?.[1] ?? null;
    const results = await session.run(inputs, outputs);
    for (const [output, input] of carry) {
      const previous = carried.get(input)?.[0];
      carried.set(input, [results[output], previous]);
    }
    // A fed value that is asked for may be the very memory that was fed.
    const done = feeds.filter((/** @type {Wire} */ { name }) => transfer.includes(name) && !fetches.includes(name));
    free(transferable(done));
    return { tensors: fetches.map((/** @type {string} */ name) => toWire(name, results[name])) };
  },
  async read({ id, inputs }) {
    const held = sessions.get(id);
    if (!held) throw new Error(`session ${id} was released`);
    return {
      tensors: inputs.map((/** @type {string} */ name) => {
        const entry = held.carried.get(name);
        if (!entry) throw new Error(`input "${name}" is not carried`);
        const [tensor] = entry;
        return { name, type: tensor.type, shape: tensor.dims, data: /** @type {any} */ (tensor.data).slice() };
      }),
    };
  },
  async release({ id }) {
    const held = sessions.get(id);
    sessions.delete(id);
    await held?.session.release();
    return {};
  },
};

const { port1: nowhere, port2: closed } = new MessageChannel();
closed.close();

/**
 * Frees memory now. Collected when the engine sees fit, the buffers of many runs pile up.
 * @param {ArrayBuffer[]} buffers
 */
const free = (buffers) => nowhere.postMessage(undefined, buffers);

/** Buffers whose ownership can move to another thread, each once. @param {Wire[]} tensors */
export const transferable = (tensors) => [
  ...new Set(
    tensors.flatMap(({ data }) =>
      ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
    ),
  ),
];

/**
 * Answers one question; never throws.
 * @param {any} message
 * @returns {Promise<{ job: number, tensors?: Wire[], error?: string }>}
 */
export async function answer(message) {
  try {
    return { job: message.job, ...(await handlers[message.kind](message)) };
  } catch (error) {
    return { job: message.job, error: error instanceof Error ? error.message : String(error) };
  }
}

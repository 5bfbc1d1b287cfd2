// The sessions of ONNX Runtime and what can be asked of them, whichever build of it: in a thread, a process, a browser.
// Plain JavaScript, so that it runs from the sources and from the build alike; types are checked through JSDoc.

/**
 * @typedef {{ name: string, type: string, shape: readonly number[], data: any }} Wire a tensor between the threads
 */

/** Buffers whose ownership can move to another thread, each once. @param {readonly Wire[]} tensors */
export const transferable = (tensors) => [
  ...new Set(
    tensors.flatMap(({ data }) =>
      ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
    ),
  ),
];

/**
 * The data of a tensor. Numbers of 16 bits are kept as bits, also where the engine has an array for them.
 * @param {{ type: string, data: any }} tensor
 */
const bitsOf = ({ type, data }) =>
  type === 'float16' && !(data instanceof Uint16Array)
    ? new Uint16Array(data.buffer, data.byteOffset, data.length)
    : data;

/**
 * Something that holds sessions and answers one question after another.
 * @param {any} ort a build of ONNX Runtime: onnxruntime-node, onnxruntime-web
 * @param {object} [options]
 * @param {(buffers: ArrayBuffer[]) => void} [options.free] what is done with the memory of feeds that were given away
 * @param {boolean} [options.fills] whether it writes into outputs that it is given
 */
export function sessionsOf(ort, { free = () => undefined, fills = false } = {}) {
  /** @type {Map<number, { session: any, carried: Map<string, [any, any]> }>} */
  const sessions = new Map();

  /** @param {Wire} wire */
  const toOrt = (wire) => new ort.Tensor(/** @type {any} */ (wire.type), wire.data, wire.shape);

  /** @param {string} name @param {any} tensor @returns {Wire} */
  const toWire = (name, tensor) => ({ name, type: tensor.type, shape: tensor.dims, data: bitsOf(tensor) });

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
      /** @type {Record<string, any>} */
      const inputs = Object.create(null);
      for (const wire of feeds) {
        inputs[wire.name] = toOrt(wire);
        carried.delete(wire.name);
      }
      for (const [name, [current]] of carried) inputs[name] = current;
      /** @type {Record<string, any>} */
      const outputs = Object.create(null);
      for (const name of fetches) outputs[name] = null;
      // Two buffers a carried value, where they can be filled: one is read while the other is written, then they swap.
      for (const [output, input] of carry) outputs[output] = (fills && carried.get(input)?.[1]) || null;
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
          return { name, type: tensor.type, shape: tensor.dims, data: bitsOf(tensor).slice() };
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

  /**
   * Answers one question; never throws.
   * @param {any} message
   * @returns {Promise<{ job: number, tensors?: Wire[], error?: string }>}
   */
  async function answer(message) {
    try {
      return { job: message.job, ...(await handlers[message.kind](message)) };
    } catch (error) {
      return { job: message.job, error: error instanceof Error ? error.message : String(error) };
    }
  }

  return { answer };
}

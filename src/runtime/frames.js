// Messages between the program and the process that holds the sessions, as bytes: the length of the header, the header
// as JSON, then the elements of every typed array as they lie in memory. Several times as fast as structured cloning
// through Node's own channel. Plain JavaScript, because the process runs it from the sources and from the build alike.

/** Bytes before the header: its length. */
export const prefixLength = 4;

/** @type {Record<string, any>} */
const arrays = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
};

/**
 * @typedef {{ message: any, arrays: { type: string, bytes: number }[] }} Header
 */

/**
 * The pieces of a message, to be written one after the other.
 * @param {any} message plain data and typed arrays
 * @returns {Uint8Array[]}
 */
export function pack(message) {
  /** @type {ArrayBufferView[]} */
  const found = [];
  // The value itself, not what its toJSON made of it: buffers of Node have one.
  const text = JSON.stringify(message, function (key) {
    const value = this[key];
    return ArrayBuffer.isView(value) ? { array: found.push(value) - 1 } : value;
  });
  const described = found.map((view) => ({ type: typeOf(view), bytes: view.byteLength }));
  const header = new TextEncoder().encode(`{"message":${text},"arrays":${JSON.stringify(described)}}`);
  const first = new Uint8Array(prefixLength + header.length);
  new DataView(first.buffer).setUint32(0, header.length);
  first.set(header, prefixLength);
  const bodies = found.filter(({ byteLength }) => byteLength > 0);
  return [first, ...bodies.map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength))];
}

/** Length of the header. @param {Uint8Array} prefix */
export const headerLength = (prefix) => new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);

/** @param {Uint8Array} bytes @returns {Header} */
export const readHeader = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/**
 * The message with its arrays.
 * @param {Header} header @param {ArrayBuffer[]} bodies one for each array
 */
export function unpack(header, bodies) {
  const views = header.arrays.map(({ type }, i) => new arrays[type](bodies[i]));
  const fill = (/** @type {any} */ value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (typeof value.array === 'number') return views[value.array];
    for (const key of Object.keys(value)) value[key] = fill(value[key]);
    return value;
  };
  return fill(header.message);
}

/** @param {ArrayBufferView} view */
function typeOf(view) {
  const name = Object.keys(arrays).find((key) => view instanceof arrays[key]);
  if (!name) throw new TypeError(`no frame holds a ${view.constructor.name}`);
  return name;
}

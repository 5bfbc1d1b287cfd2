// Memory that the program and the process that holds the sessions both have: a file in memory without a name. One of them
// writes at a time, the question or the answer, and the other has read all of it before it writes. Plain JavaScript,
// because the process runs it from the sources and from the build alike.
import { ftruncateSync, readSync, writeSync } from 'node:fs';

/** Bytes of an array from which on this is faster than the pipe. */
const leastShared = 2 ** 18;
const mostAtOnce = 2 ** 30;
/** Bytes that are kept for the next answer: to get memory from the system takes as long as to fill it. */
const kept = 2 ** 26;

/**
 * @param {number} descriptor
 * @param {number} size bytes that may lie in it
 */
export function sharedFile(descriptor, size) {
  let end = 0;
  return {
    /** Puts bytes behind those of the same message; `undefined` where they are few, or do not fit. @param {Uint8Array} bytes */
    put(bytes) {
      if (bytes.length < leastShared || end + bytes.length > size) return undefined;
      const start = end;
      try {
        for (let at = 0; at < bytes.length; ) {
          at += writeSync(descriptor, bytes, at, Math.min(mostAtOnce, bytes.length - at), start + at);
        }
      } catch {
        // Full, since others fill that memory too.
        return undefined;
      }
      end += bytes.length;
      return start;
    },
    /** @param {number} start @param {number} length @returns {ArrayBuffer} */
    take(start, length) {
      const taken = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const count = readSync(descriptor, taken, at, Math.min(mostAtOnce, length - at), start + at);
        if (count === 0) throw new Error('the shared memory ends too early');
        at += count;
      }
      end = Math.max(end, start + length);
      return taken.buffer;
    },
    /** The other side has read what lies there, or this one has: the next message starts at the beginning. */
    clear() {
      if (end > kept) ftruncateSync(descriptor, kept);
      end = 0;
    },
  };
}

// A process that holds sessions of ONNX Runtime: what brings native code down ends this process alone, and it can be
// ended at any time. Questions come and answers go through one pipe, read and written without an event loop.
import { readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { headerLength, pack, prefixLength, readHeader, unpack } from './frames.js';
import { answer } from './ort-sessions.js';

const pipe = 3;
const mostAtOnce = 2 ** 30;

/** Fills an array from the pipe; false where the other end is closed. @param {Uint8Array} bytes */
function fill(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const count = patient(() => readSync(pipe, bytes, at, Math.min(mostAtOnce, bytes.length - at), null));
    if (count === 0) return false;
    at += count;
  }
  return true;
}

/** @param {Uint8Array} bytes */
function send(bytes) {
  for (let at = 0; at < bytes.length; ) {
    at += patient(() => writeSync(pipe, bytes, at, Math.min(mostAtOnce, bytes.length - at)));
  }
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Some systems make the pipe one that does not wait. @param {() => number} transfer @returns {number} */
function patient(transfer) {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      const code = /** @type {NodeJS.ErrnoException} */ (error).code;
      // The program is gone: there is nobody to answer.
      if (code === 'EOF' || code === 'ECONNRESET' || code === 'EPIPE') return process.exit(0);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(clock, 0, 0, 1);
    }
  }
}

// A run without end would outlive a program that was killed. This thread waits inside native code, so another one looks.
new Worker(
  `const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);`,
  { eval: true },
).unref();
// A signal from the terminal reaches all processes; the program decides when this one ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const prefix = new Uint8Array(prefixLength);
while (fill(prefix)) {
  const bytes = new Uint8Array(headerLength(prefix));
  fill(bytes);
  const header = readHeader(bytes);
  const bodies = header.arrays.map(({ bytes: length }) => {
    const body = new Uint8Array(length);
    fill(body);
    return body.buffer;
  });
  const reply = await answer(unpack(header, bodies));
  for (const piece of pack(reply)) send(piece);
}
process.exit(0);

// A worker thread that holds sessions of ONNX Runtime.
import { parentPort, workerData } from 'node:worker_threads';
import { answer, transferable } from './ort-sessions.js';
import { busy, idle, stopping } from './thread-state.js';

/** Shared with the thread that asks: whether this one is inside native code. */
const state = new Int32Array(workerData.state);

// One message at a time: runs share the processor anyway, and a session must not be released under a run.
let queue = Promise.resolve();
parentPort?.on('message', (message) => {
  queue = queue.then(async () => {
    // The program is ending: whoever waits for the answer is gone.
    if (Atomics.compareExchange(state, 0, idle, busy) === stopping) return;
    const reply = await answer(message);
    Atomics.compareExchange(state, 0, busy, idle);
    Atomics.notify(state, 0);
    parentPort?.postMessage(reply, transferable(reply.tensors ?? []));
  });
});

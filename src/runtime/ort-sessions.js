// The sessions of ONNX Runtime in a thread or in a process of their own. Plain JavaScript, so that it runs from the sources
// and from the build alike.
import { MessageChannel } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { sessionsOf } from './sessions-of.js';

export { transferable } from './sessions-of.js';

const { port1: nowhere, port2: closed } = new MessageChannel();
closed.close();

// Memory is freed now: collected when the engine sees fit, the buffers of many runs pile up.
export const { answer } = sessionsOf(ort, { free: (buffers) => nowhere.postMessage(undefined, buffers), fills: true });

// In a worker of a page: opens a model once, and explains as often as it is asked. See run.ts.
import { memoryFiles } from '../../src/data/files/memory-files.ts';
import type { LoadedModel } from '../../src/data/model/loaded-model.ts';
import { openModel } from '../../src/data/model/open-model.ts';
import { createWebRuntime, decodeImage } from '../../src/web/index.ts';
import { copySeconds, explainOnce, type Spent, type Work, watched } from './work.ts';

/** The memories of WebAssembly, which only grow. */
const memories: WebAssembly.Memory[] = [];
const Memory = WebAssembly.Memory;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};

export interface Took {
  readonly seconds: number;
  readonly sum: number;
  /** Bytes of WebAssembly's memory. */
  readonly bytes: number;
  readonly spent: Spent;
  /** Seconds that copies of what went in and out take. */
  readonly copies: number;
}

let opened: LoadedModel | undefined;
const spent: Spent = { sessions: 0, runs: 0, bytes: 0 };

async function work(one: Work): Promise<Took> {
  if (!opened) {
    const runtime = watched(await createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm' }), spent);
    const files = memoryFiles(new Map([['model.onnx', await (await fetch(`/${one.model}`)).blob()]]));
    opened = await openModel('model.onnx', { runtime, files, decodeImage });
  }
  Object.assign(spent, { sessions: 0, runs: 0, bytes: 0 });
  const began = performance.now();
  const sum = await explainOnce(opened, one);
  const bytes = memories.reduce((total, { buffer }) => total + buffer.byteLength, 0);
  const seconds = (performance.now() - began) / 1000;
  return { seconds, sum, bytes, spent: { ...spent }, copies: copySeconds(spent.bytes) };
}

addEventListener('message', ({ data }: MessageEvent<Work>) => {
  work(data).then(
    (took) => postMessage({ took }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});

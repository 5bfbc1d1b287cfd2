import { explain, float32, memoryFiles, openModel, renderPage, WhereforeError } from '../../src/core.ts';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { createWebRuntime, type Download, decodeImage, downloadFile } from '../../src/web/index.ts';
import { conformance } from '../runtime-conformance.ts';
import { asked } from './asked.ts';
import { storedTasks } from './stored.ts';
import { wrongUses } from './wrong-uses.ts';

/** What became of an image. */
export type Decoded =
  | { readonly shape: readonly number[]; readonly hash: string; readonly notes: readonly string[] }
  | { readonly error: string };

/** What is said where the engine's file is not what it should be. */
const engineAt = async (wasm: string) => {
  const runtime = await createWebRuntime({ wasm });
  const files = memoryFiles(new Map([['shapes.onnx', await (await fetch('/shapes.onnx')).blob()]]));
  const model = await openModel('shapes.onnx', { runtime, files });
  const [{ name }] = model.graph.inputs;
  return explain(model, new Map([[name, float32([1, 3, 96, 96], new Float32Array(3 * 96 * 96))]])).then(
    () => 'nothing',
    (error: unknown) => (error instanceof WhereforeError ? error.message : `another error: ${error}`),
  );
};

/** What the page asks of the worker, and what it gets. */
const tasks = {
  ...storedTasks,
  conformance: async () => {
    const runtime = await createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm' });
    const failed: Record<string, string> = {};
    for (const [name, check] of Object.entries(conformance)) {
      await check(runtime).catch((error: unknown) => {
        failed[name] = error instanceof Error ? error.message : String(error);
      });
    }
    return { failed, names: Object.keys(conformance), version: runtime.version };
  },
  explain: async () => {
    const files = memoryFiles(
      new Map(
        await Promise.all(
          ['shapes.onnx', 'wherefore.yaml', 'fish.png'].map(
            async (name) => [name, await (await fetch(`/${name}`)).blob()] as const,
          ),
        ),
      ),
    );
    const runtime = await createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm' });
    const model = await openModel('shapes.onnx', { runtime, files, decodeImage });
    const found = await explain(model, 'fish.png', asked);
    return {
      html: await renderPage(found),
      explained: found.map(({ document, tensors }) => ({
        document,
        tensors: [...tensors].map(([key, { data }]) => ({ key, data: [...(data as Float32Array)] })),
      })),
    };
  },
  decode: async () => {
    const names: string[] = await (await fetch('/images.json')).json();
    const found: Record<string, Decoded> = {};
    for (const name of names) {
      const bytes = new Uint8Array(await (await fetch(`/images/${name}`)).arrayBuffer());
      found[name] = await decodeImage(bytes, { name }).then(
        ({ pixels, notes }) => ({ shape: pixels.shape, hash: contentHash([pixels.data]), notes }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      );
    }
    return found;
  },
  wrong: async () => {
    const runtime = await createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm' });
    const said: Record<string, string> = {};
    for (const [what, use] of Object.entries(wrongUses)) {
      said[what] = await use(runtime).then(
        () => 'nothing',
        (error: unknown) => (error instanceof WhereforeError ? error.message : `another error: ${error}`),
      );
    }
    return said;
  },
  absentEngine: () => engineAt('/absent.wasm'),
  otherEngine: () => engineAt('/other.wasm'),
  emptyEngine: () => engineAt('/empty.wasm'),
  download: async () => {
    const seen: number[] = [];
    const onProgress = ({ bytes, total }: { bytes: number; total?: number }) => void seen.push(bytes, total ?? -1);
    const first = await downloadFile('/shapes.onnx', { cache: 'models', onProgress });
    const second = await downloadFile('/shapes.onnx', { cache: 'models', sha256: first.hash });
    const told = ({ content, hash, fromCache, notes }: Download) => ({ size: content.size, hash, fromCache, notes });
    await caches.delete('models');
    return { first: told(first), second: told(second), seen };
  },
  overQuota: async () => (await downloadFile('/shapes.onnx', { cache: 'models' })).notes,
};

export type Tasks = typeof tasks;

addEventListener('message', async ({ data: task }: MessageEvent<keyof Tasks>) => {
  try {
    postMessage({ result: await tasks[task]() });
  } catch (error) {
    postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});

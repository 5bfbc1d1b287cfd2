import { explain, imageAsInput, memoryFiles, openModel, preprocessingOf, renderPage } from '../../src/core.ts';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { createWebRuntime, decodeImage } from '../../src/web/index.ts';
import { conformance } from '../runtime-conformance.ts';

/** What became of an image. */
export type Decoded =
  | { readonly shape: readonly number[]; readonly hash: string; readonly notes: readonly string[] }
  | { readonly error: string };

/** What the page asks of the worker, and what it gets. */
const tasks = {
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
    const found = await explain(model, 'fish.png', {
      target: { kind: 'classLogit', class: 2 },
      baseline: { kind: 'blur', sigma: 8 },
      methods: ['integrated-gradients', 'grad-cam'],
    });
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
    const words: string[] = [];
    const said = (work: Promise<unknown>) =>
      work.then(
        () => words.push('done'),
        (error: unknown) => words.push(error instanceof Error ? error.message : String(error)),
      );
    await said(createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm', threads: 4 }));
    await said(createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm', threads: 0 }));
    await said(openModel('absent.onnx', { runtime, files: memoryFiles() }));
    await said(openModel(new TextEncoder().encode('no model'), { runtime }));
    const cut = new Uint8Array(await (await fetch('/shapes.onnx')).arrayBuffer()).slice(0, 5000);
    await said(openModel(cut, { runtime }));
    await said(decodeImage(new TextEncoder().encode('no image'), { name: 'a.png' }));
    const model = await openModel(new Uint8Array(await (await fetch('/shapes.onnx')).arrayBuffer()), { runtime });
    await said(explain(model, 'cat.png'));
    const pixels = await decodeImage(new Uint8Array(await (await fetch('/fish.png')).arrayBuffer()), {
      name: 'fish.png',
    });
    const named = { source: 'fish.png', hash: undefined };
    await said(imageAsInput(model, pixels, named, { ...preprocessingOf(model, {}), inputs: {} }));
    return words;
  },
};

export type Tasks = typeof tasks;

addEventListener('message', async ({ data: task }: MessageEvent<keyof Tasks>) => {
  try {
    postMessage({ result: await tasks[task]() });
  } catch (error) {
    postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});

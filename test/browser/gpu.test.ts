import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { gradientsOf } from '../../src/runtime/gradient.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { float32, type Tensor } from '../../src/tensor/tensor.ts';
import { drawn, smallClassifier } from '../attribution-models.ts';
import type { Tried } from './gpu-worker.ts';
import { browserPath, bundled, startBrowser } from './in-browser.ts';
import { type Served, serve, wasmFile } from './serve.ts';
import { inWorker } from './tab.ts';

// A card that is simulated on the processor takes its time: in full mode.
const path = process.env.WHEREFORE_FULL === '1' ? browserPath() : undefined;
const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));
/** Chromium's own simulation of a graphics card. */
const simulated = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

it.skipIf(!path)(
  'WebGPU computes what Node computes, after it was compared with WebAssembly, or is refused',
  async () => {
    const { code } = await bundled(fileURLToPath(new URL('./gpu-worker.ts', import.meta.url)), 'worker');
    const script = (name: string): Served => ['text/javascript', readFileSync(join(engine, name))];
    const files: Record<string, Served> = {
      '/': ['text/html', '<!doctype html><title>gpu</title>'],
      '/worker.js': ['text/javascript', code],
      '/ort.webgpu.bundle.min.mjs': script('ort.webgpu.bundle.min.mjs'),
      '/ort-wasm-simd-threaded.asyncify.wasm': wasmFile('ort-wasm-simd-threaded.asyncify.wasm'),
    };
    const server = await serve((at) => files[at]);
    const browser = await startBrowser(path as string, simulated);
    try {
      const page = await browser.newPage();
      await page.goto(server.origin);
      const { result, error } = await page.evaluate(inWorker, '');
      expect(error).toBeUndefined();
      const { inSoftware, onCard, strict, without } = result as Tried;
      expect(onCard.name).toMatch(/^onnxruntime-web \(WebGPU, .*swiftshader/);
      const runtime = createNodeRuntime({ threads: 1 });
      const model = smallClassifier(runtime);
      const inputs = new Map([['x', drawn([2, 2, 8, 8], 7)]]);
      const seeds = new Map([['y', float32([2, 3], [1, 0, 0, 0, 1, 0])]]);
      const y = (await model.executor.run(model.graph, inputs, ['y'])).get('y') as Tensor<'float32'>;
      const { gradients } = await gradientsOf(model, { inputs, wrt: ['x'], seeds });
      await runtime.close();
      // Sums of up to 80 products of numbers near 1, in another order.
      for (const [i, value] of y.data.entries()) expect(onCard.y[i]).toBeCloseTo(value, 4);
      const gradient = (gradients.get('x') as Tensor<'float32'>).data;
      for (const [i, value] of gradient.entries()) expect(onCard.gradient[i]).toBeCloseTo(value, 4);
      expect(inSoftware).toMatch(/WebGPU would compute on the processor.*swiftshader.*leave webgpu out/);
      expect(strict).toMatch(/WebGPU computes other values than WebAssembly.*of their size apart, expected at most 0/);
      expect(without).toMatch(/there is no WebGPU here.*leave webgpu out/);
    } finally {
      await browser.close();
      await server.close();
    }
  },
  240_000,
);

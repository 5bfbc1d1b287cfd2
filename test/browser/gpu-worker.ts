import { WhereforeError } from '../../src/core.ts';
import { gradientsOf } from '../../src/runtime/gradient.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { float32, type Tensor } from '../../src/tensor/tensor.ts';
import { createWebRuntime, type WebGpuOptions } from '../../src/web/index.ts';
import { drawn, smallClassifier } from '../attribution-models.ts';

const address = '/ort.webgpu.bundle.min.mjs';
const engine: WebGpuOptions['engine'] = () => import(address);
const wasm = '/ort-wasm-simd-threaded.asyncify.wasm';

/** The output of a small network with convolutions and a max-pool, and its gradient at the input. */
async function work(runtime: Runtime) {
  const model = smallClassifier(runtime);
  const x = drawn([2, 2, 8, 8], 7);
  const outputs = await model.executor.run(model.graph, new Map([['x', x]]), ['y']);
  const seeds = new Map([['y', float32([2, 3], [1, 0, 0, 0, 1, 0])]]);
  const { gradients } = await gradientsOf(model, { inputs: new Map([['x', x]]), wrt: ['x'], seeds });
  const numbers = (tensor: Tensor | undefined) => [...(tensor as Tensor<'float32'>).data];
  return { name: runtime.name, y: numbers(outputs.get('y')), gradient: numbers(gradients.get('x')) };
}

const refused = (options: WebGpuOptions) =>
  createWebRuntime({ wasm, webgpu: options }).then(
    () => 'nothing',
    (error: unknown) => (error instanceof WhereforeError ? error.message : `another error: ${error}`),
  );

async function tried() {
  const inSoftware = await refused({ engine });
  const onCard = await work(await createWebRuntime({ wasm, webgpu: { engine, software: true } }));
  const strict = await work(await createWebRuntime({ wasm, webgpu: { engine, software: true, tolerance: 0 } })).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
  Object.defineProperty(navigator, 'gpu', { value: undefined });
  return { inSoftware, onCard, strict, without: await refused({ engine }) };
}

export type Tried = Awaited<ReturnType<typeof tried>>;

addEventListener('message', () => {
  tried().then(
    (result) => postMessage({ result }),
    (error: unknown) => postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

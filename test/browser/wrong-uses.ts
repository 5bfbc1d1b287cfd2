import {
  explain,
  float32,
  imageAsInput,
  memoryFiles,
  openModel,
  preprocessingOf,
  type Runtime,
} from '../../src/core.ts';
import { GraphBuilder } from '../../src/onnx/builder.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createWebRuntime, decodeImage, downloadFile } from '../../src/web/index.ts';

const wasm = '/ort-wasm-simd-threaded.wasm';
const bytesAt = async (address: string) => new Uint8Array(await (await fetch(address)).arrayBuffer());
const words = (text: string) => new TextEncoder().encode(text);

/** A model whose only operator no runtime has. */
function nonsense(): Uint8Array {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  builder.output(builder.op('Nonsense', ['x'], {}, { outputs: ['y'] }), 'float32', [1, 4]);
  const opsets = new Map([['', 20]]);
  const graph = builder.build();
  return encodeModel({ irVersion: 10, producer: '', opsets, graph, functions: [], metadata: new Map() });
}

async function explained(runtime: Runtime, bytes: Uint8Array, input: string, shape: readonly number[]) {
  const model = await openModel(bytes, { runtime });
  const size = shape.reduce((a, b) => a * b, 1);
  return explain(model, new Map([[input, float32(shape, new Float32Array(size).fill(0.5))]]), {
    methods: ['gradient'],
    target: { kind: 'classLogit', class: 0 },
  });
}

/** What a person does wrong in a page, by what it is: each is to be refused in one clear line. */
export const wrongUses: Readonly<Record<string, (runtime: Runtime) => Promise<unknown>>> = {
  'no WebAssembly': async () => {
    const held = globalThis.WebAssembly;
    Reflect.deleteProperty(globalThis, 'WebAssembly');
    try {
      await createWebRuntime({ wasm });
    } finally {
      globalThis.WebAssembly = held;
    }
  },
  'threads in a page that is not isolated': () => createWebRuntime({ wasm, threads: 4 }),
  'no threads': () => createWebRuntime({ wasm, threads: 0 }),
  'a model over the memory': async () =>
    explained(
      await createWebRuntime({ wasm, sessionBytes: 1000 }),
      await bytesAt('/shapes.onnx'),
      'image',
      [1, 3, 96, 96],
    ),
  'a download that is cut': () => downloadFile('/cut.onnx'),
  'an address without a file': () => downloadFile('/absent.onnx'),
  'a server that is not there': () => downloadFile('http://127.0.0.1:9/model.onnx'),
  'another file than expected': () => downloadFile('/shapes.onnx', { sha256: '0'.repeat(64) }),
  'a download that is cancelled': () => downloadFile('/shapes.onnx', { signal: AbortSignal.abort() }),
  'a page instead of a model': async (runtime) =>
    openModel(words('<!doctype html><title>Not found</title>'), { runtime }),
  'something else instead of a model': (runtime) => openModel(words('no model'), { runtime }),
  'a model that is cut': async (runtime) => openModel((await bytesAt('/shapes.onnx')).slice(0, 5000), { runtime }),
  'no such model among the files': (runtime) => openModel('absent.onnx', { runtime, files: memoryFiles() }),
  'weights that are not among the files': async (runtime) => {
    const model = decodeModel(await bytesAt('/shapes.onnx'), { fileName: 'weights.bin' });
    const content = encodeModel(model, { weights: 'reference' });
    return openModel('model.onnx', { runtime, files: memoryFiles(new Map([['model.onnx', content]])) });
  },
  'an operator without kernel': (runtime) => explained(runtime, nonsense(), 'x', [1, 4]),
  'an input that the model has not': async (runtime) => {
    const image = float32([1, 3, 96, 96], new Float32Array(3 * 96 * 96));
    const model = await openModel(await bytesAt('/shapes.onnx'), { runtime });
    return explain(model, new Map(Object.entries({ image, imgae: image })));
  },
  'an input of another shape': async (runtime) =>
    explained(runtime, await bytesAt('/shapes.onnx'), 'image', [1, 3, 96]),
  'an image that cannot be decoded': () => decodeImage(words('no image'), { name: 'a.png' }),
  'a name without files': async (runtime) =>
    explain(await openModel(await bytesAt('/shapes.onnx'), { runtime }), 'cat.png'),
  'an image for a model that does not say how': async (runtime) => {
    const model = await openModel(await bytesAt('/shapes.onnx'), { runtime });
    const pixels = await decodeImage(await bytesAt('/fish.png'), { name: 'fish.png' });
    return imageAsInput(
      model,
      pixels,
      { source: 'fish.png', hash: undefined },
      { ...preprocessingOf(model, {}), inputs: {} },
    );
  },
  'a call after the model was closed': async (runtime) => {
    const model = await openModel(await bytesAt('/shapes.onnx'), { runtime });
    await model.close();
    return explain(model, new Map([['image', float32([1, 3, 96, 96], new Float32Array(3 * 96 * 96))]]), {
      methods: ['gradient'],
    });
  },
  'a call after the runtime was closed': async () => {
    const runtime = await createWebRuntime({ wasm });
    await runtime.close();
    return explained(runtime, await bytesAt('/shapes.onnx'), 'image', [1, 3, 96, 96]);
  },
};

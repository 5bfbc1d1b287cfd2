import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../src/data/formats/image.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import { explain } from '../../src/explain/explain.ts';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { spearman } from '../../src/tensor/correlation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { readableImages, refusedByBrowsers, unreadableImages } from '../image-files.ts';
import { asked } from './asked.ts';
import { bundled } from './in-browser.ts';
import { type Served, serve, wasmFile } from './serve.ts';
import { browsers, type Tab } from './tab.ts';

const demo = fileURLToPath(new URL('../../examples/demo/', import.meta.url));

/** What the server allows: nothing else may be asked for. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";

/** Tells a length, and ends before it. */
const cut: Served = (response) => {
  response.writeHead(200, { 'content-length': '100000' });
  response.write(Buffer.alloc(1000), () => setTimeout(() => response.destroy(), 50));
};

describe.each(browsers)('a worker of a page in $name, over onnxruntime-web', ({ name: browser, path, open }) => {
  const given = it.skipIf(!path);
  let server: Awaited<ReturnType<typeof serve>>;
  let tab: Tab;
  let same: ReadonlyMap<string, Buffer>;
  let refused: ReadonlyMap<string, Buffer>;
  let elsewhere: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    if (!path) return;
    same = await readableImages({ large: process.env.WHEREFORE_FULL === '1' });
    refused = await unreadableImages();
    elsewhere = await refusedByBrowsers();
    const { code } = await bundled(fileURLToPath(new URL('./web-worker.ts', import.meta.url)), 'worker');
    const images = [...same, ...refused, ...elsewhere];
    const files: Record<string, Served> = {
      '/': ['text/html', '<!doctype html><title>worker</title>'],
      '/worker.js': ['text/javascript', code],
      '/ort-wasm-simd-threaded.wasm': wasmFile(),
      '/other.wasm': wasmFile('ort-wasm-simd-threaded.asyncify.wasm'),
      // A module that is whole and holds nothing.
      '/empty.wasm': ['application/wasm', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)],
      '/shapes.onnx': ['application/octet-stream', readFileSync(join(demo, 'model/shapes.onnx'))],
      '/wherefore.yaml': ['text/plain', readFileSync(join(demo, 'model/wherefore.yaml'))],
      '/fish.png': ['image/png', readFileSync(join(demo, 'images/fish.png'))],
      '/cut.onnx': cut,
      '/images.json': ['application/json', JSON.stringify(images.map(([name]) => name))],
      ...Object.fromEntries(images.map(([name, content]) => [`/images/${name}`, ['image/*', content]])),
    };
    server = await serve((at) => files[at], { 'content-security-policy': policy });
    tab = await open(path, server.origin);
  }, 180_000);

  afterAll(async () => {
    await tab?.close();
    await server?.close();
  });

  given(
    'runs graphs as every runtime must',
    async () => {
      const { failed, names, version } = await tab.ask('conformance');
      expect(failed).toEqual({});
      expect(names.length).toBeGreaterThan(12);
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    },
    120_000,
  );

  given(
    'explains the model of the demo as Node does, and draws its page',
    async () => {
      const there = await tab.ask('explain');
      const model = await loadModel(join(demo, 'model/shapes.onnx'), { threads: 1, isolation: 'thread' });
      const here = await explain(model, join(demo, 'images/fish.png'), asked);
      await model.close();
      expect(there.explained.map(({ document }) => document.method)).toEqual(
        here.map(({ document }) => document.method),
      );
      for (const [i, { document, tensors }] of here.entries()) {
        const other = there.explained[i];
        expect(other.document.versions.runtime).toContain('onnxruntime-web');
        // The same file of the model, and the same pixels.
        expect(other.document.model.hash).toBe(document.model.hash);
        expect(other.document.input.tensors).toEqual(document.input.tensors);
        // Kernels sum in another order, so that a ReLU near 0 may decide otherwise: sums agree to 3e-5 of the value.
        expect(Math.abs(other.document.value - document.value)).toBeLessThan(1e-5 * Math.abs(document.value));
        expect(Math.abs(other.document.sum - document.sum)).toBeLessThan(3e-5 * Math.abs(document.value) + 1e-5);
        expect(other.tensors.map(({ key }) => key)).toEqual([...tensors.keys()]);
        for (const { key, data } of other.tensors) {
          const mine = [...((tensors.get(key) as Tensor).data as Float32Array)];
          if (key.startsWith('attribution:')) expect(spearman(data, mine)).toBeGreaterThan(0.996);
          else expect(data).toEqual(mine);
        }
      }
      expect(tab.problems).toEqual([]);
      expect(await tab.headingOf(there.html)).toContain('fish');
    },
    240_000,
  );

  given(
    'decodes images to the pixels of Node, to the bit, or refuses them',
    async () => {
      const there = await tab.ask('decode');
      for (const [name, bytes] of same) {
        const { pixels, notes } = await readImage(bytes, { name });
        expect({ [name]: there[name] }).toEqual({
          [name]: { shape: pixels.shape, hash: contentHash([pixels.data]), notes },
        });
      }
      const reason = (name: string) => new RegExp(`^${name}: cannot be read as an image`);
      for (const [name, bytes] of refused) {
        expect(there[name]).toEqual({ error: expect.stringMatching(reason(name)) });
        await expect(readImage(bytes, { name })).rejects.toThrow(reason(name));
      }
      for (const [name] of elsewhere) expect(there[name]).toEqual({ error: expect.stringMatching(reason(name)) });
    },
    120_000,
  );

  given(
    'says in one line what was done wrong',
    async () => {
      const words = await tab.ask('wrong');
      const expected: Readonly<Record<string, RegExp>> = {
        'no WebAssembly': /there is no WebAssembly here.*current browser/,
        'threads in a page that is not isolated': /cross-origin isolated.*Cross-Origin-Opener-Policy/,
        'no threads': /whole number from 1 up/,
        'a model over the memory':
          /too large for the memory of this tab \(got \S+ KiB of weights, expected at most 1000 bytes\)/,
        'a download that is cut': /cut\.onnx: the download was cut.*try again/,
        'an address without a file': /absent\.onnx: the server does not give the file \(got status 404\)/,
        'a server that is not there': /:9\/model\.onnx: the server does not answer.*try again/,
        'another file than expected': /shapes\.onnx: this is another file.*SHA-256 [0-9a-f]{64}/,
        'a download that is cancelled': /shapes\.onnx: the download was cancelled/,
        'a page instead of a model': /not an ONNX model.*HTML/,
        'something else instead of a model': /not an ONNX model/,
        'a model that is cut': /cut short or damaged \(got at byte \d+ of 5000/,
        'no such model among the files': /absent\.onnx: there is no such file/,
        'weights that are not among the files': /weights\.bin: there is no such file/,
        'an operator without kernel': /the runtime has no operator Nonsense/,
        'an input that the model has not': /no input "imgae"/,
        'an input of another shape': /shape/,
        'an image that cannot be decoded': /a\.png: cannot be read as an image/,
        'a name without files': /cat\.png: a text names a file.*no way to files/,
        'an image for a model that does not say how': /does not say how an image becomes its input/,
        'a call after the model was closed': /the model is closed/,
        'a call after the runtime was closed': /the runtime is closed/,
      };
      expect(Object.keys(words)).toEqual(Object.keys(expected));
      for (const [what, pattern] of Object.entries(expected)) {
        expect(words[what], what).toMatch(pattern);
        expect(words[what].split('\n'), what).toHaveLength(1);
        expect(words[what].length, what).toBeLessThan(500);
      }
    },
    120_000,
  );

  given(
    'says where the engine must lie',
    async () => {
      const start = (name: string) =>
        new RegExp(`${name}\\.wasm: ONNX Runtime Web did not start.*onnxruntime-web 1\\.30`);
      const asked = (['absentEngine', 'otherEngine', 'emptyEngine'] as const).map((task) => tab.ask(task));
      const [absent, other, empty] = await Promise.all(asked);
      expect(absent).toMatch(start('absent'));
      expect(other).toMatch(start('other'));
      expect(empty).toMatch(start('empty'));
      expect(empty).toMatch(/got WebAssembly of 8 bytes, which is no engine/);
    },
    60_000,
  );

  given(
    'downloads a model with progress, and keeps it',
    async () => {
      const { first, second, seen } = await tab.ask('download');
      const model = readFileSync(join(demo, 'model/shapes.onnx'));
      const file = { size: model.length, hash: contentHash([model]), notes: [] };
      expect(first).toEqual({ ...file, fromCache: false });
      expect(second).toEqual({ ...file, fromCache: true });
      expect(seen.at(-2)).toBe(model.length);
    },
    60_000,
  );

  it.skipIf(!path || browser === 'Firefox')(
    'says so where there is no room to keep a model',
    async () => {
      await tab.limitQuota?.(1000);
      expect(await tab.ask('overQuota')).toEqual([
        expect.stringMatching(/shapes\.onnx .* was not kept .*: the quota of this site/),
      ]);
    },
    60_000,
  );
});

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../src/data/formats/image.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import { explain } from '../../src/explain/explain.ts';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { spearman } from '../../src/tensor/correlation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { readableImages, refusedByBrowsers, unreadableImages } from '../image-files.ts';
import { browserPath, bundled, startBrowser } from './in-browser.ts';
import type { Tasks } from './web-worker.ts';

const path = browserPath();
const demo = fileURLToPath(new URL('../../examples/demo/', import.meta.url));
const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));

/** What the server gives: nothing else may be asked for. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";

describe.skipIf(!path)('a worker of a page, over onnxruntime-web', () => {
  let browser: Browser;
  let server: Server;
  let tab: Page;
  const problems: string[] = [];
  let same: ReadonlyMap<string, Buffer>;
  let refused: ReadonlyMap<string, Buffer>;
  let elsewhere: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    same = await readableImages({ large: process.env.WHEREFORE_FULL === '1' });
    refused = await unreadableImages();
    elsewhere = await refusedByBrowsers();
    const { code } = await bundled(fileURLToPath(new URL('./web-worker.ts', import.meta.url)), 'worker');
    const files: Record<string, readonly [string, string | Buffer]> = {
      '/': ['text/html', '<!doctype html><title>worker</title>'],
      '/worker.js': ['text/javascript', code],
      '/ort-wasm-simd-threaded.wasm': ['application/wasm', readFileSync(join(engine, 'ort-wasm-simd-threaded.wasm'))],
      '/shapes.onnx': ['application/octet-stream', readFileSync(join(demo, 'model/shapes.onnx'))],
      '/wherefore.yaml': ['text/plain', readFileSync(join(demo, 'model/wherefore.yaml'))],
      '/fish.png': ['image/png', readFileSync(join(demo, 'images/fish.png'))],
    };
    for (const [name, content] of [...same, ...refused, ...elsewhere]) files[`/images/${name}`] = ['image/*', content];
    files['/images.json'] = [
      'application/json',
      JSON.stringify([...same.keys(), ...refused.keys(), ...elsewhere.keys()]),
    ];
    server = createServer(({ url = '' }, response) => {
      const [type, content] = files[url] ?? ['text/plain', ''];
      response.writeHead(url in files ? 200 : 404, { 'content-type': type, 'content-security-policy': policy });
      response.end(content);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    browser = await startBrowser(path as string);
    tab = await browser.newPage();
    tab.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) problems.push(message.text());
    });
    tab.on('pageerror', (error) => problems.push(error.message));
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await new Promise((closed) => server?.close(closed));
  });

  /** Has a fresh worker do something. */
  async function ask<T extends keyof Tasks>(task: T): Promise<Awaited<ReturnType<Tasks[T]>>> {
    const { result, error } = await tab.evaluate(
      (asked) =>
        new Promise<{ result?: unknown; error?: string }>((resolve) => {
          const worker = new Worker('/worker.js');
          worker.onmessage = ({ data }) => {
            resolve(data);
            worker.terminate();
          };
          worker.onerror = ({ message }) => resolve({ error: message });
          worker.postMessage(asked);
        }),
      task,
    );
    if (error) throw new Error(error);
    return result as Awaited<ReturnType<Tasks[T]>>;
  }

  it('runs graphs as every runtime must', async () => {
    const { failed, names, version } = await ask('conformance');
    expect(failed).toEqual({});
    expect(names.length).toBeGreaterThan(12);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }, 120_000);

  it('explains the model of the demo as Node does, and draws its page', async () => {
    const there = await ask('explain');
    const model = await loadModel(join(demo, 'model/shapes.onnx'), { threads: 1, isolation: 'thread' });
    const here = await explain(model, join(demo, 'images/fish.png'), {
      target: { kind: 'classLogit', class: 2 },
      baseline: { kind: 'blur', sigma: 8 },
      methods: ['integrated-gradients', 'grad-cam'],
    });
    await model.close();
    expect(there.explained.map(({ document }) => document.method)).toEqual(here.map(({ document }) => document.method));
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
    expect(problems).toEqual([]);
    const shown = await browser.newPage();
    await shown.setContent(there.html);
    expect(await shown.locator('h1').innerText()).toContain('fish');
    await shown.close();
  }, 240_000);

  it('decodes images to the pixels of Node, to the bit, or refuses them', async () => {
    const there = await ask('decode');
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
  }, 120_000);

  it('says in one line what it cannot do', async () => {
    const words = await ask('wrong');
    expect(words).toEqual([
      expect.stringMatching(/cross-origin isolated/),
      expect.stringMatching(/whole number from 1 up/),
      expect.stringMatching(/absent\.onnx: there is no such file/),
      expect.stringMatching(/ONNX/),
      expect.stringMatching(/shapes|model\.onnx/),
      expect.stringMatching(/a\.png: cannot be read as an image/),
      expect.stringMatching(/cat\.png: a text names a file.*no way to files/),
      expect.stringMatching(/does not say how an image becomes its input/),
    ]);
    for (const one of words) expect(one.split('\n')).toHaveLength(1);
  }, 120_000);
});

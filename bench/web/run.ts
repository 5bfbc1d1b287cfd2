// What a tab costs beside Node: `npm run bench:web -- [squeezenet.onnx]`. One thread each, turn by turn.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../src/data/files/node-files.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import { openModel } from '../../src/data/model/open-model.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { browserPath, bundled, startBrowser } from '../../test/browser/in-browser.ts';
import { spreadOf } from '../measure.ts';
import { explainOnce, type Spent, type Work, watched } from './work.ts';
import type { Took } from './worker.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const rounds = 7;
/** Explanations in a row by which the memory is judged. */
const inARow = 200;

const fixed = (title: string, model: string): Work => {
  const [{ name, shape }] = decodeModel(readFileSync(model)).graph.inputs;
  const sizes = (shape ?? []).map((size) => (typeof size === 'number' ? size : 1));
  return { title, model, input: name, shape: sizes };
};
const [squeezenet] = process.argv.slice(2).map((path) => resolve(path));
const demo = fixed('the network of the demo, 96 × 96', join(root, 'examples/demo/model/shapes.onnx'));
const small = fixed('a small vision transformer', join(root, 'test/fixtures/architectures/vit.script.onnx'));
const works = [demo, small, ...(squeezenet ? [fixed('SqueezeNet 1.1, 224 × 224', squeezenet)] : [])];

const path = browserPath();
if (!path) process.exit(1);
const { code } = await bundled(join(root, 'bench/web/worker.ts'), 'worker', { minify: true });
const engine = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));
const server = createServer(({ url = '/' }, response) => {
  const name = decodeURIComponent(url.slice(1));
  const content =
    name === ''
      ? '<!doctype html><title>bench</title><link rel="icon" href="data:,">'
      : name === 'worker.js'
        ? code
        : readFileSync(name.endsWith('.wasm') ? join(engine, name) : `/${name}`);
  const type = name === '' ? 'text/html' : name.endsWith('.js') ? 'text/javascript' : 'application/wasm';
  response.writeHead(200, { 'content-type': type });
  response.end(content);
});
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
const browser = await startBrowser(path);
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

/** One explanation by the page's worker, and the longest that the page's own thread had to wait meanwhile. */
const inTab = (one: Work): Promise<Took & { readonly longest: number }> =>
  page.evaluate(
    (asked) =>
      new Promise<Took & { longest: number }>((resolve, reject) => {
        const held = globalThis as unknown as { worker?: Worker };
        held.worker ??= new Worker('/worker.js');
        const { worker } = held;
        let [last, longest, goes] = [performance.now(), 0, true];
        const tick = () => {
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
          if (goes) setTimeout(tick);
        };
        tick();
        worker.onmessage = ({ data }) => {
          goes = false;
          if (data.error) reject(new Error(data.error));
          else resolve({ ...data.took, longest });
        };
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(asked);
      }),
    { ...one, model: one.model.slice(1) },
  );

/** Ends the worker in the middle of an explanation. @returns milliseconds until that is done, and until the next result */
const cancelled = (one: Work): Promise<{ ending: number; next: number }> =>
  page.evaluate(
    (asked) =>
      new Promise<{ ending: number; next: number }>((resolve) => {
        const held = globalThis as unknown as { worker?: Worker };
        held.worker?.postMessage(asked);
        setTimeout(() => {
          const began = performance.now();
          held.worker?.terminate();
          held.worker = new Worker('/worker.js');
          const ending = performance.now() - began;
          held.worker.onmessage = () => resolve({ ending, next: performance.now() - began });
          held.worker.postMessage(asked);
        }, 50);
      }),
    { ...one, model: one.model.slice(1) },
  );

const endWorker = () =>
  page.evaluate(() => {
    const held = globalThis as unknown as { worker?: Worker };
    held.worker?.terminate();
    delete held.worker;
  });

/** Where the time of an explanation goes in Node, sessions being open. */
async function spentInNode(one: Work): Promise<Spent & { readonly seconds: number }> {
  const spent: Spent = { sessions: 0, runs: 0, bytes: 0 };
  const runtime = createNodeRuntime({ threads: 1 });
  const model = await openModel(one.model, { runtime: watched(runtime, spent), files: nodeFiles });
  await explainOnce(model, one);
  Object.assign(spent, { sessions: 0, runs: 0, bytes: 0 });
  const began = performance.now();
  await explainOnce(model, one);
  const seconds = (performance.now() - began) / 1000;
  await model.close();
  await runtime.close();
  return { ...spent, seconds };
}

const where: string[] = [];
const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(1)}`;

console.log(`worker: ${(code.length / 1000).toFixed(0)} kB, minified`);
console.log('| integrated gradients, 50 steps | tab | Node | ratio (quartiles) | longest wait of the page |');
console.log('|---|---|---|---|---|');
for (const one of works) {
  const model = await loadModel(one.model, { threads: 1, isolation: 'thread' });
  const [tab, node, ratios, waits]: [number[], number[], number[], number[]] = [[], [], [], []];
  let last: Took | undefined;
  for (let round = -1; round < rounds; round++) {
    const there = await inTab(one);
    last = there;
    const began = performance.now();
    const sum = await explainOnce(model, one);
    const here = (performance.now() - began) / 1000;
    if (Math.abs(sum - there.sum) > 1e-3 * Math.abs(sum))
      throw new Error(`${one.title}: ${sum}, ${there.sum} in the tab`);
    // The first opens sessions.
    if (round < 0) continue;
    tab.push(there.seconds);
    node.push(here);
    ratios.push(there.seconds / here);
    waits.push(there.longest);
  }
  await model.close();
  await endWorker();
  const { sessions, runs } = (last as Took).spent;
  const { seconds, copies } = last as Took;
  const there = await spentInNode(one);
  where.push(
    `| ${one.title} | ${milliseconds(sessions)} / ${milliseconds(there.sessions)} | ${milliseconds(runs - copies)} / ${milliseconds(there.runs)} | ${milliseconds(copies)} | ${milliseconds(seconds - sessions - runs)} / ${milliseconds(there.seconds - there.sessions - there.runs)} |`,
  );
  const { median, low, high } = spreadOf(ratios);
  const most = waits.reduce((a, b) => Math.max(a, b), 0);
  console.log(
    `| ${one.title} | ${spreadOf(tab).median.toFixed(2)} s | ${spreadOf(node).median.toFixed(2)} s | **${median.toFixed(2)}** (${low.toFixed(2)}–${high.toFixed(2)}) | ${most.toFixed(0)} ms |`,
  );
}
console.log(
  '\nwhere the time goes, in ms, tab / Node (where runs go on beside our own code), once the first explanation has opened sessions:\n',
);
console.log(
  '| network | sessions | kernels (in Node with copies) | copies | the rest: our own code |\n|---|---|---|---|---|',
);
for (const row of where) console.log(row);
await inTab(demo);
const { ending, next } = await cancelled(demo);
console.log(
  `\ncancelled in ${ending.toFixed(0)} ms; the next explanation, in a fresh worker, after ${next.toFixed(0)} ms`,
);
await endWorker();
const sizes: number[] = [];
for (let i = 0; i < inARow; i++) sizes.push((await inTab(small)).bytes / 2 ** 20);
console.log(
  `memory of WebAssembly after 1, ${inARow / 4}, ${inARow} explanations: ${[sizes[0], sizes[inARow / 4 - 1], sizes[inARow - 1]].map((size) => size.toFixed(0)).join(', ')} MiB`,
);
await browser.close();
server.close();

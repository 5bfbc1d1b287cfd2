import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, startBrowser } from './in-browser.ts';

const path = browserPath();
const root = fileURLToPath(new URL('../../', import.meta.url));
const demo = join(root, 'examples/demo');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

describe.skipIf(!path)('the example that vite builds', () => {
  const out = mkdtempSync(join(tmpdir(), 'wherefore-vite-'));
  const problems: string[] = [];
  let browser: Browser;
  let server: Server;
  let page: Page;

  beforeAll(async () => {
    await build({
      root: join(root, 'examples/browser'),
      configFile: false,
      logLevel: 'error',
      // What a project of its own finds in node_modules.
      resolve: {
        alias: { 'wherefore/core': join(root, 'src/core.ts'), 'wherefore/web': join(root, 'src/web/index.ts') },
      },
      build: { outDir: out, emptyOutDir: true },
    });
    server = createServer(({ url = '/' }, response) => {
      const file = url === '/' ? '/index.html' : url;
      try {
        const content = readFileSync(join(out, file));
        response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
        response.end(content);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    browser = await startBrowser(path as string);
    page = await browser.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const model = ['shapes.onnx', 'wherefore.yaml'].map((name) => join(demo, 'model', name));
    await page.setInputFiles('#model', model);
    await page.setInputFiles('#image', join(demo, 'images/car.png'));
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await new Promise((closed) => server?.close(closed));
    rmSync(out, { recursive: true, force: true });
  });

  const status = () => page.locator('#status');

  it('explains an image with a model that a person chooses, in the tab', async () => {
    await page.click('#explain');
    await status().filter({ hasText: 'Done.' }).waitFor({ timeout: 90_000 });
    const frame = page.frameLocator('#page');
    expect(await frame.locator('h1').innerText()).toBe('Why shapes says “car” of car.png');
    expect(await page.getAttribute('#save', 'href')).toMatch(/^blob:/);
    expect(problems).toEqual([]);
  }, 120_000);

  it('is cancelled at once, and explains again', async () => {
    await page.click('#explain');
    await status().filter({ hasText: 'passes' }).waitFor({ timeout: 90_000 });
    await page.click('#cancel');
    await status().filter({ hasText: 'Cancelled.' }).waitFor({ timeout: 5_000 });
    await page.click('#explain');
    await status().filter({ hasText: 'Done.' }).waitFor({ timeout: 90_000 });
    expect(problems).toEqual([]);
  }, 200_000);

  it('says in the page what is wrong with a model', async () => {
    await page.setInputFiles('#model', [{ name: 'not.onnx', mimeType: '', buffer: Buffer.from('no model') }]);
    await page.click('#explain');
    await status().filter({ hasText: 'not.onnx' }).waitFor({ timeout: 30_000 });
    expect(await page.isEnabled('#explain')).toBe(true);
  }, 60_000);
});

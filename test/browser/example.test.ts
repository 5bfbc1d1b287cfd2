import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageScriptHash } from '../../src/core.ts';
import { buildExample } from './build-example.ts';
import { browserPath, startBrowser } from './in-browser.ts';
import { serve } from './serve.ts';

const path = browserPath();
const root = fileURLToPath(new URL('../../', import.meta.url));
const demo = join(root, 'examples/demo');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** As docs/browser.md states it: Trusted Types, and of inline scripts only that of the page that is made. */
const policy = [
  "default-src 'none'",
  `script-src 'self' 'wasm-unsafe-eval' ${pageScriptHash()}`,
  "style-src 'self' 'unsafe-inline'",
  'img-src data:',
  "worker-src 'self'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  'trusted-types explanation',
].join('; ');

describe.skipIf(!path)('the example that vite builds', () => {
  const out = mkdtempSync(join(tmpdir(), 'wherefore-vite-'));
  const problems: string[] = [];
  let browser: Browser;
  /** Files that the page asked for: before the first question, and until now. */
  const [atStart, asked] = [new Set<string>(), new Set<string>()];
  let server: Awaited<ReturnType<typeof serve>>;
  let page: Page;

  beforeAll(async () => {
    await buildExample(out);
    server = await serve(
      (url) => {
        const file = url === '/' ? '/index.html' : url;
        try {
          return [types[extname(file)] ?? 'application/octet-stream', readFileSync(join(out, file))];
        } catch {
          return undefined;
        }
      },
      { 'content-security-policy': policy },
    );
    browser = await startBrowser(path as string);
    page = await browser.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/favicon/.test(message.location().url)) problems.push(message.text());
    });
    page.on('request', (request) => asked.add(new URL(request.url()).pathname));
    await page.goto(server.origin, { waitUntil: 'networkidle' });
    for (const file of asked) atStart.add(file);
    const model = ['shapes.onnx', 'wherefore.yaml'].map((name) => join(demo, 'model', name));
    await page.setInputFiles('#model', model);
    await page.setInputFiles('#image', join(demo, 'images/car.png'));
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(out, { recursive: true, force: true });
  });

  const status = () => page.locator('#status');

  it('explains an image with a model that a person chooses, in the tab', async () => {
    await page.click('#explain');
    await status().filter({ hasText: 'Done.' }).waitFor({ timeout: 90_000 });
    const frame = page.frameLocator('#page');
    expect(await frame.locator('h1').innerText()).toBe('Why shapes says “car” of car.png');
    // The page's one script ran: without it its switches are hidden.
    expect(await frame.locator('.controls').isVisible()).toBe(true);
    expect(await page.getAttribute('#save', 'href')).toMatch(/^blob:/);
    expect(problems).toEqual([]);
  }, 120_000);

  it('loads no more code than is stated, and the rest only when it is needed', () => {
    // Our own code in the worker: not that of onnxruntime-web, nor the page's.
    const kilobytes = (files: ReadonlySet<string>) => {
      const own = [...files].filter((file) => file.endsWith('.js') && !/\/(ort|index)[-.]/.test(file));
      return own.reduce((sum, file) => sum + statSync(join(out, file)).size, 0) / 1000;
    };
    // The start opens models. A first explanation of an image brings methods, and what draws the page, decodes PNG and
    // parses YAML.
    expect(kilobytes(atStart)).toBeLessThan(260);
    expect(kilobytes(asked)).toBeLessThan(670);
    expect(kilobytes(asked)).toBeGreaterThan(kilobytes(atStart) + 100);
    expect(
      [...asked].filter((file) => /attention|recurrent-[^a]|flac|tokenizer|metrics|masks|unroll|einsum/.test(file)),
    ).toEqual([]);
  });

  it('is held to Trusted Types', async () => {
    const refused = await page.evaluate(() => {
      try {
        document.createElement('iframe').srcdoc = '<p>anything</p>';
        return 'allowed';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(refused).toBe('TypeError');
    // The complaint is this test's own.
    problems.length = 0;
  });

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

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bundle } from '../../scripts/bundle.mjs';
import { browserPath, startBrowser } from './in-browser.ts';
import { serve } from './serve.ts';

// Joining the package takes seconds: in full mode.
const path = process.env.WHEREFORE_FULL === '1' ? browserPath() : undefined;
const root = fileURLToPath(new URL('../../', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

it.skipIf(!path)(
  'a page without a bundler explains with the files of the package',
  async () => {
    const dist = mkdtempSync(join(tmpdir(), 'wherefore-dist-'));
    await bundle(dist);
    const server = await serve((url) => {
      const place = url.startsWith('/node_modules/wherefore/dist/')
        ? join(dist, url.replace('/node_modules/wherefore/dist/', ''))
        : join(root, url === '/' ? 'examples/browser/plain.html' : url);
      try {
        return [types[extname(place)] ?? 'application/octet-stream', readFileSync(place)];
      } catch {
        return undefined;
      }
    });
    const browser = await startBrowser(path as string);
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', ({ message }) => problems.push(message));
      await page.goto(server.origin);
      const status = page.locator('#status');
      await status.filter({ hasText: 'Ready.' }).waitFor({ timeout: 60_000 });
      const demo = join(root, 'examples/demo');
      await page.setInputFiles(
        '#model',
        ['shapes.onnx', 'wherefore.yaml'].map((name) => join(demo, 'model', name)),
      );
      await page.setInputFiles('#image', join(demo, 'images/car.png'));
      await page.click('#explain');
      await status.filter({ hasText: 'Done.' }).waitFor({ timeout: 90_000 });
      const heading = page.frameLocator('#page').locator('h1');
      expect(await heading.innerText()).toBe('Why shapes says “car” of car.png');
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
      await server.close();
      rmSync(dist, { recursive: true, force: true });
    }
  },
  180_000,
);

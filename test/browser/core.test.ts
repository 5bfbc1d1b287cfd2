import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { denseModel } from '../dense-model.ts';
import { explainInPage, methods } from './core-page.ts';
import { browserPath, bundled, startBrowser } from './in-browser.ts';

const path = browserPath();

it.skipIf(!path)(
  'the core explains in a page what it explains here, and draws the same page there',
  async () => {
    const { code } = await bundled(fileURLToPath(new URL('./core-page.ts', import.meta.url)), 'entry');
    const browser = await startBrowser(path as string);
    try {
      const tab = await browser.newPage();
      const problems: string[] = [];
      tab.on('pageerror', (error) => problems.push(error.message));
      tab.on('request', (request) => problems.push(`asks for ${request.url()}`));
      await tab.setContent('<!doctype html><title>core</title>');
      await tab.addScriptTag({ content: code });
      const there = await tab.evaluate(
        // Runs in the page, where the script has left what core-page.ts exports.
        (numbers) =>
          (globalThis as unknown as { entry: { explainInPage: typeof explainInPage } }).entry.explainInPage(
            Uint8Array.from(numbers),
          ),
        [...denseModel()],
      );
      const here = await explainInPage(denseModel());
      expect(problems).toEqual([]);
      expect(there.realm).toBe('undefined object');
      expect(there.hash).toBe(contentHash([denseModel()]));
      expect(there.documents.map(({ method }) => method)).toEqual(methods);
      expect(there.documents.map(comparable)).toEqual(here.documents.map(comparable));
      expect(there.documents[0].targetDescription).toBe('logit of class 1 "birch"');
      expect(withoutTimes(there.html)).toBe(withoutTimes(here.html));
      await tab.setContent(there.html);
      expect(await tab.locator('h1').innerText()).toContain('birch');
    } finally {
      await browser.close();
    }
  },
  60_000,
);

/** What does not depend on when it was computed. */
const comparable = ({
  created: _,
  cost,
  ...document
}: Awaited<ReturnType<typeof explainInPage>>['documents'][number]) => ({
  ...document,
  cost: { ...cost, seconds: 0 },
});

/** A page without dates and seconds. */
const withoutTimes = (html: string) =>
  html.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'then').replaceAll(/[\d.]+ (m?s|min)\b/g, 'so long');

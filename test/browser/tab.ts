import { firefoxPath, startFirefox } from './firefox.ts';
import { browserPath, startBrowser } from './in-browser.ts';
import type { Tasks } from './web-worker.ts';

/** A page of a browser. */
export interface Tab {
  /** Has a fresh worker of the page do something. */
  ask<T extends keyof Tasks>(task: T): Promise<Awaited<ReturnType<Tasks[T]>>>;
  /** The heading of a page that was made, opened by itself. */
  headingOf(html: string): Promise<string>;
  /** Leaves the page so many bytes to keep things in; undefined where the browser cannot be told. */
  readonly limitQuota?: (bytes: number) => Promise<void>;
  /** What the browser complained of. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** Runs in the page: has a fresh worker do something. */
export const inWorker = (task: string) =>
  new Promise<{ result?: unknown; error?: string }>((resolve) => {
    const worker = new Worker('/worker.js');
    worker.onmessage = ({ data }) => {
      resolve(data);
      worker.terminate();
    };
    worker.onerror = ({ message }) => resolve({ error: message });
    worker.postMessage(task);
  });

const askBy =
  (evaluate: (task: string) => Promise<{ result?: unknown; error?: string }>): Tab['ask'] =>
  async (task) => {
    const { result, error } = await evaluate(task);
    if (error) throw new Error(error);
    return result as never;
  };

async function chromiumTab(path: string, origin: string): Promise<Tab> {
  const browser = await startBrowser(path);
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    const isOurs = message.type() === 'error' && !/favicon|Failed to load resource/.test(message.text());
    if (isOurs) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(origin);
  return {
    ask: askBy((task) => page.evaluate(inWorker, task)),
    headingOf: async (html) => {
      const shown = await browser.newPage();
      await shown.setContent(html);
      const heading = await shown.locator('h1').innerText();
      await shown.close();
      return heading;
    },
    limitQuota: async (quotaSize) => {
      const session = await page.context().newCDPSession(page);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
    },
    problems,
    close: () => browser.close(),
  };
}

async function firefoxTab(path: string, origin: string): Promise<Tab> {
  const browser = await startFirefox(path);
  await browser.goto(origin);
  return {
    ask: askBy((task) => browser.evaluate(inWorker, task)),
    headingOf: (html) =>
      browser.evaluate(
        (text) => new DOMParser().parseFromString(text, 'text/html').querySelector('h1')?.innerText ?? '',
        html,
      ),
    problems: [],
    close: () => browser.close(),
  };
}

/** The browsers of this machine; Firefox takes part in full mode. */
export const browsers = [
  { name: 'Chromium', path: browserPath(), open: chromiumTab },
  { name: 'Firefox', path: process.env.WHEREFORE_FULL === '1' ? firefoxPath() : undefined, open: firefoxTab },
];

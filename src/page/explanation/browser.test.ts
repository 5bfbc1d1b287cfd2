import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowser } from '../../../scripts/find-browser.mjs';
import { makeExplained, makeScorecard, plainImage } from '../../../test/explained.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { renderPage } from './page.ts';

/** The browser that CHROMIUM_PATH names, one that is installed, or one that Playwright fetched. */
const executablePath = findBrowser() ?? [chromium.executablePath()].find((path) => existsSync(path));
if (!executablePath) console.warn('skipped: no Chromium found for the tests of the page in a browser');

const long = 'a-very-long-name-without-any-place-to-break-it-as-exporters-make-them/'.repeat(3);

async function samplePage(): Promise<string> {
  const layout = { channelAxis: 1, spatialAxes: [2, 3] };
  const input = float32(
    [1, 1, 80, 80],
    Float32Array.from({ length: 6400 }, (_, i) => i % 17),
  );
  const poor = {
    relativeError: 0.4,
    error: 2,
    converged: false,
    isCut: false,
    completing: [long],
    implicitBaseline: 'a zero feature, to first order',
    command: long,
    notes: [long],
  };
  // A score that the baseline hardly has, at four layers: numbers with many signs in the narrowest cards.
  const small = {
    value: -0.00012345,
    baselineValue: -9.05e-10,
    attributionTarget: -9.05e-10,
    targetDescription: 'score',
  };
  return renderPage([
    ...['a', 'b', 'c', 'd'].map((layer) =>
      makeExplained({ input, attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]), layer, layout, document: small }),
    ),
    makeExplained({
      input,
      attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
      layer: long,
      layout,
      document: {
        ...poor,
        prediction: { output: 'y', kind: 'probability', top: [{ index: 1, label: long, value: 0.9 }] },
        scorecard: makeScorecard({ reference: long, warning: long, notes: [long] }),
      },
    }),
    makeExplained({
      input,
      attribution: float32([1, 1, 2, 2], [0, 1, -2, 4]),
      layer: 'conv',
      layout,
      document: {
        scorecard: makeScorecard(),
        box: [10, 20, 70, 75],
        baseline: { kind: 'mean' },
        baselineDescription: 'mean',
      },
    }),
    makeExplained({
      input,
      attribution: float32(
        [1, 1, 80, 80],
        input.data.map((value) => value / 16),
      ),
      layout,
      document: {
        method: 'lax',
        methodTitle: 'LAX',
        chosen: { threshold: 0.5, area: 0.2 },
        scorecard: makeScorecard(),
      },
    }),
    makeExplained({
      attribution: float32([1, 2, 300], new Float32Array(600).fill(0.01)),
      layout: { channelAxis: 1, spatialAxes: [2] },
    }),
    makeExplained({
      input,
      attribution: float32(
        [1, 1, 80, 80],
        input.data.map((value) => value - 8),
      ),
      layout,
      image: plainImage(300, 90),
      transform: { source: [300, 90], grid: [80, 80], scale: [0.3, 0.9], offset: [-5, 0] },
    }),
    makeExplained({ attribution: float32([1, 3], [1, -2, 0.5]), names: [long, 'b', 'c'], texts: ['39', long, '40'] }),
    makeExplained({
      attribution: float32([1, 3], [0.04, -0.0051, -0.0004]),
      names: ['age', 'b', 'c'],
      document: { target: { kind: 'classProbability', class: 1 }, value: 1, relativeError: 0.01 },
    }),
    makeExplained({
      input: int64([1, 3], [1, 2, 3]),
      attribution: float32([1, 3, 1], [1, -2, 0.5]),
      layer: 'embedding',
      names: ['0', '1', '2'],
      texts: ['Once', ' upon', long],
    }),
  ]);
}

describe.skipIf(!executablePath)('the page in a browser', () => {
  let browser: Browser;
  let folder: string;
  let address: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wherefore-page-'));
    await writeFile(join(folder, 'index.html'), await samplePage());
    address = pathToFileURL(join(folder, 'index.html')).href;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function opened(
    width: number,
    colorScheme: 'light' | 'dark',
    use: (page: Page) => Promise<void>,
    javaScriptEnabled = true,
  ): Promise<void> {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, javaScriptEnabled });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    try {
      await page.goto(address);
      await use(page);
    } finally {
      await context.close();
    }
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([address]);
  }

  it.each([
    [360, 'light'],
    [360, 'dark'],
    [1280, 'light'],
  ] as const)('fits %i pixels, %s, and asks for nothing', async (width, scheme) => {
    await opened(width, scheme, async (page) => {
      const shown = await page.evaluate(() => {
        const all = Array.from(document.querySelectorAll('img'));
        return {
          wide: document.documentElement.scrollWidth,
          // What scrolls in a frame of its own may be wider than the page.
          beyond: Array.from(document.body.querySelectorAll('*'))
            .filter((element) => !element.closest('.scroll,.unseen,.skip,svg'))
            .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
            .map(({ tagName, className }) => `${tagName} ${className}`),
          broken: all.filter((image) => !image.complete || image.naturalWidth === 0).length,
          nameless: all.filter((image) => !image.hasAttribute('alt')).length,
          levels: Array.from(document.querySelectorAll('h1,h2,h3,h4'), (heading) => Number(heading.tagName[1])),
          unnamed: Array.from(document.querySelectorAll('button,input')).filter(
            (control) => !control.textContent?.trim() && !document.querySelector(`label[for="${control.id}"]`),
          ).length,
          doubleIds:
            document.querySelectorAll('[id]').length -
            new Set(Array.from(document.querySelectorAll('[id]'), ({ id }) => id)).size,
          language: document.documentElement.lang,
        };
      });
      expect(shown).toMatchObject({
        wide: width,
        beyond: [],
        broken: 0,
        nameless: 0,
        unnamed: 0,
        doubleIds: 0,
        language: 'en',
      });
      expect(shown.levels.filter((level) => level === 1)).toHaveLength(1);
      shown.levels.slice(1).forEach((level, i) => {
        expect(level - shown.levels[i], 'no level of heading is left out').toBeLessThanOrEqual(1);
      });
    });
  });

  it('keeps the digits of a number together, in as many cards beside each other as fit', async () => {
    for (const width of [360, 1280]) {
      await opened(width, 'light', async (page) => {
        const cut = await page.evaluate(() =>
          Array.from(document.querySelectorAll('.numbers dd, .bars td.number'))
            .filter((number) => {
              const text = document.createRange();
              text.selectNodeContents(number);
              return text.getClientRects().length > 1 || number.scrollWidth > number.clientWidth;
            })
            .map(({ textContent }) => textContent),
        );
        expect(cut).toEqual([]);
      });
    }
  });

  it('has text that stands out from its ground by 4.5 : 1, in light and dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      await opened(1280, scheme, async (page) => {
        expect(await page.evaluate(weakTexts)).toEqual([]);
      });
    }
  });

  it('switches views by keyboard, without scripts too', async () => {
    const switched = async (page: Page) => {
      const heat = page.locator('.stage .heat').first();
      await page.locator('input[value=overlay]').first().focus();
      const lines = page.locator('.stage .contours').first();
      expect(await lines.evaluate((element) => getComputedStyle(element).opacity)).toBe('0');
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('input[value=contour]').first().isChecked()).toBe(true);
      expect(await lines.evaluate((element) => getComputedStyle(element).opacity)).toBe('1');
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('input[value=map]').first().isChecked()).toBe(true);
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('input[value=image]').first().isChecked()).toBe(true);
      expect(await heat.evaluate((element) => getComputedStyle(element).opacity)).toBe('0');
    };
    await opened(1280, 'light', switched);
    await opened(
      1280,
      'light',
      async (page) => {
        expect(await page.locator('.controls').isVisible()).toBe(false);
        await switched(page);
      },
      false,
    );
  });

  it('turns all maps and the colours of the page at once', async () => {
    await opened(1280, 'light', async (page) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const before = await ground();
      await page.getByRole('button', { name: 'Dark' }).click();
      expect(await ground()).not.toBe(before);
      await page.getByRole('button', { name: 'map', exact: true }).click();
      expect(await page.locator('input[value=map]:checked').count()).toBe(await page.locator('.stage').count());
    });
  });
});

/** Texts with less contrast than WCAG AA asks for, computed in the page; those over images have grounds of their own. */
function weakTexts(): string[] {
  const canvas = document
    .createElement('canvas')
    .getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  const channels = (colour: string) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (colour: string) => {
    const [r, g, b] = Array.from(channels(colour).slice(0, 3), (channel) =>
      channel <= 10 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element: Element | null): string => {
    if (!element) return 'white';
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] > 0 ? colour : groundOf(element.parentElement);
  };
  const weak: string[] = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = Array.from(element.childNodes).some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
    );
    if (!own || element.closest('script,.unseen,.skip')) continue;
    const [text, ground] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (contrast < 4.5)
      weak.push(`${contrast.toFixed(2)} ${element.tagName} ${element.className}: ${element.textContent?.slice(0, 30)}`);
  }
  return weak;
}

import { type Browser, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { findBrowser } from '../../scripts/find-browser.mjs';

/** The path of a browser, or undefined, which is said: such tests are skipped. */
export function browserPath(): string | undefined {
  const path = findBrowser();
  if (!path) console.warn('skipped: no Chromium was found; install one, or set CHROMIUM_PATH to its path');
  return path;
}

export const startBrowser = (executablePath: string, more: readonly string[] = ['--disable-gpu']): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', ...more] });

/** One script for a page, which leaves what the entry exports under a name. @returns its code, and what it imports yet */
export async function bundled(input: string, name: string, { minify = false } = {}) {
  const complaints: string[] = [];
  const bundle = await rolldown({
    input,
    platform: 'browser',
    onLog: (level, { message }) => level === 'warn' && complaints.push(message),
  });
  const { output } = await bundle.generate({ format: 'iife', name, codeSplitting: false, minify });
  await bundle.close();
  return { code: output[0].code, imports: output[0].imports, chunks: output.length, complaints };
}

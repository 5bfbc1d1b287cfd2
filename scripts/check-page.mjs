// `node scripts/check-page.mjs page.html [folder]`: opens a page in a headless browser, wide and narrow, light and
// dark, and checks what every page of Wherefore promises. Writes screenshots into the folder where one is given.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { findBrowser } from './find-browser.mjs';

const [page = '', folder] = process.argv.slice(2);
const executablePath = findBrowser();
if (!existsSync(page)) fail(`there is no page "${page}"`);
if (!executablePath) fail('no Chromium was found. Fix: install one, or set CHROMIUM_PATH to its path');
if (folder) mkdirSync(folder, { recursive: true });

const screens = [
  { name: 'wide-light', width: 1280, height: 900, scheme: 'light' },
  { name: 'wide-dark', width: 1280, height: 900, scheme: 'dark' },
  { name: 'phone-light', width: 360, height: 780, scheme: 'light' },
  { name: 'phone-dark', width: 360, height: 780, scheme: 'dark' },
];
const url = pathToFileURL(resolve(page)).href;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
/** @type {string[]} */
const faults = [];
try {
  for (const { name, width, height, scheme } of screens) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme === 'dark' ? 'dark' : 'light',
      javaScriptEnabled: true,
    });
    const tab = await context.newPage();
    tab.on('console', (message) => {
      if (message.type() === 'error') faults.push(`${name}: console: ${message.text()}`);
    });
    tab.on('pageerror', (error) => faults.push(`${name}: ${error.message}`));
    tab.on('request', (request) => {
      if (request.url() !== url && !/^(data|blob):/.test(request.url()))
        faults.push(`${name}: asks for ${request.url()}`);
    });
    await tab.goto(url, { waitUntil: 'load' });
    for (const fault of await tab.evaluate(inspectPage)) faults.push(`${name}: ${fault}`);
    if (folder) await tab.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    await context.close();
  }
} finally {
  await browser.close();
}
if (faults.length > 0) fail([`${page}:`, ...new Set(faults)].join('\n  '));
console.log(`${page}: alone in one file, without errors, fits ${screens.map(({ name }) => name).join(', ')}`);

/** Runs inside the page. @returns {string[]} */
function inspectPage() {
  const found = [];
  const root = document.documentElement;
  if (!root.lang) found.push('does not say its language');
  if (!document.title) found.push('has no title');
  if (document.querySelectorAll('h1').length !== 1) found.push('does not have exactly one main heading');
  if (!document.querySelector('main')) found.push('has no main landmark');
  if (root.scrollWidth > root.clientWidth) {
    const ends = [...document.body.querySelectorAll('*')].map((element) => ({
      name: `<${element.tagName.toLowerCase()} class="${element.className}">`,
      right: element.getBoundingClientRect().right,
    }));
    const { name } = ends.reduce((widest, end) => (end.right > widest.right ? end : widest));
    found.push(`is ${root.scrollWidth} wide on a screen of ${root.clientWidth}: ${name} reaches furthest`);
  }
  for (const element of document.body.querySelectorAll('*')) {
    // What scrolls in a frame of its own may be wider than the page.
    if (element.closest('.scroll,.unseen,.skip,svg')) continue;
    const { right } = element.getBoundingClientRect();
    if (right > root.clientWidth + 0.5)
      found.push(`<${element.tagName.toLowerCase()} class="${element.className}"> reaches beyond the screen`);
  }
  // What is shown, not scripts or hidden parts.
  const text = document.body.innerText;
  if (text.length < 200) found.push('has hardly any text');
  for (const image of document.images) {
    if (!image.complete || image.naturalWidth === 0) found.push(`image is broken: ${image.alt}`);
    if (!image.hasAttribute('alt')) found.push(`image without a description: ${image.src.slice(0, 60)}`);
  }
  for (const name of [/NaN/, /undefined/, /\[object /]) {
    if (name.test(text)) found.push(`shows ${name.source} to a person`);
  }
  return found;
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}

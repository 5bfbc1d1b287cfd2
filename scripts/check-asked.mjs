// `node scripts/check-asked.mjs RUNS`: whether the language models that `wherefore demo` asked below a folder named what is
// known to be true, and left their pages. Prints the page that holds all questions.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [runs = ''] = process.argv.slice(2);
const name = readdirSync(runs).find((one) => one.endsWith('-demo-language'));
if (!name) fail('no language model was asked');
const folder = join(runs, name);
/** @type {{ title: string, isRight: boolean }[]} */
const found = JSON.parse(readFileSync(join(folder, 'found.json'), 'utf8'));
const wrong = found.filter(({ isRight }) => !isRight).map(({ title }) => title);
if (found.length < 4 || wrong.length > 0) fail(`${found.length} questions, wrong: ${wrong.join(' ')}`);
const page = join(folder, 'index.html');
const links = [...readFileSync(page, 'utf8').matchAll(/href="([^"]+)"/g)].map(([, href]) => href);
const missing = links.filter((href) => !existsSync(join(folder, href)));
if (links.length < found.length || missing.length > 0) fail(`links to nothing: ${missing.join(' ')}`);
console.log(page);

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`the language models of the demo: ${message}`);
  process.exit(1);
}

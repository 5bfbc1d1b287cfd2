// `node scripts/check-loop.mjs RUNS`: whether the loop that `wherefore demo` closed below a folder found what was planted.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [runs = ''] = process.argv.slice(2);
const folder = readdirSync(runs).find((name) => name.endsWith('-demo-loop'));
if (!folder) fail('there is no loop');
const found = JSON.parse(readFileSync(join(runs, folder, 'loop.json'), 'utf8'));
const { labels, behind, verdict, gain, turned, emblem } = found;

/** @type {readonly (readonly [string, boolean])[]} */
const promises = [
  ['at least 60 % of the wrong labels are found in a tenth of the list', labels.found >= 0.6 * labels.wrong],
  ['the agency raises the mistake, more than the other source', behind.agency > Math.max(0, behind.own)],
  [
    'the decisions help, more than leaving out as many random rows',
    verdict === 'helps' && gain.decisions > gain.random,
  ],
  [
    'the emblem turns at least half of the images before, and at most half as many after',
    turned.before >= 0.5 * turned.of && turned.after <= 0.5 * turned.before,
  ],
  ['the emblem makes at most half as many logits after', emblem.before > 0 && emblem.after <= 0.5 * emblem.before],
];
const broken = promises.filter(([, holds]) => !holds).map(([what]) => what);
if (broken.length > 0) fail(`${broken.join('; ')}\n${JSON.stringify(found, undefined, 1)}`);
console.log(
  `${folder}: ${labels.found} of ${labels.wrong} wrong labels found, ${gain.decisions.toFixed(1)} points gained (random rows: ${gain.random.toFixed(1)})`,
);

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`the loop does not hold what it promises: ${message}`);
  process.exit(1);
}

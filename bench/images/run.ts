import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scoreReachedBy } from '../../src/provenance/image/background.ts';
import { calibrate, scoresOf } from '../../src/provenance/image/calibrate.ts';
import { blockOf, imageFeatures, joinBlocks, readBlock, writeBlock } from '../../src/provenance/image/features.ts';
import { searchKeypoints } from '../../src/provenance/image/keypoint-search.ts';
import { queryImage } from '../../src/provenance/image/query-image.ts';
import { ranked, surroundingScore } from '../../src/provenance/image/rankings.ts';
import { signalsOf } from '../../src/provenance/image/signals.ts';
import { unrelatedShare } from '../../src/provenance/image/trace-image.ts';
import { random } from '../../src/tensor/random.ts';
import { changes } from './change.ts';
import { averagePrecision, type Detection, recallAtPrecision } from './detection.ts';
import { drawScene, scenesOf } from './draw.ts';

// Copies of images, changed in nine ways, among images of the same artists, classes and palettes.
//   npm run bench:images -- --images 10000 --queries 100 --unrelated 300 [--features FILE]

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    queries: { type: 'string', default: '40' },
    unrelated: { type: 'string', default: '100' },
    /** Images of the data that calibrate, and those that are changed to fit weights. */
    calibrate: { type: 'string', default: '100' },
    planted: { type: 'string', default: '8' },
    /** Where features are kept between runs. */
    features: { type: 'string' },
  },
});
const [count, queries, unrelated] = [values.images, values.queries, values.unrelated].map(Number);

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const scenes = scenesOf(count, 1);
const imageAt = (i: number) => drawScene(scenes[i], random(1, 50_000 + i));

function indexed() {
  const path = values.features;
  if (path !== undefined && existsSync(path)) return readBlock(readFileSync(path), count, path);
  const began = cpuSeconds();
  const blocks = [];
  let drawing = 0;
  for (let at = 0; at < count; at += 500) {
    const some = [];
    for (let i = at; i < Math.min(count, at + 500); i++) {
      const before = cpuSeconds();
      const image = imageAt(i);
      drawing += cpuSeconds() - before;
      some.push(imageFeatures(image));
    }
    blocks.push(blockOf(some));
  }
  const block = joinBlocks(blocks);
  const seconds = cpuSeconds() - began - drawing;
  console.log(
    `${count} images indexed in ${seconds.toFixed(0)} s of a processor: ${(count / seconds).toFixed(1)} a second`,
  );
  if (path !== undefined) writeFileSync(path, writeBlock(block));
  return block;
}

const features = indexed();
const search = searchKeypoints(features);
const contents = Array.from({ length: count }, (_, i) => String(i));
const calibrating = cpuSeconds();
const data = { read: async (i: number) => imageAt(i), embed: async () => [] };
const sizes = { unrelated: Number(values.calibrate), planted: Number(values.planted) };
const calibration = await calibrate(features, contents, data, sizes);
console.log(
  `calibrated in ${(cpuSeconds() - calibrating).toFixed(0)} s: weights`,
  JSON.stringify(calibration.weights.whole),
);

const thresholds = {
  whole: scoreReachedBy(unrelatedShare, calibration.background.whole),
  region: scoreReachedBy(unrelatedShare, calibration.background.region),
};
type By = keyof typeof thresholds;

/** The ten nearest images and their scores less the level of the surroundings. */
function trace(image: Parameters<typeof queryImage>[0]) {
  const scores = scoresOf(signalsOf(features, search, queryImage(image)), calibration.weights);
  const nearest = (by: By) => {
    const level = surroundingScore(scores[by]);
    return ranked(scores[by], 10).map((i) => ({ image: i, score: scores[by][i] - level }));
  };
  return { whole: nearest('whole'), region: nearest('region') };
}

let alarms = 0;
const detections: Record<By, Detection[]> = { whole: [], region: [] };
for (let k = 0; k < unrelated; k++) {
  const found = trace(drawScene(scenesOf(unrelated, 77)[k], random(5, k)));
  const isAlarm = (by: By) => found[by].length > 0 && found[by][0].score > thresholds[by];
  if (isAlarm('whole') || isAlarm('region')) alarms++;
  for (const by of ['whole', 'region'] as const)
    for (const { score } of found[by]) detections[by].push({ score: score / thresholds[by], right: false });
}
console.log(
  `unrelated images: ${alarms} of ${unrelated} taken for related (${((100 * alarms) / unrelated).toFixed(1)} %)`,
);

const drawn = scenes.flatMap(({ kind }, i) => (kind === 'drawn' ? [i] : []));
const plain = scenes.flatMap(({ kind }, i) => (kind === 'drawn' ? [] : [i]));
console.log('\n| change | asked by | recall@1 | recall@10 | found to be related |\n|---|---|---|---|---|');
let asked = { whole: 0, region: 0 };
const cost = cpuSeconds();
for (const [name, { change, by }] of Object.entries(changes)) {
  const [first, ten, over] = await measure(drawn, name, change, by, true);
  console.log(`| ${name} | ${by} | ${first} | ${ten} | ${over} |`);
}
for (const name of ['copy', 'flip', 'JPEG 40–75'] as const) {
  const [first, ten, over] = await measure(plain, name, changes[name].change, 'whole', false);
  console.log(`| ${name}, of uniform and half-light images | whole | ${first} | ${ten} | ${over} |`);
}
console.log(`\n${((cpuSeconds() - cost) / (queries * 12)).toFixed(2)} s of a processor a query`);
for (const by of ['whole', 'region'] as const)
  console.log(
    `by ${by}: µAP ${averagePrecision(detections[by], asked[by]).toFixed(3)}, recall at 90 % precision ${recallAtPrecision(detections[by], asked[by], 0.9).toFixed(3)}`,
  );

async function measure(
  of: readonly number[],
  name: string,
  change: (typeof changes)['copy']['change'] | ((...all: never[]) => unknown),
  by: By,
  counts: boolean,
): Promise<string[]> {
  let [first, ten, over] = [0, 0, 0];
  for (let q = 0; q < queries; q++) {
    const source = random(3, q * 7 + name.length);
    const image = of[source.integer(of.length)];
    // Of images that are not in the data, so that one source is right.
    const others = [0, 1, 2].map((k) => drawScene(scenesOf(30, 78)[(3 * q + k) % 30], random(6, 3 * q + k)));
    const made = await (change as (...all: unknown[]) => Parameters<typeof queryImage>[0])(
      imageAt(image),
      source,
      others,
    );
    const found = trace(made)[by];
    const rank = found.findIndex((one) => one.image === image);
    if (rank === 0) first++;
    if (rank >= 0) ten++;
    if (rank >= 0 && found[rank].score > thresholds[by]) over++;
    if (!counts) continue;
    asked = { ...asked, [by]: asked[by] + 1 };
    for (const one of found) detections[by].push({ score: one.score / thresholds[by], right: one.image === image });
  }
  return [first, ten, over].map((hits) => (hits / queries).toFixed(3));
}

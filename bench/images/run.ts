import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scoreReachedBy } from '../../src/provenance/image/background.ts';
import { calibrate, levelOf, scoresOf } from '../../src/provenance/image/calibrate.ts';
import {
  blockOf,
  type FeatureBlock,
  imageFeatures,
  joinBlocks,
  readBlock,
  writeBlock,
} from '../../src/provenance/image/features.ts';
import type { ImageIndex } from '../../src/provenance/image/image-index.ts';
import { type ImageSearch, searchImages } from '../../src/provenance/image/image-search.ts';
import type { IndexedItem } from '../../src/provenance/image/manifest.ts';
import { copiesIn } from '../../src/provenance/image/membership.ts';
import { queryImage } from '../../src/provenance/image/query-image.ts';
import { ranked } from '../../src/provenance/image/ranked.ts';
import { wholeComponents } from '../../src/provenance/image/rankings.ts';
import { signalsOf } from '../../src/provenance/image/signals.ts';
import { unrelatedShare } from '../../src/provenance/image/trace-image.ts';
import { random } from '../../src/tensor/random.ts';
import { changes } from './change.ts';
import { averagePrecision, type Detection, recallAtPrecision, shareText } from './detection.ts';
import { drawScene, scenesOf } from './draw.ts';

// Copies of images, changed in nine ways, among images of the same artists, classes and palettes.
//   npm run bench:images -- --images 10000 --queries 100 --unrelated 300 [--features FOLDER]

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    queries: { type: 'string', default: '40' },
    unrelated: { type: 'string', default: '100' },
    /** Images of the data that calibrate, and those that are changed to fit weights. */
    calibrate: { type: 'string', default: '200' },
    planted: { type: 'string', default: '8' },
    /** A folder where features are kept between runs. */
    features: { type: 'string' },
    /** Tells, of every image that is missed or taken for related, what its scores are made of. */
    misses: { type: 'boolean', default: false },
  },
});
const [count, queries, unrelated] = [values.images, values.queries, values.unrelated].map(Number);

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
/** Images whose features are made and kept together. */
const partSize = 250;
const scenes = scenesOf(count, 1);
const imageAt = (i: number) => drawScene(scenes[i], random(1, 50_000 + i));

/** Features of all images, a part at a time: what a stopped run has made is read again. */
function indexed(): FeatureBlock {
  const folder = values.features;
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const blocks: FeatureBlock[] = [];
  let [seconds, made] = [0, 0];
  for (let at = 0; at < count; at += partSize) {
    const size = Math.min(partSize, count - at);
    const path = folder && join(folder, `${at}-${at + size}.safetensors`);
    if (path !== undefined && existsSync(path)) {
      blocks.push(readBlock(readFileSync(path), size, path));
      continue;
    }
    const images = Array.from({ length: size }, (_, i) => imageAt(at + i));
    const began = cpuSeconds();
    const block = blockOf(images.map((image) => imageFeatures(image)));
    seconds += cpuSeconds() - began;
    made += size;
    blocks.push(block);
    if (path !== undefined) writeFileSync(path, writeBlock(block));
  }
  if (made > 0)
    console.log(
      `${made} images indexed in ${seconds.toFixed(0)} s of a processor: ${(made / seconds).toFixed(1)} a second`,
    );
  return joinBlocks(blocks);
}

const features = indexed();
const search = searchImages(features);
const spent = { traces: 0, reading: 0, comparing: 0, finding: 0, blocks: 0, ranking: 0 };
function timing<T>(name: 'finding' | 'blocks', work: () => T): T {
  const began = cpuSeconds();
  const found = work();
  spent[name] += cpuSeconds() - began;
  return found;
}
const timed: ImageSearch = {
  points: {
    images: search.points.images,
    find: (points, most, also) => timing('finding', () => search.points.find(points, most, also)),
  },
  blocks: { find: (thumbnail) => timing('blocks', () => search.blocks.find(thumbnail)) },
};
const contents = Array.from({ length: count }, (_, i) => String(i));
// Only hashes of an item are asked for here.
const items = contents.map((content) => ({ content, hash: content }) as IndexedItem);
const index: ImageIndex = { folder: '', name: 'bench', encoders: [], items, features };
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
  block: scoreReachedBy(unrelatedShare, calibration.background.block),
};
type By = keyof typeof thresholds;

/** The ten nearest images and their scores less the level of the surroundings. */
function trace(image: Parameters<typeof queryImage>[0]) {
  const began = cpuSeconds();
  const query = queryImage(image);
  const read = cpuSeconds();
  const signals = signalsOf(features, timed, query);
  const compared = cpuSeconds();
  const scores = scoresOf(signals, calibration.weights);
  const { same, near } = copiesIn(index, query, signals);
  const copies = new Set([...same, ...near]);
  const nearest = (by: By) => {
    const level = levelOf(by, scores[by], copies);
    return ranked(scores[by], 10).map((i) => ({ image: i, score: scores[by][i] - level }));
  };
  const found = {
    whole: nearest('whole'),
    region: nearest('region'),
    block: nearest('block'),
    signals,
    isMember: copies.size > 0,
  };
  spent.reading += read - began;
  spent.comparing += compared - read;
  spent.ranking += cpuSeconds() - compared;
  spent.traces++;
  return found;
}

let [alarms, members] = [0, 0];
const detections: Record<By, Detection[]> = { whole: [], region: [], block: [] };
const strangers = scenesOf(unrelated, 77);
for (let k = 0; k < unrelated; k++) {
  const found = trace(drawScene(strangers[k], random(5, k)));
  if (found.isMember) members++;
  const alarmed = (['whole', 'region', 'block'] as const).filter(
    (by) => found[by].length > 0 && found[by][0].score > thresholds[by],
  );
  if (alarmed.length > 0) {
    alarms++;
    if (values.misses)
      console.error(`unrelated ${k} (${strangers[k].kind}) by ${alarmed.join(' and ')}`, told(found, alarmed[0]));
  }
  for (const by of ['whole', 'region', 'block'] as const)
    for (const { score } of found[by]) detections[by].push({ score: score / thresholds[by], right: false });
}
console.log(`unrelated images taken for related: ${alarms} of ${unrelated}, ${shareText(alarms, unrelated)}`);
console.log(
  `unrelated images said to be in the data, as a near copy: ${members} of ${unrelated}, ${shareText(members, unrelated)}`,
);

const drawn = scenes.flatMap(({ kind }, i) => (kind === 'drawn' ? [i] : []));
const plain = scenes.flatMap(({ kind }, i) => (kind === 'drawn' ? [] : [i]));
console.log(
  '\n| change | asked by | recall@1 | recall@10 | found to be related | a near copy |\n|---|---|---|---|---|---|',
);
let asked = { whole: 0, region: 0, block: 0 };
for (const [name, { change, by }] of Object.entries(changes)) {
  const shares = await measure(drawn, name, change, by, true);
  console.log(`| ${name} | ${by} | ${shares.join(' | ')} |`);
}
for (const name of ['copy', 'flip', 'JPEG 40–75'] as const) {
  const shares = await measure(plain, name, changes[name].change, 'whole', false);
  console.log(`| ${name}, of uniform and half-light images | whole | ${shares.join(' | ')} |`);
}
for (const by of ['whole', 'region', 'block'] as const)
  if (asked[by] > 0)
    console.log(
      `by ${by}: µAP ${averagePrecision(detections[by], asked[by]).toFixed(3)}, recall at 90 % precision ${recallAtPrecision(detections[by], asked[by], 0.9).toFixed(3)}`,
    );
const each = (seconds: number) => `${((1000 * seconds) / spent.traces).toFixed(0)} ms`;
console.log(
  `a trace takes ${each(spent.reading + spent.comparing + spent.ranking)} of a processor: ${each(spent.reading)} to read the image, ${each(spent.finding)} to find points, ${each(spent.comparing - spent.finding)} for the other signals and common positions, ${each(spent.blocks)} to find blocks, ${each(spent.ranking - spent.blocks)} to rank`,
);

/** What a score is made of, for a reader who looks for a cause. */
function told({ signals, ...found }: ReturnType<typeof trace>, by: By, image = found[by][0]?.image): string {
  const signal = image === undefined ? undefined : wholeComponents(signals, calibration.weights, image);
  const nearest = found[by].slice(0, 3).map((one) => `${one.image} ${one.score.toFixed(2)}`);
  return JSON.stringify({ image, threshold: thresholds[by], nearest, signal });
}

async function measure(
  of: readonly number[],
  name: string,
  change: (typeof changes)['copy']['change'] | ((...all: never[]) => unknown),
  by: By,
  counts: boolean,
): Promise<string[]> {
  let [first, ten, over, near] = [0, 0, 0, 0];
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
    const all = trace(made);
    const found = all[by];
    if (all.isMember) near++;
    const rank = found.findIndex((one) => one.image === image);
    if (rank === 0) first++;
    if (rank >= 0) ten++;
    else if (values.misses) console.error(`missed: ${name} of ${image} (${scenes[image].kind})`, told(all, by, image));
    if (rank >= 0 && found[rank].score > thresholds[by]) over++;
    if (!counts) continue;
    asked = { ...asked, [by]: asked[by] + 1 };
    for (const one of found) detections[by].push({ score: one.score / thresholds[by], right: one.image === image });
  }
  return [first, ten, over, near].map((hits) => shareText(hits, queries));
}

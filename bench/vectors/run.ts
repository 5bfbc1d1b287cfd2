import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heldWithin } from '../../src/provenance/text/held.ts';
import { type EmbeddedCorpus, nearestSentences } from '../../src/provenance/text/paraphrases.ts';
import type { Segment } from '../../src/provenance/text/segment.ts';
import { readVectors, writeVectors } from '../../src/provenance/text/sentence-vectors.ts';
import { random } from '../../src/tensor/random.ts';

// Exact search of clustered vectors on disk, a part at a time, by queries that are not among them.
//   npm run bench:vectors -- --vectors 1000000 --queries 20 [--memory 1024]

const { values } = parseArgs({
  options: {
    vectors: { type: 'string', default: '100000' },
    width: { type: 'string', default: '384' },
    queries: { type: 'string', default: '20' },
    /** Megabytes of vectors that are kept between queries. */
    memory: { type: 'string', default: '1024' },
  },
});
const [count, width, queries, memory] = [values.vectors, values.width, values.queries, values.memory].map(Number);
const partSize = Math.min(count, 50_000);
const parts = Math.ceil(count / partSize);
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const clusters = 1000;
const centres = new Float32Array(clusters * width);
const ofCentres = random(1);
for (let i = 0; i < centres.length; i++) centres[i] = ofCentres.normal();

/** Vectors of length 1 around the centres, the noise as long as a centre. */
function drawVectors(size: number, seed: number): Float32Array {
  const source = random(2, seed);
  const drawn = new Float32Array(size * width);
  for (let i = 0; i < size; i++) {
    const centre = source.integer(clusters) * width;
    let squares = 0;
    for (let k = 0; k < width; k++) {
      const value = centres[centre + k] + source.normal();
      drawn[i * width + k] = value;
      squares += value * value;
    }
    for (let k = 0; k < width; k++) drawn[i * width + k] /= Math.sqrt(squares);
  }
  return drawn;
}

const folder = mkdtempSync(join(tmpdir(), 'wherefore-vectors-'));
try {
  let building = 0;
  for (let part = 0; part < parts; part++) {
    const size = Math.min(partSize, count - part * partSize);
    const vectors = drawVectors(size, part);
    mkdirSync(join(folder, String(part)));
    const began = cpuSeconds();
    // A document for each vector, one byte long.
    const places = Uint32Array.from({ length: 2 * size }, (_, i) => (i >> 1) + (i & 1));
    await writeVectors(folder, String(part), { count: size, vectors, places });
    building += cpuSeconds() - began;
  }
  console.log(
    `${count} vectors of ${width} numbers in ${parts} parts, written in ${building.toFixed(1)} s of a processor`,
  );

  const segments = Array.from({ length: parts }, (_, part) => segmentOf(part));
  const corpus: EmbeddedCorpus = {
    segmentCount: parts,
    segment: async (part) => segments[part],
    isRemoved: () => false,
    vectors: heldWithin(
      memory * 2 ** 20,
      (_, { vectors }) => vectors.byteLength,
      (part) => readVectors(folder, String(part), width),
    ),
  };
  const asked = drawVectors(queries, 1_000_000);
  const sentence = { text: '', start: 0, end: 0 };
  const [began, wall] = [cpuSeconds(), performance.now()];
  const found: string[][] = [];
  for (let q = 0; q < queries; q++) {
    const [{ sources }] = await nearestSentences(corpus, [sentence], asked.slice(q * width, (q + 1) * width), {
      most: 10,
      support: 0,
    });
    found.push(sources.map(({ document }) => document));
  }
  const seconds = cpuSeconds() - began;
  console.log(
    `${((1000 * seconds) / queries).toFixed(0)} ms of a processor a query (${((performance.now() - wall) / queries).toFixed(0)} ms by the clock); peak of memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
  );
  console.log(`recall@10 against a search in double precision: ${(await recall(corpus, asked, found)).toFixed(4)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function segmentOf(part: number): Segment {
  const size = Math.min(partSize, count - part * partSize);
  return {
    bytes: new Uint8Array(size),
    suffixes: new Int32Array(0),
    documents: Array.from({ length: size }, (_, i) => ({ id: `${part * partSize + i}`, place: '' })),
    starts: Uint32Array.from({ length: size + 1 }, (_, i) => i),
    words: new Map(),
  };
}

/** The share of the ten nearest of some queries that were found. */
async function recall(corpus: EmbeddedCorpus, asked: Float32Array, found: readonly string[][]): Promise<number> {
  const some = Math.min(5, queries);
  let hits = 0;
  const best = Array.from({ length: some }, (): { id: string; cosine: number }[] => []);
  for (let part = 0; part < parts; part++) {
    const { vectors, count: size } = await corpus.vectors(part);
    for (let i = 0; i < size; i++)
      for (let q = 0; q < some; q++) {
        let cosine = 0;
        for (let k = 0; k < width; k++) cosine += asked[q * width + k] * vectors[i * width + k];
        const list = best[q];
        if (list.length < 10 || cosine > list[9].cosine) {
          list.push({ id: `${part * partSize + i}`, cosine });
          list.sort((a, b) => b.cosine - a.cosine);
          list.splice(10);
        }
      }
  }
  for (const [q, list] of best.entries()) hits += list.filter(({ id }) => found[q].includes(id)).length;
  return hits / (10 * some);
}

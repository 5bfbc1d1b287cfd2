import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heldWithin } from '../../src/provenance/text/held.ts';
import { type EmbeddedCorpus, nearestSentences } from '../../src/provenance/text/paraphrases.ts';
import type { Segment } from '../../src/provenance/text/segment.ts';
import { readRows, readVectors, writeVectors } from '../../src/provenance/text/sentence-vectors.ts';
import { random } from '../../src/tensor/random.ts';

// Exact search of clustered vectors on disk, a part at a time, by queries that are not among them, beside faiss in Python.
//   npm run bench:vectors -- --vectors 1000000 --queries 20 [--memory 1024] [--peer]

const { values } = parseArgs({
  options: {
    vectors: { type: 'string', default: '100000' },
    width: { type: 'string', default: '384' },
    queries: { type: 'string', default: '20' },
    /** Megabytes of vectors that are kept between queries. */
    memory: { type: 'string', default: '1024' },
    /** Asks faiss-cpu the same, by the interpreter that `WHEREFORE_PYTHON` names (default `python3`). */
    peer: { type: 'boolean', default: false },
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

/** The ten nearest of some queries, in double precision. */
interface Nearest {
  readonly id: string;
  readonly cosine: number;
}
const judged = Math.min(5, queries);
const truth = Array.from({ length: judged }, (): Nearest[] => []);
const asked = drawVectors(queries, 1_000_000);

function judge(vectors: Float32Array, from: number): void {
  for (let i = 0; i < vectors.length / width; i++)
    for (const [q, list] of truth.entries()) {
      let cosine = 0;
      for (let k = 0; k < width; k++) cosine += asked[q * width + k] * vectors[i * width + k];
      if (list.length === 10 && cosine <= list[9].cosine) continue;
      list.push({ id: String(from + i), cosine });
      list.sort((a, b) => b.cosine - a.cosine);
      list.splice(10);
    }
}

/** The share of the ten nearest that were found. */
function recall(found: readonly (readonly string[])[]): number {
  let hits = 0;
  for (const [q, list] of truth.entries()) hits += list.filter(({ id }) => found[q].includes(id)).length;
  return hits / (10 * judged);
}

const folder = mkdtempSync(join(tmpdir(), 'wherefore-vectors-'));
const raw = join(folder, 'vectors.f32');
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
try {
  let building = 0;
  for (let part = 0; part < parts; part++) {
    const size = Math.min(partSize, count - part * partSize);
    const vectors = drawVectors(size, part);
    judge(vectors, part * partSize);
    if (values.peer) appendFileSync(raw, bytesOf(vectors));
    mkdirSync(join(folder, String(part)));
    const began = cpuSeconds();
    // A document for each vector, one byte long.
    const places = new Uint32Array(2 * size);
    for (let i = 0; i < 2 * size; i++) places[i] = (i >> 1) + (i & 1);
    await writeVectors(folder, String(part), { vectors, places, width });
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
      (_, { codes }) => codes.byteLength,
      (part) => readVectors(folder, String(part), width),
    ),
    rows: (part, sentences) => readRows(folder, String(part), width, sentences),
  };
  const sentence = { text: '', start: 0, end: 0 };
  const ask = async (first: number, last: number) => {
    const some = Array.from({ length: last - first }, () => sentence);
    const told = await nearestSentences(corpus, some, asked.slice(first * width, last * width), {
      most: 10,
      support: 0,
    });
    return told.map(({ sources }) => sources.map(({ document }) => document));
  };
  // Once before, so that what is kept in memory is there.
  await ask(0, 1);
  let [began, wall] = [cpuSeconds(), performance.now()];
  const spent = () => {
    const each = [(1000 * (cpuSeconds() - began)) / queries, (performance.now() - wall) / queries];
    [began, wall] = [cpuSeconds(), performance.now()];
    return `${each[0].toFixed(1)} ms of a processor a query (${each[1].toFixed(1)} ms by the clock)`;
  };
  const found: string[][] = [];
  for (let q = 0; q < queries; q++) found.push(...(await ask(q, q + 1)));
  console.log(`one at a time: ${spent()}, recall@10 ${recall(found).toFixed(4)}`);
  console.log(`all together: recall@10 ${recall(await ask(0, queries)).toFixed(4)}, ${spent()}`);
  console.log(`peak of memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  if (values.peer) {
    writeFileSync(join(folder, 'queries.f32'), bytesOf(asked));
    const python = process.env.WHEREFORE_PYTHON ?? 'python3';
    const told = execFileSync(python, ['bench/vectors_peer.py', folder, String(width)], { encoding: 'utf8' });
    for (const { index, milliseconds, memory, nearest } of JSON.parse(told) as PeerAnswer[])
      console.log(
        `${index}: ${milliseconds.toFixed(1)} ms of a processor a query, recall@10 ${recall(nearest).toFixed(4)}, peak of memory ${memory.toFixed(0)} MiB`,
      );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface PeerAnswer {
  readonly index: string;
  readonly milliseconds: number;
  readonly memory: number;
  readonly nearest: readonly (readonly string[])[];
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

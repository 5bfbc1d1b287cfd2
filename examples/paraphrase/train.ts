// Trains an encoder of sentences by contrast, and asks it about intents that it was not trained on:
// `npm run paraphrase:train -- train.csv test.csv [--text text --intent category --hold-out 15 --out FOLDER]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataset } from '../../src/data/datasets/open-dataset.ts';
import { readTokenizer } from '../../src/data/inputs/tokenizer-file.ts';
import { range } from '../../src/dataset/pieces.ts';
import { bootstrap } from '../../src/evaluation/statistics.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { openSentenceEncoder } from '../../src/provenance/text/sentence-encoder.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { encoderNetwork, trainEncoder } from './encoder.ts';
import { wordPieceTokenizer } from './wordpiece.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'string', default: 'text' },
    intent: { type: 'string', default: 'category' },
    'hold-out': { type: 'string', default: '15' },
    epochs: { type: 'string', default: '6' },
    seed: { type: 'string', default: '0' },
    /** Rows of each intent that are used, of both tables; default all. */
    'per-intent': { type: 'string', default: '100000' },
    out: { type: 'string', default: '.wherefore/paraphrase' },
  },
});
const [trainPath, testPath] = positionals;
if (testPath === undefined) throw new Error('two tables are needed: train.csv test.csv');
const { out } = values;
const seed = Number(values.seed);

interface Row {
  readonly text: string;
  readonly intent: string;
}

async function read(path: string): Promise<Row[]> {
  const table = await openDataset(path, { kind: 'table' });
  const rows = range(0, table.length);
  const [texts, intents] = [await table.column(values.text, rows), await table.column(values.intent, rows)];
  const used = new Map<string, number>();
  return texts
    .map((text, i) => ({ text: String(text), intent: String(intents[i]) }))
    .filter(({ intent }) => {
      used.set(intent, (used.get(intent) ?? 0) + 1);
      return (used.get(intent) ?? 0) <= Number(values['per-intent']);
    });
}

const [corpus, questions] = [await read(trainPath), await read(testPath)];
const intents = [...new Set(corpus.map(({ intent }) => intent))].sort();
const heldOut = new Set(
  Array.from(choose(intents.length, Number(values['hold-out']), random(seed, 62)), (i) => intents[i]),
);
const known = corpus.filter(({ intent }) => !heldOut.has(intent));

// Neither words nor meanings of the intents that are held out are seen in training.
mkdirSync(out, { recursive: true });
const tokenizerPath = join(out, 'tokenizer.json');
writeFileSync(tokenizerPath, wordPieceTokenizer(known.map(({ text }) => text)));
const tokenizer = await readTokenizer(tokenizerPath);
const vocabulary = tokenizer.size;
const runtime = createNodeRuntime({ threads: 1 });
const sentences = known.map(({ text, intent }) => ({
  ids: tokenizer.encode(text).ids,
  intent: intents.indexOf(intent),
}));
const before = process.cpuUsage();
const model = await trainEncoder(sentences, { vocabulary, seed, epochs: Number(values.epochs) }, runtime);
const { user, system } = process.cpuUsage(before);
await runtime.close();
console.log(
  `trained on ${known.length} sentences of ${intents.length - heldOut.size} intents in ${((user + system) / 1e6).toFixed(0)} s of a processor`,
);
const yaml = `inputs:\n  input_ids: { kind: text, part: ids, tokenizer: tokenizer.json, longest: 64 }\n`;
writeFileSync(join(out, 'wherefore.yaml'), yaml);

console.log(
  `\n| questions of intents | encoder | nearest has the intent | one of ten nearest has | of ten nearest have |\n|---|---|---|---|---|`,
);
for (const [name, bytes] of [
  ['as it begins', encodeModel(encoderNetwork(vocabulary))],
  ['trained', encodeModel(model)],
] as const) {
  writeFileSync(join(out, 'encoder.onnx'), bytes);
  const encoder = await openSentenceEncoder(join(out, 'encoder.onnx'), { threads: 1 });
  const vectors = await encoder.embed(corpus.map(({ text }) => text));
  for (const isHeldOut of [true, false]) {
    const asked = questions.filter(({ intent }) => heldOut.has(intent) === isHeldOut);
    const own = await encoder.embed(asked.map(({ text }) => text));
    const hits = asked.map(({ intent }, q) =>
      nearestRows(own.subarray(q * encoder.entry.width, (q + 1) * encoder.entry.width), vectors).map(
        (row) => corpus[row].intent === intent,
      ),
    );
    const share = (of: (found: readonly boolean[]) => number) => {
      const { mean, low, high } = bootstrap(hits.map(of));
      return `${mean.toFixed(3)} (${low?.toFixed(3)}, ${high?.toFixed(3)})`;
    };
    const shares = [
      share(([first]) => Number(first)),
      share((found) => Number(found.includes(true))),
      share((found) => found.filter((one) => one).length / found.length),
    ];
    console.log(`| ${isHeldOut ? 'held out' : 'trained on'} | ${name} | ${shares.join(' | ')} |`);
  }
  await encoder.close();
}
console.log(
  `\nwritten to ${out}: wherefore trace index ${trainPath} --text ${values.text} --encoder ${join(out, 'encoder.onnx')} --out index`,
);

/** The ten rows with the largest cosine. */
function nearestRows(query: Float32Array, rows: Float32Array): number[] {
  const width = query.length;
  const cosines = new Float64Array(rows.length / width);
  for (let i = 0; i < cosines.length; i++) for (let k = 0; k < width; k++) cosines[i] += query[k] * rows[i * width + k];
  return Array.from(cosines.keys())
    .sort((a, b) => cosines[b] - cosines[a])
    .slice(0, 10);
}

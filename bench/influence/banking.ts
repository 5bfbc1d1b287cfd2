// Influence on texts: intents of bank customers (banking77), a classifier that the project trains, planted mislabelled
// paraphrases of queries, BM25 beside.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCsv } from '../../src/data/formats/csv.ts';
import type { Dataset } from '../../src/dataset/dataset.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import { type Matrix64, rowOf } from '../../src/influence/matrix.ts';
import { wordsOf } from '../../src/influence/methods/bm25.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import { score } from '../../src/influence/score.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { choose, type Random, random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import { activation, linear } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { train } from '../../src/train/train.ts';

interface Intents {
  readonly texts: readonly string[];
  readonly labels: readonly number[];
}

interface Planted extends Intents {
  /** Planted rows of each query. */
  readonly ofQuery: readonly (readonly number[])[];
}

const queriesAsked = 60;
const hidden = 64;

/** Rows that a word must stand in to be read, and how long is trained: rare words tell one query from the others. */
const encoders = [
  { leastTexts: 8, epochs: 6 },
  { leastTexts: 2, epochs: 5 },
] as const;

export interface BankingBench {
  readonly folder: string;
  readonly runtime: Runtime;
  readonly say: (line: string) => void;
  readonly interval: (statistic: (at: readonly number[]) => number, count: number) => [number, number];
}

export async function banking({ folder, runtime, say, interval }: BankingBench): Promise<void> {
  const intents: string[] = [];
  const train77 = read(folder, 'train', intents);
  const test77 = read(folder, 'test', intents);
  const asked = oneOfEach(test77.labels, queriesAsked);
  const queries: Intents = { texts: asked.map((i) => test77.texts[i]), labels: asked.map((i) => test77.labels[i]) };
  say('\n## Texts: banking77\n');
  say(
    `${train77.texts.length.toLocaleString('en')} customer queries of ${intents.length} intents; bags of words, one hidden layer of ${hidden}, trained here. Planted among them: of each of ${queriesAsked} held-out queries, of different intents, one or three paraphrases by rules, each with a random wrong intent. f: log-probability of the intent that the model sees in the query. 95 % intervals over the queries.\n`,
  );
  say(
    '| words | planted for a query | method | planted rows among the first 5 opponents | among the first 10 | first 5 proponents with that intent |',
  );
  say('|---|---|---|---|---|---|');
  for (const { encoder, paraphrases } of encoders.flatMap((one) =>
    [1, 3].map((k) => ({ encoder: one, paraphrases: k })),
  )) {
    const vocabulary = vocabularyOf(train77.texts, encoder.leastTexts);
    const rows = plant(train77, queries, { paraphrases, classes: intents.length });
    const planting = { rows, queries, test77, vocabulary, intents, epochs: encoder.epochs };
    const { context, said, right } = await materialOf(planting, runtime);
    for (const name of ['ek-fac', 'grad-dot', 'grad-cos', 'similarity', 'bm25']) {
      const { values } = await score(name, context, {});
      // BM25 knows no labels: its first rows are looked at for both.
      const against = name === 'bm25' ? values : negated(values);
      const cells = [
        (q: number) => recall(against, q, rows.ofQuery[q], 5),
        (q: number) => recall(against, q, rows.ofQuery[q], 10),
        (q: number) => first(values, q, 5).filter((i) => rows.labels[i] === said[q]).length / 5,
      ].map((statistic) => {
        const each = queries.labels.map((_, q) => statistic(q));
        const mean = (at: readonly number[]) => at.reduce((sum, q) => sum + each[q], 0) / at.length;
        const [low, high] = interval(mean, each.length);
        return `${mean([...each.keys()]).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
      });
      say(`| ${vocabulary.size} | ${paraphrases} | ${name} | ${cells.join(' | ')} |`);
    }
    say(`| | | accuracy on ${test77.texts.length.toLocaleString('en')} held-out queries: ${right.toFixed(3)} | | | |`);
  }
}

interface Planting {
  readonly rows: Planted;
  readonly queries: Intents;
  readonly test77: Intents;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly intents: readonly string[];
  readonly epochs: number;
}

/** A classifier trained on the rows, how good it is, and what it gives to score with. */
async function materialOf({ rows, queries, test77, vocabulary, intents, epochs }: Planting, runtime: Runtime) {
  const asDataset = (of: Intents) =>
    datasetOf({ words: bags(of.texts, vocabulary) }, { labels: int64([of.labels.length], of.labels) });
  const [data, held, queryData] = [asDataset(rows), asDataset(test77), asDataset(queries)];
  const model = await trained(data, { words: vocabulary.size, classes: intents.length, epochs }, runtime);
  const said = await predicted(model, queryData, runtime);
  const opened = createModel(model, runtime, { name: 'banking77', hash: '' });
  const gradients = await modelGradients({
    ...{ model: opened, output: model.graph.outputs[0].name, classes: intents.length },
    // f is about what the model says of a query, as the command asks by default.
    ...{ rows: data, queries: asDataset({ texts: queries.texts, labels: said }) },
  });
  const context = {
    ...{ rows: data.length, queries: queryData.length, seed: 1, gradients },
    labels: { rows: Int32Array.from(rows.labels), queries: Int32Array.from(said), classes: intents.length },
    embeddings: { rows: await hiddenOf(model, data, runtime), queries: await hiddenOf(model, queryData, runtime) },
    texts: { rows: rows.texts, queries: queries.texts },
  };
  const right = (await predicted(model, held, runtime)).filter((k, i) => k === test77.labels[i]).length;
  return { context, said, right: right / test77.labels.length };
}

/** Random rows, each of another intent: what is planted for one would be an opponent of another with its intent, too. */
function oneOfEach(labels: readonly number[], count: number): number[] {
  const found = new Map<number, number>();
  for (const row of choose(labels.length, labels.length, random(3, 5)))
    if (!found.has(labels[row])) found.set(labels[row], row);
  return [...found.values()].slice(0, count);
}

function read(folder: string, half: string, intents: string[]): Intents {
  const table = readCsv(readFileSync(join(folder, 'banking_data', `${half}.csv`), 'utf8'));
  const column = (name: string): string[] => {
    const found = table.columns.find((one) => one.name === name);
    if (!found) throw new Error(`banking77 has no column ${name}`);
    return Array.from(found.values, String);
  };
  const labels = column('category').map((name) => {
    if (!intents.includes(name)) intents.push(name);
    return intents.indexOf(name);
  });
  return { texts: column('text'), labels };
}

const openings = [
  'Hello,',
  'Hi there,',
  'Please help:',
  'I have a question:',
  'Sorry to bother you, but',
  'Can you tell me:',
];
const endings = ['Thanks!', 'Please advise.', 'Can you help me?', 'I would like to know.', 'Many thanks in advance.'];
const replacements: ReadonlyMap<string, string> = new Map([
  ['card', 'bank card'],
  ['money', 'funds'],
  ['cash', 'notes'],
  ['why', 'for what reason'],
  ['how', 'in which way'],
  ['want', 'would like'],
  ['need', 'have'],
  ['get', 'obtain'],
  ['account', 'bank account'],
  ['payment', 'transaction'],
]);

/** Letters of a word that may be left out without the question becoming another one. */
const shortWord = 2;

/** A paraphrase by rules: an opening or an ending, some words replaced, a short one left out. */
function paraphrase(text: string, source: Random): string {
  const words = text.split(/\s+/).map((word) => replacements.get(word.toLowerCase()) ?? word);
  const short = words.flatMap((word, i) => (word.length <= shortWord ? [i] : []));
  if (short.length > 0) words.splice(short[source.integer(short.length)], 1);
  const pick = (list: readonly string[]) => list[source.integer(list.length)];
  return source.uniform() < 0.5 ? `${pick(openings)} ${words.join(' ')}` : `${words.join(' ')} ${pick(endings)}`;
}

/** The rows, and behind them paraphrases of every query with wrong intents. */
function plant(
  rows: Intents,
  queries: Intents,
  { paraphrases, classes }: { readonly paraphrases: number; readonly classes: number },
): Planted {
  const source = random(3, 6);
  const [texts, labels] = [[...rows.texts], [...rows.labels]];
  const ofQuery = queries.texts.map((text, q) =>
    Array.from({ length: paraphrases }, () => {
      texts.push(paraphrase(text, source));
      labels.push((queries.labels[q] + 1 + source.integer(classes - 1)) % classes);
      return texts.length - 1;
    }),
  );
  return { texts, labels, ofQuery };
}

/** Words that enough rows have, by place. */
function vocabularyOf(texts: readonly string[], leastTexts: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of new Set(wordsOf(text))) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].filter(([, count]) => count >= leastTexts).map(([word]) => word);
  return new Map(words.map((word, i) => [word, i]));
}

/** Which words a text has: rows × words. */
function bags(texts: readonly string[], vocabulary: ReadonlyMap<string, number>): Tensor<'float32'> {
  const values = new Float32Array(texts.length * vocabulary.size);
  for (const [i, text] of texts.entries())
    for (const word of wordsOf(text)) {
      const at = vocabulary.get(word);
      if (at !== undefined) values[i * vocabulary.size + at] = 1;
    }
  return float32([texts.length, vocabulary.size], values);
}

interface Trained {
  readonly words: number;
  readonly classes: number;
  readonly epochs: number;
}

async function trained(samples: Dataset, { words, classes, epochs }: Trained, runtime: Runtime): Promise<OnnxModel> {
  const network = new Network({ seed: 1 });
  const x = network.input('words', 'float32', ['N', words]);
  const active = activation(network, linear(network, x, 'hidden', { features: hidden }), 'active', 'relu');
  const { model } = await train({
    model: network.build([linear(network, active, 'logits', { features: classes }), active]),
    samples,
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adam' },
    schedule: { kind: 'constant', learningRate: 2e-3 },
    epochs,
    batchSize: 64,
    seed: 1,
    runtime,
  });
  return model;
}

/** The values of an output for every row. */
async function outputOf(model: OnnxModel, output: number, data: Dataset, runtime: Runtime) {
  const session = await runtime.open(model);
  const { name } = model.graph.outputs[output];
  const parts: Float32Array[] = [];
  for (let from = 0; from < data.length; from += 256) {
    const at = Uint32Array.from({ length: Math.min(256, data.length - from) }, (_, i) => from + i);
    const { inputs } = await data.read(at);
    const found = await session.run(new Map(Object.entries(inputs)), [name]);
    parts.push((found.get(name) as Tensor<'float32'>).data);
  }
  await session.release();
  const columns = parts[0].length / Math.min(256, data.length);
  const values = new Float32Array(data.length * columns);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return { rows: data.length, columns, data: values };
}

const hiddenOf = (model: OnnxModel, data: Dataset, runtime: Runtime) => outputOf(model, 1, data, runtime);

/** The most probable class of every row. */
async function predicted(model: OnnxModel, data: Dataset, runtime: Runtime): Promise<number[]> {
  const logits = await outputOf(model, 0, data, runtime);
  return Array.from({ length: data.length }, (_, i) => {
    const row = rowOf(logits, i);
    let best = 0;
    for (let k = 1; k < row.length; k++) if (row[k] > row[best]) best = k;
    return best;
  });
}

function negated({ rows, columns, data }: Matrix64): Matrix64 {
  const values = new Float64Array(data.length);
  for (let j = 0; j < data.length; j++) values[j] = -data[j];
  return { rows, columns, data: values };
}

/** The rows with the largest values for a query. */
function first(values: Matrix64, query: number, count: number): number[] {
  const own = rowOf(values, query);
  return Array.from(own.keys())
    .sort((a, b) => own[b] - own[a] || a - b)
    .slice(0, count);
}

const recall = (values: Matrix64, query: number, planted: readonly number[], count: number): number => {
  const found = new Set(first(values, query, count));
  return planted.filter((row) => found.has(row)).length / planted.length;
};

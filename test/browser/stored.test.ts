import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../src/data/formats/image.ts';
import { writeNpy } from '../../src/data/formats/npy.ts';
import { writeParquet } from '../../src/data/formats/parquet-write.ts';
import { readTable } from '../../src/data/formats/table-file.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import { explain } from '../../src/explain/explain.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import { keepProjected } from '../../src/influence/projected-file.ts';
import { score } from '../../src/influence/score.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { why } from '../../src/language/why/why.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { calibrate } from '../../src/provenance/image/calibrate.ts';
import { readCalibration, writeCalibration } from '../../src/provenance/image/calibration-file.ts';
import { openEncoder } from '../../src/provenance/image/encoder.ts';
import { blockOf, type ImageFeatures, imageFeatures, writeBlock } from '../../src/provenance/image/features.ts';
import { embedAll } from '../../src/provenance/image/image-encoder.ts';
import { changeImageIndex, openImageIndex } from '../../src/provenance/image/image-index.ts';
import { queryImage } from '../../src/provenance/image/query-image.ts';
import { imageTracer } from '../../src/provenance/image/trace-image.ts';
import { indexTexts, openTextIndex } from '../../src/provenance/text/text-index.ts';
import { verbatimSpans } from '../../src/provenance/text/verbatim.ts';
import { contentHash } from '../../src/tensor/content-hash.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { activation, linear } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { wherefore } from '../command.ts';
import { bundled } from './in-browser.ts';
import { type Served, serve, wasmFile } from './serve.ts';
import {
  attributionOf,
  classes,
  numbered,
  passage,
  predictedClass,
  rowsAsked,
  rowsOfNumbers,
  spanOptions,
  whyAsked,
} from './stored.ts';
import { browsers, type Tab } from './tab.ts';

const fixtures = fileURLToPath(new URL('../fixtures/language/', import.meta.url));
const demo = fileURLToPath(new URL('../../examples/demo/', import.meta.url));
const read = (...parts: string[]) => readFileSync(join(...parts));

/** A small classifier of rows with random weights. */
function classifier(width: number): Uint8Array {
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', width]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 5 }), 'active', 'tanh');
  return encodeModel(network.build([linear(network, hidden, 'logits', { features: classes })]));
}

const description = `task: classification
labels: [oak, birch, elm]
inputs:
  x:
    kind: table
    columns:
      - { name: age, encode: number, mean: 40, std: 10 }
      - { name: colour, encode: onehot, categories: [red, green] }
      - { name: height, encode: number, missing: { fill: 1.5 } }
`;
const table = 'age,colour,height\n31,red,1.7\n52,green,\n44,"green",1.9\n';

const texts = {
  sea: 'The old captain counted seven grey whales before the storm came, and then no more.',
  land: 'Before the storm came we had counted the sheep. The old captain slept.',
};

/** All files of a folder by their paths in it. */
function filesOf(place: string): Map<string, Buffer> {
  const paths = readdirSync(place, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(place, path)).isFile());
  return new Map(files.map((path) => [path.replaceAll('\\', '/'), read(place, path)]));
}

async function scored(folder: string) {
  const model = await loadModel(join(folder, 'influence.onnx'), { threads: 1, isolation: 'thread' });
  const options = { model, output: 'logits', classes, rows: numbered(12, 0), queries: numbered(2, 50) };
  const { material, file } = keepProjected(await modelGradients(options));
  const context = { rows: 12, queries: 2, seed: 1, gradients: material };
  const { values } = await score('logra', context, { side: 2 });
  await model.close();
  return { values: [...values.data], file: file() as Uint8Array };
}

/** Training rows of the store: more than a shard holds. */
const storedRows = 1100;

/** Influence on the first row of others by a command, which keeps the gradients of all rows in `folder/gradients`. */
async function storedByCommand(folder: string): Promise<ReadonlyMap<number, number>> {
  const { x, labels } = rowsOfNumbers(storedRows, 0);
  writeFileSync(join(folder, 'rows.npy'), writeNpy(x));
  writeFileSync(join(folder, 'labels.npy'), writeNpy(labels));
  const at = (name: string) => join(folder, name);
  const { errors } = await wherefore(
    ...['influence', '0', '--from', at('rows.npy'), '--model', at('influence.onnx'), '--data', at('rows.npy')],
    ...['--labels', at('labels.npy'), '--method', 'logra', '--store', at('gradients'), '--out', at('runs')],
    ...['--threads', '1'],
  );
  expect(errors).not.toMatch(/error:/);
  const [run] = readdirSync(at('runs'));
  const { all, query } = JSON.parse(read(at('runs'), run, 'influence.json').toString());
  expect(query.predicted).toBe(predictedClass);
  return new Map([...all.proponents, ...all.opponents].map(({ row, score }) => [row, score]));
}

const shapesModel = join(demo, 'model/shapes.onnx');
const indexed = ['car', 'cup', 'fish', 'house', 'mushroom', 'tree'];

/** A small index of images with an encoder, and what a trace of another one gives. */
async function tracedImages(folder: string) {
  const encoder = await openEncoder({ model: shapesModel }, 1);
  const pixelsOf = async (name: string) =>
    (await readImage(read(demo, `images/${name}.png`), { name: `${name}.png` })).pixels;
  const writer = await changeImageIndex(folder, { name: 'shapes', encoders: [encoder.entry] });
  const features: ImageFeatures[] = [];
  const images = await Promise.all(indexed.map(pixelsOf));
  for (const pixels of images) features.push(imageFeatures(pixels, await embedAll([encoder], pixels)));
  const items = indexed.map((id, i) => ({
    ...{ id, hash: contentHash([read(demo, `images/${id}.png`)]), content: features[i].content },
    ...{ place: `${id}.png`, size: [96, 96] as [number, number], columns: {} },
  }));
  await writer.add(items, writeBlock(blockOf(features)));
  const index = await openImageIndex(folder);
  const contents = index.items.map(({ content }) => content);
  const source = {
    read: async (i: number) => images[i],
    embed: (pixels: Tensor<'uint8'>) => embedAll([encoder], pixels),
  };
  const asked = { unrelated: 6, planted: 1, preset: 'equal' } as const;
  await writeCalibration(folder, await calibrate(index.features, contents, source, asked));
  const calibration = await readCalibration(folder);
  if (!calibration) throw new Error('the index was not calibrated');
  const pixels = await pixelsOf('fish');
  const query = queryImage(pixels, { embeddings: await embedAll([encoder], pixels) });
  await encoder.close();
  return imageTracer(index, calibration).trace(query);
}

describe.each(browsers)('what Node made, read in $name', ({ path, open }) => {
  const given = it.skipIf(!path);
  let folder: string;
  let server: Awaited<ReturnType<typeof serve>>;
  let tab: Tab;
  let here: Awaited<ReturnType<typeof scored>>;
  let byCommand: ReadonlyMap<number, number>;
  let traced: Awaited<ReturnType<typeof tracedImages>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wherefore-stored-'));
    if (!path) return;
    writeFileSync(join(folder, 'rows.onnx'), classifier(4));
    writeFileSync(join(folder, 'influence.onnx'), classifier(4));
    writeFileSync(join(folder, 'rows.wherefore.yaml'), description);
    writeFileSync(join(folder, 'people.csv'), table);
    const data = datasetOf({ text: tensor('string', [2], Object.values(texts)) }, { ids: Object.keys(texts) });
    await indexTexts(join(folder, 'index'), data);
    here = await scored(folder);
    byCommand = await storedByCommand(folder);
    traced = await tracedImages(join(folder, 'images'));
    const parquet = writeParquet(await readTable(join(folder, 'people.csv')));
    const within = (place: string, name: string) =>
      [...filesOf(join(folder, name))].map(([path, bytes]) => [`${place}/${path}`, bytes] as const);
    const folders: Readonly<Record<string, ReadonlyMap<string, Uint8Array>>> = {
      rows: new Map([
        ['model.onnx', read(folder, 'rows.onnx')],
        ['wherefore.yaml', read(folder, 'rows.wherefore.yaml')],
        ['people.csv', read(folder, 'people.csv')],
        ['people.parquet', parquet],
      ]),
      language: new Map([
        ['model.onnx', read(fixtures, 'gpt2/decoder_model_merged.onnx')],
        ['config.json', read(fixtures, 'gpt2/config.json')],
        ['tokenizer.json', read(fixtures, 'tokenizer.json')],
      ]),
      index: filesOf(join(folder, 'index')),
      influence: new Map([
        ['model.onnx', read(folder, 'influence.onnx')],
        ['rows.safetensors', here.file],
      ]),
      store: new Map([['model.onnx', read(folder, 'influence.onnx')], ...within('gradients', 'gradients')]),
      images: new Map([
        ['model.onnx', read(shapesModel)],
        ['wherefore.yaml', read(demo, 'model/wherefore.yaml')],
        ['query.png', read(demo, 'images/fish.png')],
        ...within('index', 'images'),
      ]),
    };
    const { code } = await bundled(fileURLToPath(new URL('./web-worker.ts', import.meta.url)), 'worker');
    const files: Record<string, Served> = {
      '/': ['text/html', '<!doctype html><title>stored</title>'],
      '/worker.js': ['text/javascript', code],
      '/ort-wasm-simd-threaded.wasm': wasmFile(),
    };
    for (const [name, found] of Object.entries(folders)) {
      files[`/${name}/list.json`] = ['application/json', JSON.stringify([...found.keys()])];
      for (const [file, content] of found) files[`/${name}/${file}`] = ['application/octet-stream', content];
    }
    server = await serve((at) => files[at]);
    tab = await open(path, server.origin);
  }, 180_000);

  afterAll(async () => {
    await tab?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A smooth network: kernels sum in another order, which leaves 1e-5 of the largest value. */
  const near = (values: readonly number[], expected: readonly number[]) => {
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(values).toHaveLength(expected.length);
    expect(largest).toBeGreaterThan(0);
    for (const [i, value] of values.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * largest);
  };

  given(
    'rows of a table are explained',
    async () => {
      const there = await tab.ask('rows');
      const model = await loadModel(join(folder, 'rows.onnx'), { threads: 1, isolation: 'thread' });
      const found = await explain(model, `${join(folder, 'people.csv')}#1`, rowsAsked);
      await model.close();
      expect(there.map(({ document }) => document.method)).toEqual([...rowsAsked.methods, ...rowsAsked.methods]);
      // The same row of Parquet is the same input.
      expect(there.slice(2).map(({ values }) => values)).toEqual(there.slice(0, 2).map(({ values }) => values));
      expect(there[2].document.input.source).toBe('people.parquet#1');
      for (const [i, { document, tensors }] of found.entries()) {
        near(there[i].values, attributionOf(tensors));
        expect(there[i].document.targetDescription).toBe(document.targetDescription);
        expect(there[i].document.baselineDescription).toBe(document.baselineDescription);
        expect(there[i].document.input.hash).toBe(document.input.hash);
        expect(there[i].document.input.tensors).toEqual(document.input.tensors);
      }
    },
    60_000,
  );

  given(
    'a language model says why it answers',
    async () => {
      const there = await tab.ask('language');
      const language = await openLanguageModel(join(fixtures, 'gpt2/decoder_model_merged.onnx'), {
        threads: 1,
        isolation: 'thread',
        tokenizer: join(fixtures, 'tokenizer.json'),
      });
      const document = await why(language, whyAsked);
      await language.close();
      near([there.value], [document.value]);
      expect(there.attributions.map(({ method }) => method)).toEqual([...whyAsked.methods]);
      for (const [i, { values }] of document.attributions.entries()) near(there.attributions[i].values, values);
    },
    120_000,
  );

  given(
    'a passage is traced through an index of texts',
    async () => {
      const spans = await verbatimSpans(await openTextIndex(join(folder, 'index')), passage, spanOptions);
      expect(spans[0].text).toBe('old captain counted seven grey whales before the storm came');
      expect(await tab.ask('trace')).toEqual(spans);
    },
    60_000,
  );

  given(
    'an image is traced through an index of images',
    async () => {
      const there = await tab.ask('traceImage');
      expect(there.rankings.map(({ question }) => question)).toEqual(traced.rankings.map(({ question }) => question));
      expect(there.membership).toEqual(traced.membership);
      expect(traced.membership.same.map(({ id }) => id)).toEqual(['fish']);
      for (const [r, { items }] of traced.rankings.entries()) {
        expect(there.rankings[r].items.map(({ item }) => item)).toEqual(items.map(({ item }) => item));
        // Features are the same bits; embeddings come from other kernels.
        for (const [i, { score }] of items.entries()) expect(there.rankings[r].items[i].score).toBeCloseTo(score, 3);
      }
    },
    60_000,
  );

  given(
    'training rows are scored for a query by the gradients that a command kept',
    async () => {
      const { rows, values, other, otherModel } = await tab.ask('store');
      expect(rows).toBe(storedRows);
      expect(byCommand.size).toBeGreaterThan(5);
      near(
        [...byCommand.keys()].map((row) => values[row]),
        [...byCommand.values()],
      );
      expect(other).toMatch(/gradients: the rows were projected in another way/);
      expect(otherModel).toMatch(/gradients: the folder holds no projected gradients of this model/);
    },
    60_000,
  );

  given(
    'training rows are scored for queries by their stored projections',
    async () => {
      const { values, other } = await tab.ask('influence');
      near(values, here.values);
      expect(other).toMatch(/projected in another way.*same|projected in another way.*seed/);
    },
    60_000,
  );
});

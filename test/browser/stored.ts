import { explain, type FileContent, float32, int64, memoryFiles, openModel, type Tensor } from '../../src/core.ts';
import type { Files } from '../../src/data/files/file-access.ts';
import {
  type Calibration,
  createWebRuntime,
  datasetOf,
  decodeImage,
  imageEncoder,
  imageTracer,
  influenceScores,
  modelGradients,
  openImageIndexIn,
  openLanguageModelIn,
  openProjectedStoreIn,
  openTextIndexIn,
  queryImage,
  readCalibrationIn,
  verbatimSpans,
  why,
  withProjectedFile,
  withProjectedStore,
} from '../../src/web/index.ts';

// What is asked of files that Node made, in a page; stored.test.ts asks the same in Node.

export const rowsAsked = { methods: ['integrated-gradients', 'exact-shapley'], layers: ['input'] } as const;
export const whyAsked = {
  prompt: 'abc de fgh',
  answer: ' ij',
  methods: ['leave-one-out', 'integrated-gradients', 'shapley'],
  unit: 'word',
  // The one with the least error is another where two are equal but for rounding.
  baseline: 'zero',
  sets: 8,
} as const;
export const passage = 'He said the old captain counted seven grey whales before the storm came and slept.';
export const spanOptions = { minWords: 3, maxLogExpected: 99 };

const columns = 4;
/** What the model of the store says of the first row. */
export const predictedClass = 1;
export const classes = 3;

/** Rows of numbers with their classes, always the same. */
export function rowsOfNumbers(count: number, from: number) {
  const data = new Float32Array(count * columns);
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(from + 1.7 * i);
  const labels = new Array<number>(count);
  for (let i = 0; i < count; i++) labels[i] = (from + i) % classes;
  return { x: float32([count, columns], data), labels: int64([count], labels) };
}

export function numbered(count: number, from: number) {
  const { x, labels } = rowsOfNumbers(count, from);
  return datasetOf({ x }, { labels });
}

const runtime = () => createWebRuntime({ wasm: '/ort-wasm-simd-threaded.wasm' });

async function filesAt(folder: string): Promise<Files> {
  const names: string[] = await (await fetch(`/${folder}/list.json`)).json();
  const found = new Map<string, FileContent>();
  for (const name of names) found.set(name, await (await fetch(`/${folder}/${name}`)).blob());
  return memoryFiles(found);
}

/** The values of the only map of an explanation. */
export function attributionOf(tensors: ReadonlyMap<string, Tensor>): number[] {
  const [key] = [...tensors.keys()].filter((name) => name.startsWith('attribution:'));
  return [...((tensors.get(key)?.data as Float32Array | undefined) ?? [])];
}

export const storedTasks = {
  rows: async () => {
    const files = await filesAt('rows');
    const model = await openModel('model.onnx', { runtime: await runtime(), files });
    const found = [
      ...(await explain(model, 'people.csv#1', rowsAsked)),
      ...(await explain(model, 'people.parquet#1', rowsAsked)),
    ];
    return found.map(({ document, tensors }) => ({ document, values: attributionOf(tensors) }));
  },
  language: async () => {
    const language = await openLanguageModelIn(await filesAt('language'), 'model.onnx', { runtime: await runtime() });
    return why(language, whyAsked);
  },
  trace: async () => verbatimSpans(await openTextIndexIn(await filesAt('index'), ''), passage, spanOptions),
  traceImage: async () => {
    const files = await filesAt('images');
    const calibration = (await readCalibrationIn(files, 'index')) as Calibration;
    const encoder = await imageEncoder(await openModel('model.onnx', { runtime: await runtime(), files }));
    const { pixels } = await decodeImage(await files.read('query.png', 'image'), { name: 'query.png' });
    const query = queryImage(pixels, { embeddings: [await encoder.embed(pixels)] });
    return imageTracer(await openImageIndexIn(files, 'index'), calibration).trace(query);
  },
  store: async () => {
    const files = await filesAt('store');
    const model = await openModel('model.onnx', { runtime: await runtime(), files });
    // A query without a label is asked about the class that the model predicts.
    const queries = datasetOf({ x: rowsOfNumbers(1, 0).x }, { labels: int64([1], [predictedClass]) });
    const options = { model, output: model.graph.outputs[0].name, classes, rows: queries, queries };
    const store = await openProjectedStoreIn(files, 'gradients', model.hash);
    const stored = withProjectedStore(await modelGradients(options), store);
    const context = { rows: store.rows, queries: 1, seed: 0, gradients: stored };
    const refused = (asked: Promise<unknown>) =>
      asked.then(
        () => 'nothing',
        (error: Error) => error.message,
      );
    return {
      rows: store.rows,
      values: [...(await influenceScores('logra', context)).values.data],
      other: await refused(influenceScores('logra', context, { side: 2 })),
      otherModel: await refused(openProjectedStoreIn(files, 'gradients', 'another')),
    };
  },
  influence: async () => {
    const files = await filesAt('influence');
    const model = await openModel('model.onnx', { runtime: await runtime(), files });
    const queries = numbered(2, 50);
    // The training rows are not here: only their projections are.
    const options = { model, output: model.graph.outputs[0].name, classes, rows: queries, queries };
    const stored = withProjectedFile(await modelGradients(options), await files.read('rows.safetensors', 'tensors'));
    const context = { rows: stored.rows, queries: 2, seed: 1, gradients: stored };
    const other = await influenceScores('logra', { ...context, seed: 2 }, { side: 2 }).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
    return { values: [...(await influenceScores('logra', context, { side: 2 })).values.data], other };
  },
};

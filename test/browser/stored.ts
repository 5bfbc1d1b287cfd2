import { explain, type FileContent, float32, int64, memoryFiles, openModel, type Tensor } from '../../src/core.ts';
import type { Files } from '../../src/data/files/file-access.ts';
import {
  createWebRuntime,
  datasetOf,
  influenceScores,
  modelGradients,
  openLanguageModelIn,
  openTextIndexIn,
  verbatimSpans,
  why,
  withProjectedFile,
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
export const classes = 3;

/** Rows of numbers with labels, always the same. */
export function numbered(count: number, from: number) {
  const data = new Float32Array(count * columns);
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(from + 1.7 * i);
  const labels = new Array<number>(count);
  for (let i = 0; i < count; i++) labels[i] = (from + i) % classes;
  return datasetOf({ x: float32([count, columns], data) }, { labels: int64([count], labels) });
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
    const found = await explain(model, 'people.csv#1', rowsAsked);
    return found.map(({ document, tensors }) => ({
      document,
      values: attributionOf(tensors),
    }));
  },
  language: async () => {
    const language = await openLanguageModelIn(await filesAt('language'), 'model.onnx', { runtime: await runtime() });
    return why(language, whyAsked);
  },
  trace: async () => verbatimSpans(await openTextIndexIn(await filesAt('index'), ''), passage, spanOptions),
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

import { dirname, join } from 'node:path';
import { type OpenedDataset, openDataset } from '../data/datasets/open-dataset.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { trainingFileNames } from '../train/index.ts';
import { type RuntimeOptions, runtimeOf } from './options.ts';
import { trainedRows } from './retrain-recipes.ts';
import { describedRows, type RowsDescribed } from './row-options.ts';

/** Options of a command that say which model, and how it was trained. */
export interface ModelOptions extends RuntimeOptions {
  readonly model?: string;
  readonly training?: string;
  readonly preprocessing?: string;
}

/** Options of a command that say which rows. */
export interface RowOptions extends Readonly<RowsDescribed> {
  readonly data: string;
}

/** The models that rows may be made for. */
export interface Models {
  readonly given: LoadedModel | undefined;
  /** The one from before the training, loaded when it is asked for. */
  readonly initial: () => Promise<LoadedModel | undefined>;
  close(): Promise<void>;
}

/** @throws WhereforeError as `loadModel` */
export async function openModels(options: ModelOptions): Promise<Models> {
  const path = options.model ?? (options.training && join(options.training, trainingFileNames.trained));
  const given = path === undefined ? undefined : await loadFor(options, path);
  const models = modelsAround(given, options);
  return {
    ...models,
    async close() {
      await given?.close();
      await models.close();
    },
  };
}

/** With a model that is loaded, and is left open. */
export function modelsAround(given: LoadedModel | undefined, options: ModelOptions): Models {
  const folder = options.training ?? (options.model && dirname(options.model));
  let initial: LoadedModel | undefined;
  return {
    given,
    initial: async () => {
      if (folder !== undefined) initial = await loadFor(options, join(folder, trainingFileNames.initial));
      return initial;
    },
    close: async () => initial?.close(),
  };
}

const loadFor = (options: ModelOptions, path: string) =>
  loadModel(path, { ...runtimeOf(options), preprocessing: options.preprocessing });

export type Described = NonNullable<Parameters<typeof openDataset>[1]>;

/**
 * The rows as they were trained on, by the key that the training noted: made for the model, for the model as it was
 * before the training, or as they are.
 */
export async function openTrained(
  { data: path, ...rows }: RowOptions,
  { given, initial }: Models,
  folder: string | undefined,
): Promise<{ readonly data: OpenedDataset; readonly described: Described }> {
  const key = folder === undefined ? undefined : (await trainedRows(folder)).key;
  const open = async (model: LoadedModel | undefined) => {
    const { labels, ...others } = describedRows(rows);
    const described = { model, ...others };
    return { data: await openDataset(path, { ...described, labels }), described };
  };
  const first = await open(given);
  if (key === undefined || (await first.data.key()) === key) return first;
  for (const model of [await initial(), undefined]) {
    const other = await open(model);
    if ((await other.data.key()) === key) return other;
  }
  return first;
}

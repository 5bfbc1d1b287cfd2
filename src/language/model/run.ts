import type { Tensors } from '../../runtime/runtime.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from './language-model.ts';

/** Feeds for rows of token ids of one length; `real` says how many of each are no padding, default all. */
export function feedsOf(
  { model, roles }: Pick<LanguageModel, 'model' | 'roles'>,
  rows: readonly (readonly number[])[],
  real: readonly number[] = rows.map((row) => row.length),
): Map<string, Tensor> {
  const length = rows[0].length;
  const feeds = new Map<string, Tensor>();
  const add = (name: string | undefined, valueAt: (row: number, i: number) => number) => {
    if (name === undefined) return;
    const values: number[] = [];
    for (let r = 0; r < rows.length; r++) for (let i = 0; i < length; i++) values.push(valueAt(r, i));
    feeds.set(name, wholeNumbers(model, name, [rows.length, length], values));
  };
  add(roles.ids, (row, i) => rows[row][i]);
  add(roles.mask, (row, i) => Number(i < real[row]));
  add(roles.positions, (_, i) => i);
  add(roles.types, () => 0);
  return feeds;
}

/** Whole numbers of the type that an input takes. */
export function wholeNumbers(
  { graph }: Pick<LanguageModel['model'], 'graph'>,
  name: string,
  shape: readonly number[],
  values: readonly number[],
): Tensor {
  const isShort = graph.inputs.find((input) => input.name === name)?.type === 'int32';
  return isShort ? tensor('int32', shape, Int32Array.from(values)) : int64(shape, values);
}

/** The logits of a text at every token, `sequence × vocabulary`, computed without a cache. */
export async function logitsAt(
  language: LanguageModel,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const feeds: Tensors = feedsOf(language, [ids]);
  const { model, logits } = language;
  const results = await model.executor.run(model.graph, feeds, [logits], { signal });
  return results.get(logits)?.data as Float32Array;
}

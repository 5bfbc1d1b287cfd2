import { gradientsOf } from '../../runtime/gradient.ts';
import { mapped } from '../../tensor/filled.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import { readValues } from '../where/read-values.ts';
import { scoreGraph } from '../why/score-graph.ts';
import type { FactInTokens } from './rank-one.ts';

/**
 * How much what an MLP adds promises to change an answer: `‖m‖ ‖∂ log p(answer) / ∂m‖` at a token, the slope of log p along
 * the best change of `m`, in lengths of `m`. All MLPs and tokens are seen in one forward and one backward pass.
 * @param values names of what MLPs add to the stream
 * @returns of each value the promise at each token of the prompt
 */
export async function promises(
  language: LanguageModel,
  { prompt, answer }: Pick<FactInTokens, 'prompt' | 'answer'>,
  values: readonly string[],
  signal?: AbortSignal,
): Promise<Float64Array[]> {
  const { model, roles } = language;
  const ids = [...prompt, ...answer];
  const count = ids.length;
  const graph = scoreGraph(language, 'log-probability');
  const { values: written } = await readValues(language, ids, [roles.embedding, ...values], signal);
  const feeds = new Map<string, Tensor>([
    ...feedsOf(language, [ids]),
    ...written,
    ['why/next', int64([1, count, 1], [...ids.slice(1), 0])],
    ['why/weights', float32([1, count], new Float32Array(count).fill(1, prompt.length - 1, count - 1))],
  ]);
  const inputs = new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
  const seeds = new Map([['why/score', float32([1], [1])]]);
  const { gradients } = await gradientsOf({ ...model, graph }, { inputs, seeds, wrt: values, optimize: false, signal });
  return values.map((name) => {
    const lengths = lengthsOf(written.get(name)?.data as Float32Array, count);
    const slopes = lengthsOf(gradients.get(name)?.data as Float32Array, count);
    return mapped(Float64Array, prompt, (_, i) => lengths[i] * slopes[i]);
  });
}

/** Lengths of the rows of a value. */
function lengthsOf(data: Float32Array, rows: number): Float64Array {
  const sums = new Float64Array(rows);
  const width = data.length / rows;
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / width)] += data[i] * data[i];
  return sums.map(Math.sqrt);
}

import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { TokenRow } from './token-rows.ts';

/** Logits that are held at once. */
const mostLogits = 2 ** 24;

/** Σ log p of the counted tokens of each row, in nats. */
export async function rowLogProbabilities(
  language: LanguageModel,
  rows: readonly TokenRow[],
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { model, logits, tokenizer } = language;
  const length = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const together = Math.max(1, Math.min(64, Math.floor(mostLogits / (length * tokenizer.size))));
  const sums = new Float64Array(rows.length);
  for (let first = 0; first < rows.length; first += together) {
    const some = rows.slice(first, first + together);
    const padded = some.map(({ ids }) => [...ids, ...new Array<number>(length - ids.length).fill(ids[0])]);
    const feeds = feedsOf(
      language,
      padded,
      some.map(({ ids }) => ids.length),
    );
    const scores = (await model.executor.run(model.graph, feeds, [logits], { signal })).get(logits);
    const data = scores?.data as Float32Array;
    const classes = data.length / (some.length * length);
    for (const [b, { ids, from }] of some.entries())
      for (let t = Math.max(1, from); t < ids.length; t++)
        sums[first + b] += logProbabilityAt(data, (b * length + t - 1) * classes, classes, ids[t]);
  }
  return sums;
}

/** `z_k − log Σ e^z` */
function logProbabilityAt(logits: Float32Array, start: number, classes: number, chosen: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) most = Math.max(most, logits[start + k]);
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp(logits[start + k] - most);
  return logits[start + chosen] - most - Math.log(sum);
}

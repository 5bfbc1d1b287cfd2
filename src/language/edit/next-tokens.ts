import type { Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** Rows of a batch: texts of one length go through the model together. */
const mostRows = 32;

/** For each text, log p of the next token behind each of its tokens. */
export async function logsOf(model: LanguageModel, texts: readonly (readonly number[])[], signal?: AbortSignal) {
  const found = new Array<(position: number) => Float64Array>(texts.length);
  const groups = new Map<number, number[]>();
  for (const [i, { length }] of texts.entries()) groups.set(length, [...(groups.get(length) ?? []), i]);
  for (const [length, members] of groups)
    for (let at = 0; at < members.length; at += mostRows) {
      const rows = members.slice(at, at + mostRows);
      const feeds = feedsOf(
        model,
        rows.map((i) => texts[i]),
      );
      const results = await model.model.executor.run(model.model.graph, feeds, [model.logits], { signal });
      const { data } = results.get(model.logits) as Tensor<'float32'>;
      const width = data.length / rows.length / length;
      for (const [r, i] of rows.entries())
        found[i] = (position) => {
          const start = (r * length + position) * width;
          return logSoftmax(data.subarray(start, start + width));
        };
    }
  return found;
}

function logSoftmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const total = most + Math.log(logits.reduce((sum, one) => sum + Math.exp(one - most), 0));
  const logs = new Float64Array(logits.length);
  for (let i = 0; i < logs.length; i++) logs[i] = logits[i] - total;
  return logs;
}

/** Place of the largest value. */
export const largestAt = (values: Float64Array): number => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
};

/** KL(a ‖ b) of two distributions, in nats, from the logarithms of their probabilities. */
export function divergenceOf(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.exp(a[i]) * (a[i] - b[i]);
  return sum;
}

/** Mean of KL(before ‖ after) of the next token behind every token of some texts. */
export async function textsDivergence(
  before: LanguageModel,
  after: LanguageModel,
  texts: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<number> {
  const [a, b] = [await logsOf(before, texts, signal), await logsOf(after, texts, signal)];
  let [sum, count] = [0, 0];
  for (const [i, { length }] of texts.entries())
    for (let t = 0; t < length; t++, count++) sum += divergenceOf(a[i](t), b[i](t));
  return sum / count;
}

import { largestAt } from '../../tensor/extremes.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { anatomyOf } from './anatomy.ts';
import { readValues } from './read-values.ts';
import { unembed } from './unembedding.ts';

/** What the stream would say at one layer and one position. */
export interface LensCell {
  readonly token: string;
  /** p of that token. */
  readonly probability: number;
  /** log p of the token that really follows, in nats; null behind the last one. */
  readonly next: number | null;
}

/** What the model would say, had it ended behind each layer. */
export interface Lens {
  /** From the embedding to the last layer, whose row is what the model says. */
  readonly layers: readonly string[];
  readonly rows: readonly (readonly LensCell[])[];
  /** Bytes of values that were fetched. */
  readonly bytes: number;
}

/**
 * The logit lens: the final norm and the table of words applied to the residual stream behind each layer.
 * @source nostalgebraist 2020, "interpreting GPT: the logit lens"
 */
export async function logitLens(language: LanguageModel, ids: readonly number[], signal?: AbortSignal): Promise<Lens> {
  const { residuals, width } = await anatomyOf(language);
  const names = residuals.map(({ value }) => value);
  const { values, bytes } = await readValues(language, ids, names, signal);
  const rows: LensCell[][] = [];
  for (const name of names) {
    const { data } = await unembed(
      language,
      float32([1, ids.length, width], values.get(name)?.data as Float32Array),
      ids,
      signal,
    );
    rows.push(ids.map((_, i) => cellOf(language, rowOf(data, i, data.length / ids.length), ids[i + 1])));
  }
  return { layers: residuals.map(({ name }) => name), rows, bytes };
}

const rowOf = (data: Float32Array, i: number, size: number) => data.subarray(i * size, (i + 1) * size);

function cellOf({ tokenizer }: LanguageModel, logits: Float32Array, next: number | undefined): LensCell {
  const best = largestAt(logits);
  let total = 0;
  for (let v = 0; v < logits.length; v++) total += Math.exp(logits[v] - logits[best]);
  const logNext = next === undefined ? null : logits[next] - logits[best] - Math.log(total);
  return { token: tokenizer.textOf(best), probability: 1 / total, next: logNext };
}

import { float32 } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { anatomyOf, type Contribution, capsLogits } from './anatomy.ts';
import { readValues } from './read-values.ts';
import { readDirection } from './unembedding.ts';

/** What each block wrote into the stream, as the logit reads it. */
export interface DirectAttribution {
  readonly parts: readonly (Pick<Contribution, 'name' | 'kind' | 'layer'> & { readonly value: number })[];
  /** What no block wrote: biases of the norm and of the table of words. */
  readonly constant: number;
  /** The logit, or the difference of two. */
  readonly logit: number;
  /** |Σ parts + constant − logit|. The constant is that of a stream of zeros, not what is missing. */
  readonly error: number;
  readonly notes: readonly string[];
}

/**
 * Direct logit attribution: `logit = Σ_c ⟨x_c, w⟩ + constant`, where x_c is what block c adds to the residual stream at
 * the position and w the direction that the logit is read along, with the scale of the final norm held as it is.
 * @param weights token → weight: `{ a: 1, b: −1 }` for the difference of two logits
 * @source Elhage et al. 2021, "A mathematical framework for transformer circuits"
 */
export async function directAttribution(
  language: LanguageModel,
  ids: readonly number[],
  { position, weights }: { readonly position: number; readonly weights: ReadonlyMap<number, number> },
): Promise<DirectAttribution> {
  const { contributions, residuals, width } = await anatomyOf(language);
  const last = residuals[residuals.length - 1].value;
  const { values } = await readValues(language, ids, [last, ...contributions.map(({ value }) => value)]);
  const stream = values.get(last)?.data as Float32Array;
  const at = { position, weights };
  const { direction, value: logit } = await readDirection(language, float32([1, ids.length, width], stream), ids, at);
  const parts = contributions.map(({ name, kind, layer, value }) => {
    const data = values.get(value)?.data as Float32Array;
    // Vectors of positions may have no batch; the last axis is the same.
    const row = data.length === width ? data : data.subarray(position * width, (position + 1) * width);
    return { name, kind, layer, value: dot(row, direction) };
  });
  // A stream of zeros gives the biases, times the scale that is held, of which it has none: they are what is left.
  const own = stream.subarray(position * width, (position + 1) * width);
  const constant = logit - dot(own, direction);
  const sum = parts.reduce((total, { value }) => total + value, 0);
  const notes = capsLogits(language.model.graph, last)
    ? ['the logits are capped behind the table of words; shares are of the slope there']
    : [];
  return { parts, constant, logit, error: Math.abs(sum + constant - logit), notes };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[i] * b[i];
  return sum;
}

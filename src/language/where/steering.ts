import { WhereforeError } from '../../errors.ts';
import { withEdits } from '../../runtime/edit.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import { anatomyOf } from './anatomy.ts';
import { readValues } from './read-values.ts';

/** Texts of which the model is to write more, and less. */
export interface SteeringTexts {
  readonly toward: readonly string[];
  readonly away: readonly string[];
  /** The layer behind which the stream is moved, from 0; default the middle one. */
  readonly layer?: number;
}

/** A direction in the stream behind a layer. */
export interface Steering {
  readonly layer: number;
  readonly value: string;
  /** `1 × 1 × width` */
  readonly direction: Tensor<'float32'>;
  /** Length of the direction, and the mean length of the stream's vectors there. */
  readonly length: number;
  readonly streamLength: number;
}

/**
 * A steering direction: the difference of the mean stream over the tokens of two sets of texts, `μ₊ − μ₋`; the first token
 * of each text, which is alike in all, does not count.
 * @throws WhereforeError `invalid-argument` without texts of both kinds, `out-of-range` for a layer that is not there
 * @source Turner et al. 2023, arXiv 2308.10248; Rimsky et al. 2023, arXiv 2312.06681
 */
export async function steeringOf(
  language: LanguageModel,
  { toward, away, layer }: SteeringTexts,
  signal?: AbortSignal,
): Promise<Steering> {
  const { residuals, layers } = await anatomyOf(language);
  const at = layer ?? Math.floor((layers - 1) / 2);
  if (!Number.isInteger(at) || at < 0 || at >= layers) {
    throw new WhereforeError('out-of-range', 'there is no such layer', {
      got: String(layer),
      expected: `0 to ${layers - 1}`,
    });
  }
  if (toward.length === 0 || away.length === 0) {
    throw new WhereforeError('invalid-argument', 'a direction needs texts of both kinds', {
      got: `${toward.length} toward, ${away.length} away`,
      fix: 'give --toward "…" and --away "…", each at least once',
    });
  }
  const { value } = residuals[at + 1];
  const means: Awaited<ReturnType<typeof meanStream>>[] = [];
  for (const texts of [toward, away]) means.push(await meanStream(language, value, texts, signal));
  const direction = means[0].mean.map((mean, d) => mean - means[1].mean[d]);
  const length = Math.sqrt(direction.reduce((sum, x) => sum + x ** 2, 0));
  if (length === 0) {
    throw new WhereforeError(
      'invalid-argument',
      'both sets of texts are the same to the model: there is no direction',
      {
        got: [...toward, ...away].map((text) => JSON.stringify(text)).join(', '),
        fix: 'give texts that differ in what you steer',
      },
    );
  }
  return {
    layer: at,
    value,
    direction: float32([1, 1, direction.length], direction),
    length,
    streamLength: (means[0].length + means[1].length) / 2,
  };
}

/** The model with its stream moved along a direction at every token: `h + strength · (μ₊ − μ₋)`. */
export function steered(language: LanguageModel, { value, direction }: Steering, strength: number): LanguageModel {
  const moved = direction.data.map((x) => strength * x);
  const edit = { kind: 'add', value: float32(direction.shape, moved) } as const;
  return { ...language, model: withEdits(language.model, { [value]: edit }) };
}

/** The mean vector over the tokens of texts, and their mean length. */
async function meanStream(language: LanguageModel, value: string, texts: readonly string[], signal?: AbortSignal) {
  let mean = new Float64Array(0);
  let [count, length] = [0, 0];
  for (const text of texts) {
    const { values } = await readValues(language, promptIds(language, text), [value], signal);
    const { data, shape } = values.get(value) as Tensor<'float32'>;
    const width = shape[2];
    if (mean.length === 0) mean = new Float64Array(width);
    for (let at = width; at < data.length; at += width) {
      const vector = data.subarray(at, at + width);
      let square = 0;
      for (let d = 0; d < width; d++) {
        mean[d] += vector[d];
        square += vector[d] ** 2;
      }
      length += Math.sqrt(square);
      count++;
    }
  }
  if (count === 0) throw new WhereforeError('invalid-argument', 'the texts have no token behind their first');
  return { mean: Array.from(mean, (sum) => sum / count), length: length / count };
}

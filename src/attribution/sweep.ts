import type { Model } from '../runtime/model.ts';
import { sizeOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { type Attribution, type AttributionRequest, attribute } from './attribute.ts';
import type { Baseline, InputLayout } from './baseline.ts';

/** The same question asked against several baselines. */
export interface Sweep {
  /** In the order of the baselines: each has its own T, ΣA and E. */
  readonly attributions: readonly Attribution[];
  /** Spearman's rank correlation between each two maps; undefined where a map has the same number everywhere. */
  readonly agreement: readonly (readonly (number | undefined)[])[];
}

/**
 * Runs one method with several baselines, so that a person sees how much the answer depends on the question.
 * @throws WhereforeError as {@link attribute}
 */
export async function sweep(
  model: Model,
  request: Omit<AttributionRequest, 'baseline'>,
  baselines: readonly Baseline[],
): Promise<Sweep> {
  const attributions: Attribution[] = [];
  for (const baseline of baselines) attributions.push(await attribute(model, { ...request, baseline }));
  const maps = attributions.map(({ values }) => shownValues(values, request.layout));
  return { attributions, agreement: rankAgreement(maps) };
}

/** Spearman's rank correlation between each two of several maps of the same places. */
export function rankAgreement(maps: readonly ArrayLike<number>[]): (number | undefined)[][] {
  const ranked = maps.map(ranks);
  return ranked.map((a) => ranked.map((b) => correlation(a, b)));
}

/**
 * The numbers that a map shows, in a row: channels added up, since a picture has one colour a place.
 * @param layout which axis holds the channels of the explained input
 */
export function shownValues(values: ReadonlyMap<string, Tensor>, layout: InputLayout = {}): Float64Array {
  const parts = [...values.values()].map((tensor) => withoutChannels(tensor, layout));
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function withoutChannels({ shape, data }: Tensor, { channelAxis, spatialAxes }: InputLayout): Float64Array {
  const values = data as Float32Array;
  const axis = spatialAxes && channelAxis !== undefined && shape.length > channelAxis ? channelAxis : undefined;
  if (axis === undefined) return Float64Array.from(values);
  const inner = stridesOf(shape)[axis];
  const sums = new Float64Array(sizeOf(shape) / shape[axis]);
  for (let i = 0; i < values.length; i++)
    sums[Math.floor(i / (inner * shape[axis])) * inner + (i % inner)] += values[i];
  return sums;
}

/** Ranks from 0, ties share the mean of theirs. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return result;
}

/** Pearson's correlation; undefined where one side does not vary. */
function correlation(a: Float64Array, b: Float64Array): number | undefined {
  if (a.length !== b.length) return undefined;
  // Ranks of n values have the mean (n − 1) / 2, ties or not.
  const mean = (a.length - 1) / 2;
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) ** 2;
    bb += (b[i] - mean) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : undefined;
}

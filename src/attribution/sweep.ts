import type { Model } from '../runtime/model.ts';
import { pearson, ranks } from '../tensor/correlation.ts';
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

/** Spearman's rank correlation between each two of several maps of the same positions. */
export function rankAgreement(maps: readonly ArrayLike<number>[]): (number | undefined)[][] {
  const ranked = maps.map(ranks);
  return ranked.map((a) => ranked.map((b) => (a.length === b.length ? pearson(a, b) : undefined)));
}

/**
 * The numbers that a map shows, in a row: channels added up, since an image has one colour a place.
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

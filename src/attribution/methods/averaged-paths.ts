import { filled, mapped } from '../../tensor/filled.ts';
import { random } from '../../tensor/random.ts';
import { concatRows, float32, type Tensor } from '../../tensor/tensor.ts';
import type { Points } from '../points.ts';
import { timesDifference } from './difference.ts';
import { resultOf } from './gradient.ts';
import { type MethodContext, type MethodResult, onlyReference } from './method.ts';
import { surenessOf } from './sureness.ts';

/** See the parameters of expected gradients. */
export interface PathSampling {
  readonly samples: number;
  readonly seed: number;
  readonly positions?: readonly number[];
}

/** From which baseline sample each point starts, and how far it goes. */
function draws(references: number, { samples, seed, positions }: PathSampling): { from: Uint32Array; t: Float64Array } {
  const count = positions?.length ?? samples;
  const source = random(seed);
  // Every sample takes part equally often, and one point lies in each part of [0, 1): less variance than free draws.
  const from = filled(new Uint32Array(count), (k) => k % references);
  const perReference = (k: number) => Math.floor((count - 1 - (k % references)) / references) + 1;
  const t = filled(
    new Float64Array(count),
    (k) => positions?.[k] ?? (Math.floor(k / references) + source.uniform()) / perReference(k),
  );
  return { from, t };
}

/** The mean over paths from the samples of the baseline to the input, with its standard error where points come in pairs. */
export async function averageOverPaths(context: MethodContext, options: PathSampling): Promise<MethodResult> {
  onlyReference(context);
  const { features, references, layer, prepared } = context;
  const { from, t } = draws(references.length, options);
  const weights = weightsOf(from, references.length);
  const sums = new Map(layer.map((name) => [name, new Float64Array((features.get(name) as Tensor).data.length)]));
  const spread = options.positions ? undefined : pairedSpread(references.length, t.length, sums);
  const each = (point: number, gradients: ReadonlyMap<string, Float32Array>) => {
    for (const [name, slope] of gradients) {
      const sum = sums.get(name) as Float64Array;
      const [present, absent] = [
        features.get(name)?.data,
        references[from[point]].features.get(name)?.data,
      ] as Float32Array[];
      const parts = new Float32Array(sum.length);
      for (let i = 0; i < sum.length; i++) {
        parts[i] = weights[point] * timesDifference(slope[i], present[i] - absent[i]);
        sum[i] += parts[i];
      }
      spread?.add(point, name, parts);
    }
  };
  const { notes } = await prepared.gradient(pointsOn(context, from, t), { wrt: layer, each });
  const result = resultOf(features, sums);
  const errors = spread && new Map([...spread.variances].map(([name, list]) => [name, list.map(Math.sqrt)]));
  return {
    ...result,
    ...(errors && surenessOf(result.values, resultOf(features, errors).values)),
    chosen: { samples: t.length, baselines: Math.min(references.length, t.length) },
    gradientNotes: notes,
  };
}

/** Bytes of parts that wait for the other of their pair, beyond which nothing is said of the spread. */
const mostWaiting = 64 * 2 ** 20;

/**
 * Variance of the sum of the points' parts. There is one point in each part of a path, so the spread is that of two
 * neighbours on the path from one sample of the baseline, `(a − b)²` for both; it holds what differs between the two
 * parts of the path as well, and is rather too large than too small.
 * @returns undefined where a sample has one point alone, or too much would have to be kept
 * @source Cochran 1977, "Sampling Techniques", section 5A.12 (collapsed strata)
 */
function pairedSpread(references: number, points: number, sums: ReadonlyMap<string, Float64Array>) {
  const waiting = new Map<string, Float32Array>();
  const variances = new Map([...sums].map(([name, { length }]) => [name, new Float64Array(length)]));
  let bytes = 0;
  for (const { length } of sums.values()) bytes += 4 * length * references;
  if (bytes > mostWaiting || points < 2 * references) return undefined;
  return {
    variances,
    add(point: number, name: string, parts: Float32Array): void {
      const key = `${point % references} ${name}`;
      const before = waiting.get(key);
      waiting.set(key, parts);
      if (!before) return;
      const isSecond = Math.floor(point / references) % 2 === 1;
      // One that is left over at the end is compared with the one before it.
      if (!isSecond && point + references < points) return;
      const variance = variances.get(name) as Float64Array;
      for (let i = 0; i < parts.length; i++) variance[i] += (isSecond ? 1 : 0.5) * (parts[i] - before[i]) ** 2;
    },
  };
}

/** Baseline samples count equally, however many points start from each. */
function weightsOf(from: Uint32Array, references: number): Float64Array {
  const counts = new Float64Array(references);
  for (const reference of from) counts[reference]++;
  const used = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return mapped(Float64Array, from, (reference) => 1 / (used * counts[reference]));
}

function pointsOn({ features, references, layer }: MethodContext, from: Uint32Array, t: Float64Array): Points {
  return {
    cut: layer,
    count: t.length,
    fresh: true,
    at: (start, end) =>
      new Map(
        layer.map((name) => {
          const { shape, data } = features.get(name) as Tensor<'float32'>;
          const rows = Array.from({ length: end - start }, (_, i) => {
            const absent = references[from[start + i]].features.get(name)?.data as Float32Array;
            return float32(
              shape,
              data.map((value, j) => absent[j] + t[start + i] * (value - absent[j])),
            );
          });
          return [name, rows.length === 1 ? rows[0] : concatRows(rows)];
        }),
      ),
  };
}

import * as z from 'zod/mini';
import type { Model } from '../../runtime/model.ts';
import { filled } from '../../tensor/filled.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { type Random, random } from '../../tensor/random.ts';
import { maskedPoints } from '../perturbation.ts';
import type { Question } from '../question.ts';
import { meanOf, pearson } from '../statistics.ts';
import { type Metric, noPasses } from './metric.ts';

/** For random sets S of features: what their attributions promise, and what removing them does. */
interface Removals {
  /** `Σ_{i∈S} A_i`. */
  readonly promised: Float64Array;
  /** `f(x) − f(x with S at the reference)`. */
  readonly measured: Float64Array;
}

/** Which sets are drawn: as many, each of the size that its number or chance gives. */
interface Draw {
  /** Tells one kind of draw from another. */
  readonly key: string;
  readonly count: number;
  readonly sizeOf: (k: number, source: Random) => number;
}

/** What removing the sets of a draw does: no map has a part in it, so all maps of a question share it. */
const measurements = namedMemo<Question, Promise<Float64Array>>();

async function removals(question: Question, values: Float64Array, draw: Draw): Promise<Removals> {
  const { sets, kept } = setsOf(question, values.length, draw);
  const measured = measurements(question, draw.key, async () => {
    const points = maskedPoints(question, draw.count, (point, keep) => keep.set(kept(point)));
    return (await question.targetAt(points)).map((output) => question.value - output);
  });
  const promised = new Float64Array(draw.count);
  for (let k = 0; k < draw.count; k++) promised[k] = sumOver(values, sets[k]);
  return { promised, measured: await measured };
}

function sumOver(values: Float64Array, set: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < set.length; i++) sum += values[set[i]];
  return sum;
}

interface Sets {
  /** The groups that each set removes. */
  readonly sets: readonly Uint32Array[];
  /** One number a group: 0 where set k removes it, else 1. */
  readonly kept: (k: number) => Uint8Array;
}

/** Sets of a model's last seed and number of groups: inputs of one size are asked about the same sets. */
const drawnSets = new WeakMap<Model, { readonly groups: number; readonly seed: number; sets: Map<string, Sets> }>();

/** Draws with more numbers than this are not remembered. */
const mostRemembered = 2 ** 24;

function setsOf({ model, seed }: Question, groups: number, { key, count, sizeOf }: Draw): Sets {
  let known = drawnSets.get(model);
  if (known?.groups !== groups || known.seed !== seed)
    drawnSets.set(model, (known = { groups, seed, sets: new Map() }));
  const found = known.sets.get(key);
  if (found) return found;
  const source = random(seed, 2);
  const order = filled(new Uint32Array(groups), (i) => i);
  const sets: Uint32Array[] = [];
  const rows = new Uint8Array(count * groups).fill(1);
  const kept = (k: number) => rows.subarray(k * groups, (k + 1) * groups);
  for (let k = 0; k < count; k++) {
    const set = drawn(order, sizeOf(k, source), source);
    const row = kept(k);
    for (let i = 0; i < set.length; i++) row[set[i]] = 0;
    sets.push(set);
  }
  const made = { sets, kept };
  if (rows.length <= mostRemembered) known.sets.set(key, made);
  return made;
}

/** `size` of the numbers in `order`, which is left in another order: Fisher and Yates' shuffle of its head. */
function drawn(order: Uint32Array, size: number, source: Random): Uint32Array {
  for (let i = 0; i < size; i++) {
    const j = i + source.integer(order.length - i);
    const moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
  return order.slice(0, size);
}

const infidelityParameters = z.strictObject({
  /** Random sets of features, of any size. */
  samples: z._default(z.int().check(z.minimum(2), z.maximum(100_000)), 24),
  /** Whether attributions may be rescaled by one positive factor first, as for methods that give no shares. */
  rescale: z._default(z.boolean(), true),
});

export type InfidelityParameters = z.infer<typeof infidelityParameters>;

/** Squared difference between promise and measurement, as a share of the squared measurement. */
export const infidelity: Metric<InfidelityParameters, 'lower'> = {
  title: 'Infidelity',
  family: 'additivity',
  judgedBy: 'consensus',
  formula:
    'Σ_S (β Σ_{i∈S} A_i − (f(x) − f(x∖S)))² / Σ_S (f(x) − f(x∖S))², β ≥ 0 the best scale; the part meanSquaredError is the mean over S of the numerator, the scale of Yeh et al.',
  source: 'Yeh et al. 2019, arXiv 1901.09392, with removal to a reference as the perturbation',
  range: [0, Number.POSITIVE_INFINITY],
  direction: 'lower',
  assumes:
    'the model is additive enough over the removed sets; strong interactions leave an error to every explanation',
  sensitivity: 'samples: the spread falls with their root; rescale: without it scores beyond 1 tell wrong units',
  needs: 'map',
  parameters: infidelityParameters as z.core.$ZodType<InfidelityParameters>,
  cost: ({ samples }) => ({ forward: samples, backward: 0 }),
  async run(question, { map }, { samples, rescale }) {
    const groups = map.values.length;
    const { promised, measured } = await removals(question, map.values, {
      key: `any ${samples}`,
      count: samples,
      sizeOf: (_, source) => 1 + source.integer(groups),
    });
    let [product, square, total] = [0, 0, 0];
    for (let k = 0; k < samples; k++) {
      product += promised[k] * measured[k];
      square += promised[k] ** 2;
      total += measured[k] ** 2;
    }
    // A negative factor would forgive an explanation that says the opposite.
    const scale = rescale ? (square > 0 ? Math.max(0, product / square) : 0) : 1;
    let error = 0;
    for (let k = 0; k < samples; k++) error += (scale * promised[k] - measured[k]) ** 2;
    const notes = total > 0 ? undefined : ['no set of features changed the output: any explanation is as good'];
    return { score: total > 0 ? error / total : 0, parts: { scale, meanSquaredError: error / samples }, notes };
  },
};

const sensitivityParameters = z.strictObject({
  /** Sizes of the removed sets, as shares of the features. */
  shares: z._default(z.array(z.number().check(z.gt(0), z.lt(1))).check(z.minLength(1)), [0.05, 0.1, 0.25, 0.5]),
  /** Sets of each size. */
  samples: z._default(z.int().check(z.minimum(3), z.maximum(100_000)), 24),
});

export type SensitivityParameters = z.infer<typeof sensitivityParameters>;

const uncorrelated = 'removing features changed nothing, or the map is constant: there is no correlation, counted as 0';

function setSize(share: number, groups: number): number {
  return Math.min(Math.max(1, Math.round(share * groups)), Math.max(1, groups - 1));
}

/** What the metrics are that correlate promise and measurement. */
const correlated = {
  family: 'additivity',
  judgedBy: 'consensus',
  range: [-1, 1],
  direction: 'higher',
  needs: 'map',
} as const;

/** Correlation between promise and measurement for sets of one size, averaged over several sizes. */
export const sensitivityN: Metric<SensitivityParameters, 'higher'> = {
  ...correlated,
  title: 'Sensitivity-n',
  formula: 'mean_n corr_{|S|=n}(Σ_{i∈S} A_i, f(x) − f(x∖S))',
  source: 'Ancona et al. 2018, arXiv 1711.06104',
  assumes: 'sets of n features change the output measurably; in large images small random sets change little',
  sensitivity: 'shares: small sets test single features, large ones their interactions',
  parameters: sensitivityParameters as z.core.$ZodType<SensitivityParameters>,
  cost: ({ shares, samples }) => ({ forward: shares.length * samples, backward: 0 }),
  async run(question, { map }, { shares, samples }) {
    const groups = map.values.length;
    const { promised, measured } = await removals(question, map.values, {
      key: `${shares.join()} ${samples}`,
      count: shares.length * samples,
      sizeOf: (k) => setSize(shares[Math.floor(k / samples)], groups),
    });
    const correlations = shares.map((_, n) =>
      pearson(promised.subarray(n * samples, (n + 1) * samples), measured.subarray(n * samples, (n + 1) * samples)),
    );
    const notes = correlations.includes(undefined) ? [uncorrelated] : undefined;
    return { score: meanOf(correlations.map((correlation) => correlation ?? 0)), notes };
  },
};

const correlationParameters = z.strictObject({
  /** Size of the removed sets, as a share of the features. */
  share: z._default(z.number().check(z.gt(0), z.lt(1)), 0.2),
  samples: z._default(z.int().check(z.minimum(3), z.maximum(100_000)), 24),
});

export type CorrelationParameters = z.infer<typeof correlationParameters>;

/** Correlation between promise and measurement for sets of one size. */
export const faithfulnessCorrelation: Metric<CorrelationParameters, 'higher'> = {
  ...correlated,
  title: 'Faithfulness correlation',
  formula: 'corr_{|S|=n}(Σ_{i∈S} A_i, f(x) − f(x∖S))',
  source: 'Bhatt, Weller, Moura 2020, arXiv 2005.00631',
  assumes: 'as sensitivity-n',
  sensitivity: 'share: scores of different sizes are not comparable; samples: the spread falls with their root',
  parameters: correlationParameters as z.core.$ZodType<CorrelationParameters>,
  cost: ({ samples }) => ({ forward: samples, backward: 0 }),
  async run(question, { map }, { share, samples }) {
    const { promised, measured } = await removals(question, map.values, {
      key: `${share} ${samples}`,
      count: samples,
      sizeOf: () => setSize(share, map.values.length),
    });
    const correlation = pearson(promised, measured);
    return { score: correlation ?? 0, notes: correlation === undefined ? [uncorrelated] : undefined };
  },
};

/** Targets smaller than this are noise of float32 arithmetic. */
const smallestTarget = 1e-6;

/** How far the attributions miss the difference that they explain. */
export const attributionError: Metric<Record<string, never>, 'lower'> = {
  title: 'Attribution error (completeness)',
  family: 'additivity',
  judgedBy: 'definition',
  formula: '|ΣA − (f(x) − f(b))| / |f(x) − f(b)|',
  source: 'Sundararajan, Taly, Yan 2017, arXiv 1703.01365 (completeness); as an error after arXiv 2605.22417',
  range: [0, Number.POSITIVE_INFINITY],
  direction: 'lower',
  assumes: 'the method promises shares of the difference from this reference; rates and cut-off maps promise none',
  sensitivity: 'no parameters; the reference decides what the difference is',
  needs: 'map',
  parameters: z.strictObject({}),
  cost: () => noPasses,
  async run(question, { map, sum, difference }) {
    const target = difference ?? question.value - question.referenceValue;
    const total = sum ?? map.values.reduce((all, value) => all + value, 0);
    return {
      score: Math.abs(total - target) / Math.max(Math.abs(target), smallestTarget),
      parts: { target, sum: total },
    };
  },
};

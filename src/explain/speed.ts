import { type Points, pointOf, repeatRows } from '../attribution/points.ts';
import { prepare } from '../attribution/prepare.ts';
import type { Passes, Prepared, WorkOptions } from '../attribution/prepared.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PlannedExplanation } from './plan.ts';

/** Seconds of a forward pass, and of a backward pass beside the forward pass that it needs. */
export interface Speed {
  readonly forward: number;
  readonly backward: number;
}

/** How fast each explanation and the scoring of all go. */
export interface Speeds {
  of(one: Timed): Speed;
  readonly scoring: Speed;
}

/** A duration in seconds: where every adaptive method stops at its first try, and where none does. */
export interface Duration {
  readonly least: number;
  readonly most: number;
}

export type Timed = Pick<PlannedExplanation, 'input' | 'target' | 'explained' | 'layer' | 'least' | 'most'>;

/** Seconds that a run of a trial should take at most, where a single pass takes less. */
const trialSeconds = 0.1;
/** Points of a trial at most. */
const trialPoints = 1024;
/** Points that metrics ask for at once, about. */
const questionPoints = 32;
/** A forward pass that takes so many seconds is tried once for all: more would take longer than it is worth. */
const slowSeconds = 0.5;
/** Backward passes of a slow model, in forward passes. */
const backwardShare = 2;
/** Seconds after which no further layer is tried: the others count as the slowest that was. */
const allTrialsSeconds = 1;

/**
 * How fast the passes of explanations go, by a short trial of what will run: for each layer a run of as many points as
 * take a tenth of a second, and one of as many gradients where some are asked for. A backward pass of a slow model
 * counts as two forward passes.
 * @param isScored whether explanations are scored as well: by passes from the explained inputs on
 * @throws WhereforeError `cancelled`; a trial that fails takes no time, and its explanation says why when it runs
 */
export async function measureSpeeds(
  model: Model,
  planned: readonly Timed[],
  { isScored, ...options }: WorkOptions & { readonly isScored: boolean },
): Promise<Speeds> {
  const byLayer = new Map<string, Timed>();
  for (const one of planned) byLayer.set(keyOf(one), larger(one, byLayer.get(keyOf(one))));
  const began = performance.now();
  const measured = new Map<string, Speed>();
  for (const [key, one] of byLayer) {
    if (measured.size > 0 && performance.now() - began > allTrialsSeconds * 1000) break;
    measured.set(key, await speedOf(model, one, options));
  }
  const slowest = (way: keyof Speed) => [...measured.values()].reduce((most, one) => Math.max(most, one[way]), 0);
  const other: Speed = { forward: slowest('forward'), backward: slowest('backward') };
  const [first] = planned;
  const scored = { ...first, layer: first.explained, most: { forward: questionPoints, backward: 0 } };
  const known = measured.get(keyOf(scored));
  const isSlow = known !== undefined && known.forward >= slowSeconds;
  const scoring = isScored && !isSlow ? await speedOf(model, scored, { ...options, fewSizes: true }) : (known ?? other);
  // Scores of a method that is asked again take its gradients.
  return { of: (one) => measured.get(keyOf(one)) ?? other, scoring: { ...scoring, backward: other.backward } };
}

/** Seconds of so many passes: `forward · s_f + backward · s_b`. */
export function secondsOf({ forward, backward }: Passes, speed: Speed): number {
  return forward * speed.forward + backward * speed.backward;
}

/** How long explanations and the scoring of all of them take together. */
export function durationOf(planned: readonly Timed[], scoring: Passes, speeds: Speeds): Duration {
  const total = (kind: 'least' | 'most') =>
    planned.reduce((sum, one) => sum + secondsOf(one[kind], speeds.of(one)), secondsOf(scoring, speeds.scoring));
  return { least: total('least'), most: total('most') };
}

const keyOf = ({ layer }: Pick<Timed, 'layer'>) => layer.join();

/** The first, with as many passes of each kind as either takes. */
function larger(one: Timed, other: Timed = one): Timed {
  const most = (way: keyof Passes) => Math.max(one.most[way], other.most[way]);
  return { ...other, most: { forward: most('forward'), backward: most('backward') } };
}

async function speedOf(model: Model, { input, target, layer, most }: Timed, options: WorkOptions): Promise<Speed> {
  const prepared = await prepare(model, input.tensors, target, options, layer);
  const timed = async (passes: number, run: (points: Points) => Promise<unknown>) => {
    try {
      return await secondsOfOne(passes, await valuesAt(prepared, layer), run);
    } catch (error) {
      if (error instanceof WhereforeError && error.code !== 'cancelled') return 0;
      throw error;
    }
  };
  const forward = await timed(most.forward, (points) => prepared.evaluate(points));
  if (most.backward === 0) return { forward, backward: 0 };
  if (forward >= slowSeconds) return { forward, backward: backwardShare * forward };
  const wrt = layer.filter((name) => model.types.get(name) === 'float32');
  const both = await timed(most.backward, (points) => prepared.gradient(points, { wrt }));
  return { forward, backward: Math.max(0, both - forward) };
}

async function valuesAt(prepared: Prepared, layer: readonly string[]): Promise<Tensors> {
  const { inputs } = prepared;
  if (layer.every((name) => inputs.has(name))) return new Map(layer.map((name) => [name, inputs.get(name) as Tensor]));
  return (await prepared.evaluate(pointOf(inputs), layer)).values;
}

/** Seconds of one of many points. The first run of each size opens a session and is not counted. */
async function secondsOfOne(
  passes: number,
  values: Tensors,
  run: (points: Points) => Promise<unknown>,
): Promise<number> {
  const seconds = async (count: number) => {
    const points: Points = {
      cut: [...values.keys()],
      count,
      at: (start, end) => new Map([...values].map(([name, tensor]) => [name, repeatRows(tensor, end - start)])),
    };
    await run(points);
    const began = performance.now();
    await run(points);
    return (performance.now() - began) / 1000;
  };
  const alone = await seconds(1);
  // At least two points, unless one takes long: the first batch of more than one is checked against single runs, and
  // that check counts in the cost of an explanation unless the trial has made it. A busy machine must not change it.
  const fitting = alone < slowSeconds ? Math.max(2, Math.floor(trialSeconds / alone)) : 1;
  const count = Math.min(passes, trialPoints, fitting);
  return count > 1 ? (await seconds(count)) / count : alone;
}

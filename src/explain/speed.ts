import { type Points, pointOf, repeatRows } from '../attribution/points.ts';
import { prepare } from '../attribution/prepare.ts';
import type { Passes, Prepared, WorkOptions } from '../attribution/prepared.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import { mostAsMade } from '../runtime/ready-order.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { PlannedExplanation } from './plan.ts';

/** Seconds of a forward pass, and of a backward pass beside the forward pass that it needs. */
export interface Speed {
  readonly forward: number;
  readonly backward: number;
  /** Seconds until graphs of the size that will run are open, once for a layer. Default 0. */
  readonly opening?: number;
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
/** Backward passes of a graph too long to be opened for a trial, in forward passes; and so the opening of its graph. */
const longBackwardShare = 5;
/** Elements that an operator computes in about the time that it takes to start. */
const elementsOfStart = 1000;
/** Sizes that a long graph is opened in for forward passes: two points that are compared with one, and a batch. */
const openedSizes = 2;
/** Seconds after which no further layer is tried: the others count as the slowest that was. */
const allTrialsSeconds = 1;

/**
 * How fast the passes of explanations go, by a short trial of what will run: for each layer a run of as many points as
 * take a tenth of a second, and one of as many gradients where some are asked for. A backward pass of a slow model
 * counts as two forward passes. Of a graph so long that opening it takes longer than its runs, one point is tried: every
 * other size, and the backward pass, would be opened for the trial alone.
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
  const slowest = (part: keyof Speed) =>
    [...measured.values()].reduce((most, one) => Math.max(most, one[part] ?? 0), 0);
  const other = { forward: slowest('forward'), backward: slowest('backward'), opening: slowest('opening') };
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

/** How long explanations and the scoring of all of them take together, with the graphs that have to be opened. */
export function durationOf(planned: readonly Timed[], scoring: Passes, speeds: Speeds): Duration {
  const byLayer = new Map(planned.map((one) => [keyOf(one), speeds.of(one).opening ?? 0]));
  let opening = scoring.forward > 0 ? (speeds.scoring.opening ?? 0) : 0;
  for (const seconds of byLayer.values()) opening += seconds;
  const total = (kind: 'least' | 'most') =>
    planned.reduce(
      (sum, one) => sum + secondsOf(one[kind], speeds.of(one)),
      opening + secondsOf(scoring, speeds.scoring),
    );
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
      if (error instanceof WhereforeError && error.code !== 'cancelled') return { each: 0, opening: 0 };
      throw error;
    }
  };
  const isLong = model.graph.nodes.length > mostAsMade;
  const { each: forward, opening } = await timed(isLong ? 1 : most.forward, (points) => prepared.evaluate(points));
  if (isLong && forward < slowSeconds) {
    const each = forward / (await pointsOfStart(model, input.tensors));
    return most.backward === 0
      ? { forward: each, backward: 0, opening: openedSizes * opening }
      : { forward: each, backward: longBackwardShare * each, opening: (openedSizes + longBackwardShare) * opening };
  }
  if (most.backward === 0) return { forward, backward: 0, opening };
  if (forward >= slowSeconds)
    return { forward, backward: backwardShare * forward, opening: (1 + backwardShare) * opening };
  const wrt = layer.filter((name) => model.types.get(name) === 'float32');
  const both = await timed(most.backward, (points) => prepared.gradient(points, { wrt }));
  // Gradients make their forward passes themselves.
  const apart = most.forward > most.backward ? opening : 0;
  return { forward, backward: Math.max(0, both.each - forward), opening: apart + both.opening };
}

/** How many points in a run take about as long as one, since nearly all of its time is the start of operators. */
async function pointsOfStart({ executor, graph }: Model, inputs: Tensors): Promise<number> {
  const { facts } = await executor.specialise(graph, inputs);
  let elements = 1;
  for (const shape of facts.shapes.values()) elements += sizeOf(shape);
  return Math.min(trialPoints, Math.max(1, (elementsOfStart * graph.nodes.length) / elements));
}

async function valuesAt(prepared: Prepared, layer: readonly string[]): Promise<Tensors> {
  const { inputs } = prepared;
  if (layer.every((name) => inputs.has(name))) return new Map(layer.map((name) => [name, inputs.get(name) as Tensor]));
  return (await prepared.evaluate(pointOf(inputs), layer)).values;
}

/**
 * Seconds of one of many points, and until a graph is open: what the first run of a size takes longer than the second.
 * Batches of a run have another size than those of the trial, and are opened again.
 */
async function secondsOfOne(
  passes: number,
  values: Tensors,
  run: (points: Points) => Promise<unknown>,
): Promise<{ readonly each: number; readonly opening: number }> {
  const seconds = async (count: number) => {
    const points: Points = {
      cut: [...values.keys()],
      count,
      at: (start, end) => new Map([...values].map(([name, tensor]) => [name, repeatRows(tensor, end - start)])),
    };
    const began = performance.now();
    await run(points);
    const between = performance.now();
    await run(points);
    const again = performance.now() - between;
    return { taken: again / 1000, opening: Math.max(0, between - began - again) / 1000 };
  };
  const alone = await seconds(1);
  // At least two points, unless one takes long: the first batch of more than one is checked against single runs, and
  // that check counts in the cost of an explanation unless the trial has made it. A busy machine must not change it.
  const fitting = alone.taken < slowSeconds ? Math.max(2, Math.floor(trialSeconds / alone.taken)) : 1;
  const count = Math.min(passes, trialPoints, fitting);
  if (count <= 1) return { each: alone.taken, opening: alone.opening };
  const { taken, opening } = await seconds(count);
  // Where the trial was as large as the work, what asks for shapes is known already.
  return { each: taken / count, opening: count === passes ? opening / 2 : opening };
}

import { permutation, random } from '../../tensor/random.ts';
import type { UnitGame } from './unit-game.ts';

/** What becomes of f while units are taken away, those that an order names first. */
export interface DeletionCurve {
  readonly name: string;
  /** Units that are gone at each point. */
  readonly deleted: readonly number[];
  readonly values: readonly number[];
  /** Mean of f(x) − f over the points behind the first: how much the order takes away, in nats. */
  readonly drop: number;
  /** Lowest and highest of several random orders at each point. */
  readonly range?: readonly (readonly [low: number, high: number])[];
}

/** Points of a curve; longer prompts lose several units a step. */
const mostPoints = 20;
const randomOrders = 8;

/** Deletes units from the largest score down. */
export async function deletionCurve(
  game: UnitGame,
  name: string,
  scores: ArrayLike<number>,
  { points = mostPoints } = {},
): Promise<DeletionCurve> {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  const deleted = pointsOf(game.units.length, points);
  return curveOf(game, name, deleted, await valuesAlong(game, order, deleted));
}

/** Deletes units in random orders: their mean, with their range. */
export async function randomDeletion(
  game: UnitGame,
  seed: number,
  { points = mostPoints, orders = randomOrders } = {},
): Promise<DeletionCurve> {
  const source = random(seed, 4);
  const deleted = pointsOf(game.units.length, points);
  const runs: Float64Array[] = [];
  for (let r = 0; r < orders; r++)
    runs.push(await valuesAlong(game, Array.from(permutation(game.units.length, source)), deleted));
  const at = (i: number) => runs.map((run) => run[i]);
  const mean = deleted.map((_, i) => at(i).reduce((sum, value) => sum + value, 0) / orders);
  const range = deleted.map((_, i) => {
    const sorted = at(i).sort((a, b) => a - b);
    return [sorted[0], sorted[sorted.length - 1]] as const;
  });
  return { ...curveOf(game, 'random', deleted, mean), range };
}

/** How many words of the answer each unit holds, without case: the trivial way to find what an answer comes from. */
export function lexicalOverlap({ units }: UnitGame, answer: string): number[] {
  const wanted = new Set(wordsIn(answer));
  return units.map(({ text }) => wordsIn(text).filter((word) => wanted.has(word)).length);
}

const wordsIn = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function pointsOf(units: number, most: number): number[] {
  const steps = Math.min(units, most);
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * units) / steps));
}

function valuesAlong(game: UnitGame, order: readonly number[], deleted: readonly number[]): Promise<Float64Array> {
  const sets = deleted.map((count) => {
    const set = new Uint8Array(order.length).fill(1);
    for (const unit of order.slice(0, count)) set[unit] = 0;
    return set;
  });
  return game.values(sets);
}

function curveOf({ full }: UnitGame, name: string, deleted: number[], values: ArrayLike<number>): DeletionCurve {
  const list = Array.from(values);
  const drops = list.slice(1).map((value) => full - value);
  const drop = drops.length === 0 ? 0 : drops.reduce((sum, value) => sum + value, 0) / drops.length;
  return { name, deleted, values: list, drop };
}

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

/** An order in which units are deleted: from the largest score down. */
export interface ScoredOrder {
  readonly name: string;
  readonly scores: ArrayLike<number>;
}

/** Curves that are to be measured: the sets of units that are asked about, and the curves that their values make. */
export interface PlannedCurves {
  readonly sets: readonly Uint8Array[];
  read(values: ArrayLike<number>): DeletionCurve[];
}

/**
 * Plans a curve for each order, and one of random orders: their mean, with their range. All sets of all curves stand in
 * one list, so that those which begin alike, or are the same, are not read twice.
 */
export function plannedCurves(
  { units, full }: Pick<UnitGame, 'units' | 'full'>,
  named: readonly ScoredOrder[],
  seed: number,
  { points = mostPoints, orders = randomOrders } = {},
): PlannedCurves {
  const source = random(seed, 4);
  const deleted = pointsOf(units.length, points);
  const scored = named.map(({ scores }) =>
    Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b),
  );
  const drawn = Array.from({ length: orders }, () => Array.from(permutation(units.length, source)));
  return {
    sets: [...scored, ...drawn].flatMap((order) => setsAlong(order, deleted)),
    read(values) {
      const curve = (c: number) => Array.from(deleted, (_, i) => values[c * deleted.length + i]);
      const found = named.map(({ name }, c) => curveOf(full, name, deleted, curve(c)));
      const at = (i: number) => drawn.map((_, r) => curve(named.length + r)[i]);
      const mean = deleted.map((_, i) => at(i).reduce((sum, value) => sum + value, 0) / orders);
      const range = deleted.map((_, i) => {
        const sorted = at(i).sort((a, b) => a - b);
        return [sorted[0], sorted[sorted.length - 1]] as const;
      });
      return [...found, { ...curveOf(full, 'random', deleted, mean), range }];
    },
  };
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

function setsAlong(order: readonly number[], deleted: readonly number[]): Uint8Array[] {
  return deleted.map((count) => {
    const set = new Uint8Array(order.length).fill(1);
    for (const unit of order.slice(0, count)) set[unit] = 0;
    return set;
  });
}

function curveOf(full: number, name: string, deleted: number[], values: readonly number[]): DeletionCurve {
  const drops = values.slice(1).map((value) => full - value);
  const drop = drops.length === 0 ? 0 : drops.reduce((sum, value) => sum + value, 0) / drops.length;
  return { name, deleted, values, drop };
}

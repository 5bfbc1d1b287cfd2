import { diverse } from './groups.ts';

/** Positions by score, and which are shown. */
export interface ChosenRows {
  readonly proponents: readonly number[];
  readonly opponents: readonly number[];
}

/**
 * The strongest rows of each sign, of copies one: a row that is as near to one that was taken as copies are is left out.
 * @param among rows that may be chosen; default all
 * @param copies groups of rows that are nearly the same
 */
export function chooseRows(
  scores: ArrayLike<number>,
  count: number,
  copies: readonly (readonly number[])[],
  among: (row: number) => boolean = () => true,
): ChosenRows {
  const group = new Map<number, number>();
  for (const [g, rows] of copies.entries()) for (const row of rows) group.set(row, g);
  const alike = (a: number, b: number) => group.has(a) && group.get(a) === group.get(b);
  const order = Array.from({ length: scores.length }, (_, i) => i)
    .filter(among)
    .sort((a, b) => scores[b] - scores[a] || a - b);
  return {
    proponents: diverse(
      order.filter((i) => scores[i] > 0),
      count,
      alike,
    ),
    opponents: diverse(order.filter((i) => scores[i] < 0).reverse(), count, alike),
  };
}

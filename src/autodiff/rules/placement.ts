import type { RuleContext } from '../context.ts';

/** Zeros around a gradient of known rank; nothing emitted where there are none. Counts are per axis, not negative. */
export function padWithZeros(c: RuleContext, g: string, before: readonly number[], after: readonly number[]): string {
  return [...before, ...after].some(Boolean) ? c.op('Pad', [g, c.ints([...before, ...after])]) : g;
}

/** Zeros before and after along one axis. */
export function padAxis(c: RuleContext, g: string, rank: number, axis: number, before: number, after: number): string {
  const along = (count: number) => Array.from({ length: rank }, (_, i) => (i === axis ? count : 0));
  return padWithZeros(c, g, along(before), along(after));
}

/** The part `start ≤ i < end` of one axis. */
export function part(c: RuleContext, a: string, axis: number, start: number, end: number): string {
  return c.op('Slice', [a, c.ints([start]), c.ints([end]), c.ints([axis])]);
}

/** The elements of the given axes in opposite order. */
export function reversed(c: RuleContext, a: string, axes: readonly number[]): string {
  if (axes.length === 0) return a;
  const [last, beforeFirst, step] = [-1, Number.NEGATIVE_INFINITY, -1].map((value) => axes.map(() => value));
  return c.op('Slice', [a, c.ints(last), c.ints(beforeFirst), c.ints(axes), c.ints(step)]);
}

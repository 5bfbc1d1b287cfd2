import { int64, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { padWithZeros, reversed } from './placement.ts';
import { scatterFlat } from './scatter.ts';

/** What a Slice takes of one axis: `start, start + step, …`, `count` of them. */
interface Taken {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/**
 * The gradient of a slice lies where the slice was taken from, zeros elsewhere: reversed where the step is negative,
 * spread out by zeros where it is larger than one, and padded.
 */
export const sliceRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const taken = takenBy(c);
  if (!taken) return [sliceAtRunTime(c, g)];
  if (sizeOf(shape) === 0 || taken.some(({ count }) => count === 0)) return [c.zeros(shape, c.input(0))];
  const backwards = taken.flatMap(({ step, count }, axis) => (step < 0 && count > 1 ? [axis] : []));
  const first = taken.map(({ start, step, count }) => (step < 0 ? start + (count - 1) * step : start));
  const spread = spreadOut(c, reversed(c, g, backwards), taken);
  const after = taken.map(({ step, count }, axis) => shape[axis] - first[axis] - (1 + (count - 1) * Math.abs(step)));
  return [padWithZeros(c, spread, first, after)];
};

/** `step − 1` zeros between neighbours: each element becomes a row of `step`, whose rest is zero; the last rest is cut. */
function spreadOut(c: RuleContext, g: string, taken: readonly Taken[]): string {
  const axes = taken.flatMap(({ step, count }, axis) => (Math.abs(step) > 1 && count > 1 ? [axis] : []));
  if (axes.length === 0) return g;
  const isSpread = (axis: number) => axes.includes(axis);
  const rows = taken.flatMap(({ count }, axis) => (isSpread(axis) ? [count, 1] : [count]));
  const rest = taken.flatMap(({ step }, axis) => (isSpread(axis) ? [0, Math.abs(step) - 1] : [0]));
  const padded = padWithZeros(
    c,
    c.reshape(g, rows),
    rows.map(() => 0),
    rest,
  );
  const flat = taken.map(({ step, count }, axis) => (isSpread(axis) ? count * Math.abs(step) : count));
  const ends = axes.map((axis) => (taken[axis].count - 1) * Math.abs(taken[axis].step) + 1);
  return c.op('Slice', [c.reshape(padded, flat), c.ints(axes.map(() => 0)), c.ints(ends), c.ints(axes)]);
}

/** What is taken of every axis, or undefined where starts, axes or steps are computed from the data. */
function takenBy(c: RuleContext): Taken[] | undefined {
  const known = [1, 3, 4].every((index) => !c.hasInput(index) || c.constant(c.input(index)));
  if (!known) return undefined;
  const shape = c.inputShape(0);
  const starts = c.numbers(1, 'starts') ?? [];
  const axes = c.numbers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = c.numbers(4, 'steps') ?? starts.map(() => 1);
  const taken: Taken[] = shape.map((count) => ({ start: 0, step: 1, count }));
  axes.forEach((named, i) => {
    const axis = (named + shape.length) % shape.length;
    const size = shape[axis];
    const from = starts[i] < 0 ? starts[i] + size : starts[i];
    const start = Math.min(Math.max(from, 0), steps[i] < 0 ? size - 1 : size);
    taken[axis] = { start, step: steps[i], count: c.outputShape()[axis] };
  });
  return taken;
}

/** Slices the positions of the elements in the same way, and scatters to them: works for bounds computed from the data. */
function sliceAtRunTime(c: RuleContext, g: string): string {
  const shape = c.inputShape(0);
  const positions = c.op(
    'Range',
    [0, sizeOf(shape), 1].map((value) => c.constantTensor(int64([], [value]))),
  );
  const sliced = c.op('Slice', [c.reshape(positions, shape), ...c.node.inputs.slice(1)]);
  return scatterFlat(c, g, sliced, shape);
}

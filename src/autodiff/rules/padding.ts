import { intsAttribute, stringAttribute } from '../../onnx/graph.ts';
import { sameShape } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth } from './entry.ts';

/** Padding of every axis, before and behind; negative crops. */
interface Padding {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

function paddingOf(context: RuleContext, rank: number): Padding {
  const pads = context.numbers(1, 'pads') ?? intsAttribute(context.node, 'pads') ?? [];
  const axes = context.numbers(3, 'axes') ?? Array.from({ length: rank }, (_, i) => i);
  const before = new Array<number>(rank).fill(0);
  const behind = new Array<number>(rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    before[axis < 0 ? axis + rank : axis] = pads[i];
    behind[axis < 0 ? axis + rank : axis] = pads[axes.length + i];
  }
  return { before, behind };
}

type Mode = 'reflect' | 'edge' | 'wrap';

/** Position of the input that output position `index` copies, along an axis of `size` elements. */
function sourceOf(index: number, size: number, mode: Mode): number {
  if (mode === 'edge') return Math.min(Math.max(index, 0), size - 1);
  if (mode === 'wrap') return ((index % size) + size) % size;
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((index % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/** A stretch of output positions whose sources go up by one, down by one, or stay. */
interface Run {
  readonly start: number;
  length: number;
  readonly source: number;
  step: -1 | 0 | 1;
}

function runsOf(sources: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const [position, source] of sources.entries()) {
    const run = runs.at(-1);
    const step = run ? source - sources[position - 1] : Number.NaN;
    if (run && (step === -1 || step === 0 || step === 1) && (run.length === 1 || step === run.step)) {
      run.step = step;
      run.length++;
    } else runs.push({ start: position, length: 1, source, step: 1 });
  }
  return runs;
}

/** Along one axis: adds every copied element's gradient to that of the element that it copies. */
function foldAxis(
  context: RuleContext,
  gradient: string,
  rank: number,
  axis: number,
  size: number,
  sources: readonly number[],
): string {
  const pieces = runsOf(sources).map(({ start, length, source, step }) => {
    const at = (value: number) => context.ints([value]);
    const stop = start + length;
    let piece = gradient;
    if (step === -1)
      piece = context.op('Slice', [piece, at(stop - 1), at(start - sources.length - 1), at(axis), at(-1)]);
    else if (length < sources.length) piece = context.op('Slice', [piece, at(start), at(stop), at(axis)]);
    if (step === 0) piece = context.reduceSum(piece, [axis], true);
    const first = step === -1 ? source - length + 1 : source;
    const width = step === 0 ? 1 : length;
    if (width === size) return piece;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = first;
    pads[rank + axis] = size - first - width;
    return context.op('Pad', [piece, context.ints(pads)]);
  });
  if (pieces.length === 1) return pieces[0];
  return context.op(pieces.length === 2 ? 'Add' : 'Sum', pieces);
}

/** Copies of border elements send their gradient back to the element; padding by a constant sends it to the constant. */
const pad: VjpRule = (context, [g]) => {
  if (!g) return [];
  const [shape, padded] = [context.inputShape(0), context.outputShape()];
  const rank = shape.length;
  const { before, behind } = paddingOf(context, rank);
  const mode = stringAttribute(context.node, 'mode', 'constant');
  if (mode !== 'constant') {
    let folded = g;
    for (let axis = 0; axis < rank; axis++) {
      if (before[axis] === 0 && behind[axis] === 0) continue;
      const sources = Array.from({ length: padded[axis] }, (_, i) =>
        sourceOf(i - before[axis], shape[axis], mode as Mode),
      );
      folded = foldAxis(context, folded, rank, axis, shape[axis], sources);
    }
    return [folded];
  }
  const inverse = [...before, ...behind].map((value) => -value);
  const unpadded =
    sameShape(shape, padded) && inverse.every((value) => value === 0)
      ? g
      : context.op('Pad', [g, context.ints(inverse)]);
  return [
    context.needs(0) ? unpadded : undefined,
    undefined,
    context.needs(2) ? valueGradient(context, g, before, behind) : undefined,
  ];
};

/** Σ of the gradient over the padding: over everything, less over what came from the input. */
function valueGradient(context: RuleContext, g: string, before: readonly number[], behind: readonly number[]): string {
  const axes = context.outputShape().map((_, axis) => axis);
  const inside = context.op('Slice', [
    g,
    context.ints(before.map((value) => Math.max(0, value))),
    context.ints(context.outputShape().map((size, axis) => size - Math.max(0, behind[axis]))),
    context.ints(axes),
  ]);
  const sum = context.sub(context.reduceSum(g, axes, false), context.reduceSum(inside, axes, false));
  return context.reshapeTo(sum, [], context.inputShape(2));
}

/** Padding. */
export const padding = {
  Pad: smooth(pad),
} satisfies RuleTable;

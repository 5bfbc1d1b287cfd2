import { intsAttribute } from '../../graph.ts';
import { type Expansion, expressions } from './expression.ts';

/**
 * CenterCropPad: first crops each axis that is too long, then pads each that is too short, in equal parts; an odd
 * one goes to the end.
 */
const centerCropPad: Expansion = (node, to) => {
  const { add, concat, sub } = expressions(to);
  const [x, target] = node.inputs;
  const axes = intsAttribute(node, 'axes');
  const rank = to.rankOf(x);
  if (!axes && rank === undefined) return 'the rank of its input is not known';
  const along = to.ints(axes ?? Array.from({ length: rank as number }, (_, axis) => axis));
  const sizes = to.op('Gather', [to.op('Shape', [x]), along], { axis: 0 });
  const zero = to.ints([0]);
  const wanted = to.op('Cast', [target], { to: 7 });
  const kept = to.op('Min', [sizes, wanted]);
  const start = to.op('Div', [sub(sizes, kept), to.ints([2])]);
  const cropped = to.op('Slice', [x, start, add(start, kept), along]);
  const missing = to.op('Max', [sub(wanted, kept), zero]);
  const before = to.op('Div', [missing, to.ints([2])]);
  to.op('Pad', [cropped, concat([before, sub(missing, before)], 0), '', along], {}, node.outputs[0]);
  return undefined;
};

export const arrangementExpansions: Readonly<Record<string, Expansion>> = { CenterCropPad: centerCropPad };

import { intAttribute, intsAttribute, type Node, type OnnxModel, type ValueInfo } from '../../onnx/graph.ts';
import { lookup } from '../../tensor/lookup.ts';

/** What the three axes of a signal are called, and how that is known. */
export interface SeriesAxes {
  /** In the input's order, e.g. `[batch, channel, time]`. */
  readonly axes: readonly string[];
  readonly reason: string;
}

/** What the axes of an operator's first input are, where the operator itself fixes them. */
const fixedAxes: Readonly<Record<string, { readonly axes: readonly string[]; readonly what: string }>> = {
  Conv: { axes: ['batch', 'channel', 'time'], what: 'a convolution along one axis' },
  GRU: { axes: ['time', 'batch', 'feature'], what: 'a recurrent layer' },
  LSTM: { axes: ['time', 'batch', 'feature'], what: 'a recurrent layer' },
  RNN: { axes: ['time', 'batch', 'feature'], what: 'a recurrent layer' },
};

/** Operators that leave the axes where they are. */
const passing = ['Identity', 'Cast', 'Pad'];

/**
 * The axes of an input of three axes that feeds a convolution or a recurrent layer: both fix which axis is time.
 * Undefined where it feeds something else as well, or two that disagree.
 */
export function guessSeries({ graph }: OnnxModel, { name, shape }: ValueInfo): SeriesAxes | undefined {
  if (shape?.length !== 3) return undefined;
  const found: SeriesAxes[] = [];
  // The order that the graph has brought the axes into: place i of the value is axis order[i] of the input.
  const open: { value: string; order: readonly number[] }[] = [{ value: name, order: [0, 1, 2] }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, order } = next;
    for (const node of graph.nodes.filter(({ op, inputs }) => op !== 'Shape' && inputs.includes(value))) {
      if (node.inputs[0] !== value) return undefined;
      if (node.op === 'Transpose') {
        const permutation = intsAttribute(node, 'perm') ?? [2, 1, 0];
        open.push({ value: node.outputs[0], order: permutation.map((place) => order[place]) });
      } else if (passing.includes(node.op)) open.push({ value: node.outputs[0], order });
      else {
        const fixed = fixedAt(node);
        if (!fixed) return undefined;
        const axes = order.map((_, axis) => fixed.axes[order.indexOf(axis)]);
        found.push({ axes, reason: `the graph begins with ${fixed.what}` });
      }
    }
  }
  const [first, ...others] = found;
  return others.every(({ axes }) => axes.join() === first.axes.join()) ? first : undefined;
}

function fixedAt(node: Node): { readonly axes: readonly string[]; readonly what: string } | undefined {
  const fixed = lookup(fixedAxes, node.op);
  const batchFirst = node.op !== 'Conv' && intAttribute(node, 'layout', 0) === 1;
  return fixed && batchFirst ? { ...fixed, axes: ['batch', 'time', 'feature'] } : fixed;
}

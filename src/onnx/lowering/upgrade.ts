import { WhereforeError } from '../../errors.ts';
import { lookup } from '../../tensor/lookup.ts';
import { describeNode, type Graph, type Node } from '../graph.ts';
import type { LoweringNote } from './notes.ts';
import { type Rewriter, rewriteGraph, type Upgrade } from './rewrite.ts';
import {
  axesInput,
  clip,
  dft,
  dropout,
  gridSample,
  pad,
  roiAlign,
  scatter,
  slice,
  split,
  topK,
} from './upgraders/attributes.ts';
import { batchNormalization, groupNormalization } from './upgraders/normalization.ts';
import { resize, upsample } from './upgraders/resize.ts';
import { coerced } from './upgraders/softmax.ts';

/** The oldest opset that is understood, and the one that older models are raised to. */
export const oldestOpset = 7;
export const lowestOpset = 20;

/** Applies to nodes of opsets below `before`. */
interface Change {
  readonly before: number;
  readonly upgrade: Upgrade;
}

const scan: Upgrade = (node) => {
  throw new WhereforeError('unsupported-model', 'Scan of opset 8 works on batches, which no newer version does', {
    where: describeNode(node),
    fix: 'export the model with opset 9 or newer',
  });
};

const axesSince18 = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'];

/**
 * Every operator of the standard domain whose meaning, or whose way of stating its parameters, changed after opset 7.
 * The changes that are not here are in `unchanged.ts`, each with the reason why a node stays as it is.
 */
export const changes: Readonly<Record<string, Change>> = {
  ...Object.fromEntries(axesSince18.map((kind) => [`Reduce${kind}`, { before: 18, upgrade: axesInput }])),
  ReduceSum: { before: 13, upgrade: axesInput },
  Squeeze: { before: 13, upgrade: axesInput },
  Unsqueeze: { before: 13, upgrade: axesInput },
  Softmax: { before: 13, upgrade: coerced },
  LogSoftmax: { before: 13, upgrade: coerced },
  Hardmax: { before: 13, upgrade: coerced },
  Split: { before: 18, upgrade: split },
  Slice: { before: 10, upgrade: slice },
  Pad: { before: 11, upgrade: pad },
  Clip: { before: 11, upgrade: clip },
  TopK: { before: 10, upgrade: topK },
  Dropout: { before: 12, upgrade: dropout },
  BatchNormalization: { before: 14, upgrade: batchNormalization },
  GroupNormalization: { before: 21, upgrade: groupNormalization },
  Upsample: { before: 10, upgrade: upsample },
  Resize: { before: 13, upgrade: resize },
  Scatter: { before: 11, upgrade: scatter },
  RoiAlign: { before: 16, upgrade: roiAlign },
  GridSample: { before: 20, upgrade: gridSample },
  DFT: { before: 20, upgrade: dft },
  Scan: { before: 9, upgrade: scan },
};

/**
 * The opset that a model of the given standard opset is raised to: 20, or its own when that is newer.
 * @throws WhereforeError `unsupported-model` below opset 7
 */
export function targetOpset(from: number): number {
  if (from < oldestOpset) {
    throw new WhereforeError('unsupported-model', 'the opset of the model is too old', {
      got: `${from}`,
      expected: `${oldestOpset} or newer`,
      fix: `convert it with onnx.version_converter.convert_version(model, ${lowestOpset}), or export it again`,
    });
  }
  return Math.max(from, lowestOpset);
}

/**
 * Rewrites the standard operators of a graph, and of the graphs inside it, from an opset to the meaning that they
 * have since opset 20. All value names stay.
 *
 * @param calls operators that are functions of the model file and so have no version
 */
export function upgradeGraph(
  graph: Graph,
  from: number,
  names: Set<string>,
  notes: LoweringNote[],
  calls: (node: Node) => boolean = () => false,
): Graph {
  const upgrade = (node: Node, to: Rewriter): boolean => {
    if ((node.domain !== '' && node.domain !== 'ai.onnx') || calls(node)) return false;
    const change = lookup(changes, node.op);
    return change !== undefined && from < change.before && change.upgrade(node, to, from);
  };
  return rewriteGraph(graph, upgrade, names, notes);
}

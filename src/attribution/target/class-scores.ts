import { WhereforeError } from '../../errors.ts';
import { type Graph, intAttribute, type Node, producersOf } from '../../onnx/graph.ts';
import { formatShape } from '../../tensor/tensor.ts';
import { checkIndex, flatElement, type Source } from './target-source.ts';

/**
 * The scores of all classes before softmax or sigmoid.
 * @returns the name of a value whose rows hold one element for each class; so do the two below
 */
export function classLogits(source: Source): string {
  const last = finalNode(source.graph, source.output);
  if (last?.op === 'Softmax' || last?.op === 'LogSoftmax' || last?.op === 'Sigmoid') {
    source.notes.push(`the model ends in ${last.op}; the logit is the value before it, "${last.inputs[0]}"`);
    return last.inputs[0];
  }
  if (last?.op.startsWith('Tree')) source.notes.push(`${last.op} computes no logit: explained is the output itself`);
  return source.output;
}

/** The probabilities of all classes: the output itself where the model ends in them, else the softmax of it. */
export function classProbabilities(source: Source): string {
  const { builder, output } = source;
  const last = finalNode(source.graph, output);
  // Ensembles of trees for classification give probabilities, too.
  if (last?.op === 'Softmax' || last?.op === 'Sigmoid' || last?.op.startsWith('TreeEnsemble')) return output;
  if (last?.op === 'LogSoftmax') return builder.op('Exp', [output]);
  source.notes.push(softmaxNote);
  return builder.op('Softmax', [output], { axis: classAxis(source) });
}

/** The logarithms of the probabilities of all classes. */
export function classLogProbabilities(source: Source): string {
  const { builder, output } = source;
  const last = finalNode(source.graph, output);
  if (last?.op === 'LogSoftmax') return output;
  // Numerically better than the logarithm of the output.
  if (last?.op === 'Softmax')
    return builder.op('LogSoftmax', [last.inputs[0]], { axis: intAttribute(last, 'axis', -1) });
  if (last?.op === 'Sigmoid') return builder.op('Log', [output]);
  source.notes.push(softmaxNote);
  return builder.op('LogSoftmax', [output], { axis: classAxis(source) });
}

const softmaxNote = 'the model gives scores; the probability is their softmax';

/**
 * The element of a class, shape [batch], of a value that has one for each class of the output.
 * @throws WhereforeError `out-of-range`; `invalid-argument` where the output has no single axis of classes
 */
export function classElement(source: Source, value: string, index: number): string {
  checkIndex(source, index, source.shape[classAxis(source) - 1] ?? 1, 'class');
  return flatElement(source, value, index);
}

/** The axis of the output along which it tells classes apart; 1 where there is one number. */
function classAxis(source: Source): number {
  const axes = source.shape.flatMap((size, axis) => (size > 1 ? [axis + 1] : []));
  if (axes.length > 1) {
    throw new WhereforeError('invalid-argument', `output "${source.output}" has no single axis of classes`, {
      got: `${formatShape(source.shape)} for each input`,
      fix: 'name what to explain: detection:CLASS of a detector, region:CLASS of a segmentation, token:ID of a language model, or one element, OUTPUT[i,j]',
    });
  }
  return axes[0] ?? 1;
}

/** Nodes that only rename or regroup elements, so that element i of a row stays element i. */
const regrouping: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** The last node before an output that computes something, seen through reshapes. */
export function finalNode(graph: Graph, output: string): Node | undefined {
  const producers = producersOf(graph);
  let node = producers.get(output);
  while (node && regrouping.has(node.op)) node = producers.get(node.inputs[0]);
  return node;
}

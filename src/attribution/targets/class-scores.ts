import { WhereforeError } from '../../errors.ts';
import { intAttribute, type Node } from '../../onnx/graph.ts';
import { formatShape, int64, sizeOf } from '../../tensor/tensor.ts';
import { finalNode, scaleOf } from './scale.ts';
import { isSingle, type OfClass, singleScore } from './single-score.ts';
import { checkIndex, flatElement, hasBatchAxis, type Source, tensorInput, withBatch } from './target-source.ts';

/**
 * The score of a class before softmax or sigmoid, shape [batch]. Of log-softmax it is the output itself: its softmax is
 * that of what stands before, and it is what the model says.
 */
export function classLogit(source: Source, target: OfClass): string {
  const { graph, output, notes } = source;
  const scale = scaleOf(graph, output, target.scale);
  const last = finalNode(graph, output);
  if (isSingle(source)) return singleScore(source, scale, 'logit', target);
  if (last && (scale === 'softmax' || scale === 'sigmoid')) {
    notes.push(`the model ends in ${last.op}; the logit is the value before it, "${last.inputs[0]}"`);
    return classElement(source, withBatch(source, last.inputs[0]).rows, target.class);
  }
  if (scale === 'log-softmax') {
    notes.push(
      'the model gives log-probabilities, and explained is the output itself; difference:A,B compares two classes where it is saturated',
    );
  }
  if (scale === 'probabilities') {
    notes.push(`${last?.op} computes no logit: explained is the output itself; log-odds:CLASS explains its log-odds`);
  }
  return classElement(source, source.scores, target.class);
}

/** The probability of a class, shape [batch]: the output itself where the model ends in them, else the softmax of it. */
export function classProbability(source: Source, target: OfClass): string {
  const { builder, graph, output } = source;
  const scale = scaleOf(graph, output, target.scale);
  if (isSingle(source)) return singleScore(source, scale, 'probability', target);
  if (scale === 'log-softmax') return classElement(source, builder.op('Exp', [source.scores]), target.class);
  if (scale === 'independent') {
    source.notes.push(sigmoidNote);
    return builder.op('Sigmoid', [classElement(source, source.scores, target.class)]);
  }
  if (scale !== 'scores') return classElement(source, source.scores, target.class);
  source.notes.push(softmaxNote);
  return classElement(source, builder.op('Softmax', [source.scores], { axis: classAxis(source) }), target.class);
}

/** The logarithm of the probability of a class, shape [batch]. */
export function classLogProbability(source: Source, target: OfClass): string {
  const { builder, graph, output } = source;
  const scale = scaleOf(graph, output, target.scale);
  if (isSingle(source)) return singleScore(source, scale, 'log-probability', target);
  const last = finalNode(graph, output);
  if (scale === 'log-softmax') return classElement(source, source.scores, target.class);
  if (scale === 'probabilities') return builder.op('Log', [classElement(source, source.scores, target.class)]);
  // Numerically better than the logarithm of the output.
  if (last && scale === 'softmax') return classElement(source, logSoftmaxOf(source, last), target.class);
  if (last && (scale === 'sigmoid' || scale === 'independent')) {
    if (scale === 'independent') source.notes.push(sigmoidNote);
    const logits = scale === 'sigmoid' ? withBatch(source, last.inputs[0]).rows : source.scores;
    const logit = classElement(source, logits, target.class);
    return builder.op('Neg', [builder.op('Softplus', [builder.op('Neg', [logit])])]);
  }
  source.notes.push(softmaxNote);
  return classElement(source, builder.op('LogSoftmax', [source.scores], { axis: classAxis(source) }), target.class);
}

/**
 * The log-odds of a class, shape [batch]: `log p / (1 − p)`, or against another one `log p_a − log p_b`.
 *
 * Of softmax scores z they are `z_c − log Σ_{j≠c} exp z_j` and `z_a − z_b`, which no probability near 0 or 1 rounds off.
 */
export function classLogOdds(source: Source, target: OfClass & { readonly against?: number }): string {
  const { builder, graph, output } = source;
  const scale = scaleOf(graph, output, target.scale);
  const { class: index, against } = target;
  if (isSingle(source) && against === undefined) return singleScore(source, scale, 'log-odds', target);
  const last = finalNode(graph, output);
  if (against !== undefined) {
    const of = (one: number) => classLogProbability(source, { ...target, class: one, binary: true });
    const [a, b] = [of(index), of(against)];
    return builder.op('Sub', [a, b]);
  }
  if (scale === 'independent') return classElement(source, source.scores, index);
  if (last && scale === 'sigmoid') return classElement(source, withBatch(source, last.inputs[0]).rows, index);
  const scores = last && scale === 'softmax' ? withBatch(source, last.inputs[0]).rows : source.scores;
  const own = classElement(source, scores, index);
  const others = otherClasses(source, scores, index);
  const axes = builder.ints([1]);
  if (scale === 'probabilities') {
    const rest = builder.op('ReduceSum', [others, axes], { keepdims: 0 });
    return builder.op('Sub', [builder.op('Log', [own]), builder.op('Log', [rest])]);
  }
  if (scale === 'scores') source.notes.push(softmaxNote);
  return builder.op('Sub', [own, builder.op('ReduceLogSumExp', [others, axes], { keepdims: 0 })]);
}

const softmaxNote = 'the model gives scores; the probability is their softmax';
const sigmoidNote = 'the model gives scores; the probability of each class is the sigmoid of its own';

/** The scores of all classes but one, [batch, classes − 1]; which they are is an input, so that classes share a graph. */
function otherClasses(source: Source, value: string, index: number): string {
  const { builder } = source;
  const count = sizeOf(source.shape);
  const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== index);
  const positions = tensorInput(source, 'others', int64([count - 1], others));
  return builder.op('Gather', [builder.op('Flatten', [value], { axis: 1 }), positions], { axis: 1 });
}

/** The logarithm of a softmax that the model ends in. */
function logSoftmaxOf(source: Source, softmax: Node): string {
  const [inner] = softmax.inputs;
  const axis = intAttribute(softmax, 'axis', -1);
  const isShifted = axis >= 0 && !hasBatchAxis(source.facts.shapes.get(inner) ?? []);
  return source.builder.op('LogSoftmax', [withBatch(source, inner).rows], { axis: isShifted ? axis + 1 : axis });
}

/**
 * The element of a class, shape [batch], of a value that has one for each class of the output.
 * @throws WhereforeError `out-of-range`; `invalid-argument` where the output has no single axis of classes
 */
function classElement(source: Source, value: string, index: number): string {
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

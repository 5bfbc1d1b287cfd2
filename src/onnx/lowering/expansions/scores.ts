import { lookup } from '../../../tensor/lookup.ts';
import { int64, tensor } from '../../../tensor/tensor.ts';
import { intsAttribute, type Node, stringsAttribute } from '../../graph.ts';
import { toInt64 } from '../../int64.ts';
import type { Rewriter } from '../rewrite.ts';
import { expressions } from './expression.ts';

// What the classical classifiers and regressors of ai.onnx.ml do with their scores [batch, classes], as the runtime does.

/** √2 · erf⁻¹(2s − 1), by the approximation that the runtime has (Winitzki 2008, a = 0.147). */
function probit(s: string, to: Rewriter): string {
  const { add, mul, sqrt, sub } = expressions(to);
  const number = (value: number) => to.scalar(value);
  const x = sub(mul(number(2), s), number(1));
  const log = to.op('Log', [mul(sub(number(1), x), add(number(1), x))]);
  const half = add(number(2 / (Math.PI * 0.147)), mul(number(0.5), log));
  const inner = sub(sqrt(sub(mul(half, half), mul(number(1 / 0.147), log))), half);
  return mul(
    number(Math.SQRT2),
    mul(to.op('Where', [to.op('Less', [x, number(0)]), number(-1), number(1)]), sqrt(inner)),
  );
}

/** Softmax among the scores that are not (nearly) 0; the others stay near 0. */
function softmaxZero(s: string, to: Rewriter): string {
  const { div, mul, sub } = expressions(to);
  const largest = to.op('ReduceMax', [s, to.ints([1])]);
  const isNear = to.op('LessOrEqual', [to.op('Abs', [s]), to.scalar(1e-7)]);
  const exponentials = to.op('Exp', [sub(s, largest)]);
  const total = to.op('ReduceSum', [to.op('Where', [isNear, to.scalar(0), exponentials]), to.ints([1])]);
  const small = mul(s, to.op('Exp', [to.op('Neg', [largest])]));
  return div(to.op('Where', [isNear, small, exponentials]), total);
}

type Transform = (scores: string, to: Rewriter) => string;

/** By the name that the attribute `post_transform` has. */
const transforms: Readonly<Record<string, Transform>> = {
  NONE: (scores) => scores,
  SOFTMAX: (scores, to) => to.op('Softmax', [scores], { axis: 1 }),
  LOGISTIC: (scores, to) => expressions(to).sigmoid(scores),
  SOFTMAX_ZERO: softmaxZero,
  PROBIT: probit,
};

/** The transform of several scores; of one, the runtime applies PROBIT alone. */
export function transformOf(name: string, scores: number): Transform | undefined {
  return scores > 1 || name === 'PROBIT' ? lookup(transforms, name) : transforms.NONE;
}

/**
 * Both columns of two classes from the score of the second. Without a logistic the first is 1 − s, or −s where
 * `opposite` says so, as in the runtime.
 */
export function bothColumns(score: string, transform: string, opposite: boolean, output: string, to: Rewriter): void {
  const { concat, sigmoid, sub } = expressions(to);
  const negative = to.op('Neg', [score]);
  if (transform === 'LOGISTIC') concat([sigmoid(negative), sigmoid(score)], 1, output);
  else concat([opposite ? negative : sub(to.scalar(1), score), score], 1, output);
}

/** Names of the classes of a classifier: texts, else numbers; undefined where it has neither. */
export function classLabels(node: Node): readonly (string | number)[] | undefined {
  return stringsAttribute(node, 'classlabels_strings') ?? intsAttribute(node, 'classlabels_ints');
}

/** The label of each class number in `classes` [batch]. */
export function nameClasses(labels: readonly (string | number)[], classes: string, output: string, to: Rewriter): void {
  const table =
    typeof labels[0] === 'string'
      ? tensor('string', [labels.length], labels as string[])
      : int64([labels.length], (labels as number[]).map(toInt64));
  expressions(to).gather(to.constant(table), classes, 0, output);
}

/** 1 where a condition [batch, 1] holds, else 0, as class numbers [batch]. */
export function secondWhere(condition: string, to: Rewriter): string {
  const { cast, reshape } = expressions(to);
  return reshape(cast(condition, 'int64'), [-1]);
}

/** The number of the largest score of each row, the first of equal ones. */
export const largestClass = (scores: string, to: Rewriter): string =>
  to.op('ArgMax', [scores], { axis: 1, keepdims: 0 });

import { WhereforeError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { codeOfDataType } from '../onnx/types.ts';
import { type DataType, float32, formatShape, int64, sameShape, type Tensor } from '../tensor/tensor.ts';

/** What training minimises, as plain data. */
export type Loss =
  /**
   * `−log softmax(x)_y` over the last axis; targets are classes (int64) of the output's shape without that axis.
   * A sample with several targets (tokens) contributes each of them.
   */
  | {
      readonly kind: 'cross-entropy';
      /** One weight a class; the mean is weighted by the weight of the target. Default all 1. */
      readonly classWeights?: readonly number[];
      /** The target distribution is `1 − ε` on the target plus `ε` spread over all classes. Default 0. */
      readonly labelSmoothing?: number;
      /** Targets with this value do not count (padding of texts). Default: every target counts. */
      readonly ignore?: number;
    }
  /** `(x − y)²`, the mean over a sample's elements; targets are float32 of the output's shape. */
  | { readonly kind: 'mean-squared-error' }
  /**
   * `(1 − y)·x + (1 + (p − 1)·y)·log(1 + e⁻ˣ)`, the mean over a sample's elements: cross-entropy of y against σ(x).
   * Targets are float32 in [0, 1], of the output's shape.
   */
  | {
      readonly kind: 'binary-cross-entropy';
      /** Weight p of the positive side. Default 1. */
      readonly positiveWeight?: number;
    }
  /** `Σ q·(log q − log softmax(x))` over the last axis; targets are float32 distributions of the output's shape. */
  | { readonly kind: 'kl-divergence' }
  /** The output is itself the loss of each sample, shape `[N]`; there are no targets: float32 of shape `[N, 0]`. */
  | { readonly kind: 'output' };

/** Names of values, one element a sample. */
export interface PerSample {
  /** Loss, summed over what a sample contributes. */
  readonly loss: string;
  /** How much a sample counts: the total loss is `Σ s·loss / Σ s·mass` with sample weights s. */
  readonly mass: string;
  /** How many of the sample's predictions are right and how many it has; absent where right and wrong mean nothing. */
  readonly correct?: { readonly hits: string; readonly count: string };
}

/** One kind of loss. */
export interface LossRule<K extends Loss['kind']> {
  readonly targetType: DataType;
  /** Shape of the targets for an output of this shape. */
  readonly targetShape: (output: readonly number[]) => readonly number[];
  /** Appends the nodes of the loss. */
  readonly append: (
    builder: GraphBuilder,
    loss: Extract<Loss, { kind: K }>,
    output: string,
    target: string,
  ) => PerSample;
}

/** Every loss. */
export const losses: { readonly [K in Loss['kind']]: LossRule<K> } = {
  'cross-entropy': {
    targetType: 'int64',
    targetShape: (output) => output.slice(0, -1),
    append(builder, loss, output, target) {
      const { labelSmoothing = 0, classWeights, ignore } = loss;
      const counted =
        ignore === undefined
          ? undefined
          : builder.op('Not', [builder.op('Equal', [target, builder.scalar(ignore, 'int64')])]);
      // An ignored target need not be a class: it stands for class 0 with weight 0.
      const label = counted ? builder.op('Where', [counted, target, builder.scalar(0, 'int64')]) : target;
      const cost = builder.op('Neg', [builder.op('LogSoftmax', [output], { axis: -1 })]);
      const classes = builder.op('Gather', [builder.op('Shape', [output]), builder.constant(int64([1], [-1]))]);
      const oneHot = builder.op('OneHot', [label, classes, builder.constant(float32([2], [0, 1]))], { axis: -1 });
      const weights = classWeights && builder.constant(float32([classWeights.length], classWeights));
      const weighted = weights ? builder.op('Mul', [cost, weights]) : cost;
      let element = overLast(builder, 'ReduceSum', builder.op('Mul', [weighted, oneHot]));
      if (labelSmoothing > 0) {
        const even = overLast(builder, 'ReduceMean', weighted);
        const sharp = builder.op('Mul', [element, builder.scalar(1 - labelSmoothing)]);
        element = builder.op('Add', [sharp, builder.op('Mul', [even, builder.scalar(labelSmoothing)])]);
      }
      const one = overLast(builder, 'ReduceSum', oneHot);
      let mass = weights ? overLast(builder, 'ReduceSum', builder.op('Mul', [oneHot, weights])) : one;
      let count = one;
      const predicted = builder.op('ArgMax', [output], { axis: -1, keepdims: 0 });
      let hits = asFloat(builder, builder.op('Equal', [predicted, label]));
      if (counted)
        [element, mass, count, hits] = [element, mass, count, hits].map((name) =>
          builder.op('Mul', [name, asFloat(builder, counted)]),
        );
      const [loss_, mass_, hits_, count_] = [element, mass, hits, count].map((name) =>
        overSample(builder, 'ReduceSum', name),
      );
      return { loss: loss_, mass: mass_, correct: { hits: hits_, count: count_ } };
    },
  },
  'mean-squared-error': {
    targetType: 'float32',
    targetShape: (output) => output,
    append(builder, _, output, target) {
      const difference = builder.op('Sub', [output, target]);
      const loss = overSample(builder, 'ReduceMean', builder.op('Mul', [difference, difference]));
      return { loss, mass: onesLike(builder, loss) };
    },
  },
  'binary-cross-entropy': {
    targetType: 'float32',
    targetShape: (output) => output,
    append(builder, { positiveWeight = 1 }, output, target) {
      const one = builder.scalar(1);
      const linear = builder.op('Mul', [builder.op('Sub', [one, target]), output]);
      const softplus = builder.op('Softplus', [builder.op('Neg', [output])]);
      const weight = builder.op('Add', [one, builder.op('Mul', [target, builder.scalar(positiveWeight - 1)])]);
      const element = builder.op('Add', [
        linear,
        positiveWeight === 1 ? softplus : builder.op('Mul', [weight, softplus]),
      ]);
      const loss = overSample(builder, 'ReduceMean', element);
      const predicted = builder.op('Greater', [output, builder.scalar(0)]);
      const actual = builder.op('Greater', [target, builder.scalar(0.5)]);
      const hits = overSample(builder, 'ReduceMean', asFloat(builder, builder.op('Equal', [predicted, actual])));
      const mass = onesLike(builder, loss);
      return { loss, mass, correct: { hits, count: mass } };
    },
  },
  'kl-divergence': {
    targetType: 'float32',
    targetShape: (output) => output,
    append(builder, _, output, target) {
      // q·log q is 0 at q = 0, where the logarithm is not finite.
      const positive = builder.op('Greater', [target, builder.scalar(0)]);
      const logTarget = builder.op('Log', [builder.op('Where', [positive, target, builder.scalar(1)])]);
      const difference = builder.op('Sub', [logTarget, builder.op('LogSoftmax', [output], { axis: -1 })]);
      const element = overLast(builder, 'ReduceSum', builder.op('Mul', [target, difference]));
      const best = (name: string) => builder.op('ArgMax', [name], { axis: -1, keepdims: 0 });
      const agree = asFloat(builder, builder.op('Equal', [best(output), best(target)]));
      const loss = overSample(builder, 'ReduceSum', element);
      const hits = overSample(builder, 'ReduceMean', agree);
      const mass = onesLike(builder, loss);
      return { loss, mass, correct: { hits, count: mass } };
    },
  },
  output: {
    targetType: 'float32',
    targetShape: (output) => [output[0], 0],
    append: (builder, _, output) => ({ loss: output, mass: onesLike(builder, output) }),
  },
};

/** Appends the nodes of a loss. */
export function appendLoss(builder: GraphBuilder, loss: Loss, output: string, target: string): PerSample {
  // The table's rule and the loss have the same kind, which the type of a lookup cannot say.
  return (losses[loss.kind] as LossRule<Loss['kind']>).append(builder, loss as never, output, target);
}

/** @throws WhereforeError `wrong-type` or `wrong-shape` when the targets do not fit the loss and the output. */
export function checkTargets(loss: Loss, output: readonly number[], targets: Tensor): void {
  const { targetType, targetShape } = losses[loss.kind];
  const expected = targetShape(output);
  if (targets.type !== targetType || !sameShape(targets.shape, expected)) {
    throw new WhereforeError(targets.type === targetType ? 'wrong-shape' : 'wrong-type', `targets of ${loss.kind}`, {
      got: `${targets.type} ${formatShape(targets.shape)}`,
      expected: `${targetType} ${formatShape(expected)}`,
    });
  }
  if (loss.kind !== 'cross-entropy') return;
  const classes = output[output.length - 1];
  if (loss.classWeights && loss.classWeights.length !== classes) {
    throw new WhereforeError('wrong-shape', 'class weights', {
      got: `${loss.classWeights.length}`,
      expected: `${classes}, one a class`,
    });
  }
  for (const label of targets.data as BigInt64Array) {
    if (Number(label) !== loss.ignore && (label < 0n || label >= BigInt(classes))) {
      throw new WhereforeError('out-of-range', 'a target is not a class of the model', {
        got: `${label}`,
        expected: `0 to ${classes - 1}`,
      });
    }
  }
}

const overLast = (builder: GraphBuilder, op: string, name: string) =>
  builder.op(op, [name, builder.ints([-1])], { keepdims: 0 });

/** Reduces everything but the first axis. */
function overSample(builder: GraphBuilder, op: string, name: string): string {
  return overLast(builder, op, builder.op('Flatten', [name], { axis: 1 }));
}

const asFloat = (builder: GraphBuilder, name: string) => builder.op('Cast', [name], { to: codeOfDataType.float32 });

const onesLike = (builder: GraphBuilder, name: string) =>
  builder.op('ConstantOfShape', [builder.op('Shape', [name])], { value: float32([1], [1]) });

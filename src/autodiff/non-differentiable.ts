import type { OperatorsWith, operators } from '../onnx/operators.ts';
/** An operator without a derivative: the gradient is zero everywhere, or there is none and the reader is told what to use. */
export type NonDifferentiable =
  | { readonly gradient: 'zero'; readonly why: string }
  | { readonly gradient: 'refused'; readonly why: string; readonly fix: string };

const zero = (why: string) => ({ gradient: 'zero', why }) as const;
const refused = (why: string, fix: string) => ({ gradient: 'refused', why, fix }) as const;

const piecewiseConstant = zero('piecewise constant: its gradient is zero wherever it exists');
const integers = zero('its output is indices, sizes or truth values: no gradient flows through it');
const trees = refused(
  'an ensemble of trees is piecewise constant, its gradient would be zero everywhere and say nothing',
  'use a method that needs only outputs: --method occlusion',
);
const categories = refused(
  'a column of categories has no derivative: a category is not a number that moves',
  'use a method that needs only outputs: --method occlusion, or explain a layer behind this node',
);
const loops = refused(
  'its iterations are too many to be copied one by one, or their number is not known',
  'explain a layer behind this node, or use --method occlusion',
);
const sequences = refused(
  'the length of a sequence or a position in it depends on the data, or it holds maps',
  'explain the tensor before this node, or use --method occlusion',
);

/** The same reason for several operators. */
function each<const K extends string, V>(keys: readonly K[], reason: V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, reason])) as Record<K, V>;
}

type Reasons = {
  readonly [K in OperatorsWith<'zero' | 'refused'>]: Extract<
    NonDifferentiable,
    { readonly gradient: (typeof operators)[K]['gradient'] }
  >;
};

/**
 * Operators that have no rule because they have no derivative: those that the table of operators lists as such. A missing
 * operator here and in the rules is an error that names it.
 */
export const nonDifferentiable: Reasons = {
  ...each(['Sign', 'Floor', 'Ceil', 'Round', 'Hardmax', 'Bernoulli'], piecewiseConstant),
  ...each(['ArgMax', 'ArgMin', 'NonZero', 'Shape', 'Size', 'NonMaxSuppression', 'EyeLike'], integers),
  ...each(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not'], integers),
  ...each(['IsNaN', 'IsInf', 'RandomNormalLike', 'RandomUniformLike', 'Multinomial'], integers),
  ...each(['ai.onnx.ml.TreeEnsemble', 'ai.onnx.ml.TreeEnsembleClassifier', 'ai.onnx.ml.TreeEnsembleRegressor'], trees),
  ...each(
    ['ai.onnx.ml.LabelEncoder', 'ai.onnx.ml.OneHotEncoder', 'ai.onnx.ml.CategoryMapper', 'ai.onnx.ml.DictVectorizer'],
    categories,
  ),
  MaxRoiPool: refused(
    'its bins follow from regions rounded to whole elements',
    'export the model with RoiAlign, or explain a layer behind this node',
  ),
  ...each(['Loop', 'Scan'], loops),
  If: refused('its condition is not known', 'explain a layer behind this node, or use --method occlusion'),
  ...each(['SequenceAt', 'SequenceConstruct', 'SequenceInsert', 'SequenceErase', 'SequenceLength'], sequences),
  ...each(['SequenceEmpty', 'SequenceMap', 'SplitToSequence', 'ConcatFromSequence'], sequences),
  ...each(['ai.onnx.ml.ZipMap', 'Optional', 'OptionalGetElement'], sequences),
};

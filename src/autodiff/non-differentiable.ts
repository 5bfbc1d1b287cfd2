/** An operator without a derivative: the gradient is zero everywhere, or there is none and the reader is told what to use. */
export type NonDifferentiable =
  | { readonly gradient: 'zero'; readonly why: string }
  | { readonly gradient: 'refused'; readonly why: string; readonly fix: string };

const zero = (why: string): NonDifferentiable => ({ gradient: 'zero', why });
const refused = (why: string, fix: string): NonDifferentiable => ({ gradient: 'refused', why, fix });

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

/** Operators that have no rule because they have no derivative. A missing operator here and in the rules is an error that names it. */
export const nonDifferentiable: Readonly<Record<string, NonDifferentiable>> = {
  ...Object.fromEntries(
    ['Sign', 'Floor', 'Ceil', 'Round', 'Hardmax', 'Bernoulli'].map((op) => [op, piecewiseConstant]),
  ),
  ...Object.fromEntries(
    [
      'ArgMax',
      'ArgMin',
      'NonZero',
      'Shape',
      'Size',
      'Equal',
      'Greater',
      'GreaterOrEqual',
      'Less',
      'LessOrEqual',
      'And',
      'Or',
      'Xor',
      'Not',
      'IsNaN',
      'IsInf',
      'NonMaxSuppression',
      'EyeLike',
      'RandomNormalLike',
      'RandomUniformLike',
      'Multinomial',
    ].map((op) => [op, integers]),
  ),
  ...Object.fromEntries(
    ['TreeEnsemble', 'TreeEnsembleClassifier', 'TreeEnsembleRegressor'].map((op) => [`ai.onnx.ml.${op}`, trees]),
  ),
  ...Object.fromEntries(
    ['LabelEncoder', 'OneHotEncoder', 'CategoryMapper', 'DictVectorizer'].map((op) => [`ai.onnx.ml.${op}`, categories]),
  ),
  MaxRoiPool: refused(
    'its bins follow from regions rounded to whole elements',
    'export the model with RoiAlign, or explain a layer behind this node',
  ),
  Loop: loops,
  Scan: loops,
  If: refused('its condition is not known', 'explain a layer behind this node, or use --method occlusion'),
  ...Object.fromEntries(
    [
      'SequenceAt',
      'SequenceConstruct',
      'SequenceInsert',
      'SequenceErase',
      'SequenceLength',
      'SequenceEmpty',
      'SequenceMap',
      'SplitToSequence',
      'ConcatFromSequence',
      'ai.onnx.ml.ZipMap',
      'Optional',
      'OptionalGetElement',
    ].map((op) => [op, sequences]),
  ),
};

import { lookup } from '../tensor/lookup.ts';

/** What an operator does to elements, whatever its attributes say; what a trait does not name, the operator is not. */
export interface OperatorTraits {
  /**
   * Where its derivative comes from: a rule of `autodiff/rules`; it is zero, or refused, as `nonDifferentiable` says; or the
   * operator is lowered to others or to a constant before a gradient is asked for (where it is not, it has none).
   */
  readonly gradient: 'rule' | 'zero' | 'refused' | 'lowered';
  /**
   * Its output holds elements of its inputs as they are: in the same order; each once at another place; some of them,
   * some more than once; those of several inputs, or constants between them.
   */
  readonly moves?: 'order' | 'permutation' | 'selection' | 'joining';
  /** The elements may change their type on the way. */
  readonly converts?: true;
  /** A function of one element (with parameters, perhaps). */
  readonly elementwise?: true;
  /** An activation that is cut or flattened on one side. */
  readonly rectifier?: true;
  /** A function of several inputs' elements at the same place, which are repeated to one shape. */
  readonly broadcasts?: true;
  /** Linear in one varying input while the others are constant, or in each of two that vary. */
  readonly linear?: 'one' | 'each';
  /** Element by element of the result a sum of products of the first two inputs. */
  readonly sumOfProducts?: true;
  /** The largest element of several. */
  readonly maximum?: true;
  /** Its constants are learnt. */
  readonly parametric?: true;
  /** Reads the shape of its input, not its elements. */
  readonly readsShape?: true;
  /** Draws at random, so that it is never a constant. */
  readonly random?: true;
  /** Makes constants only: shapes, ranges, masks. */
  readonly makesConstants?: true;
  /** The shape of its output depends on elements. */
  readonly dataDependentShape?: true;
  /** Every element of its output hangs on the range of the whole input: rows of a batch change each other. */
  readonly mixesRows?: true;
  /** Says what becomes of a missing value (NaN). */
  readonly handlesMissing?: true;
  /** Element type of its outputs, where that does not follow from an input: truth values, sizes or indices. */
  readonly output?: 'bool' | 'int64';
  /** Its outputs have as many axes as its first input. */
  readonly rank?: 'same';
}

/**
 * Every operator that something here depends on, by its key. Lists of operators elsewhere are questions to this table;
 * rules and reasons are typed by it, so that one that is missing does not compile.
 */
export const operators = {
  // Move elements.
  Identity: { gradient: 'rule', moves: 'order', rank: 'same' },
  Reshape: { gradient: 'rule', moves: 'order' },
  Flatten: { gradient: 'rule', moves: 'order' },
  Squeeze: { gradient: 'rule', moves: 'order' },
  Unsqueeze: { gradient: 'rule', moves: 'order' },
  Dropout: { gradient: 'rule', moves: 'order', rank: 'same' },
  Cast: { gradient: 'rule', moves: 'order', converts: true, rank: 'same' },
  CastLike: { gradient: 'rule', moves: 'order', converts: true, rank: 'same' },
  Transpose: { gradient: 'rule', moves: 'permutation', rank: 'same' },
  DepthToSpace: { gradient: 'rule', moves: 'permutation', rank: 'same' },
  SpaceToDepth: { gradient: 'rule', moves: 'permutation', rank: 'same' },
  ReverseSequence: { gradient: 'rule', moves: 'permutation' },
  Slice: { gradient: 'rule', moves: 'selection', rank: 'same' },
  Split: { gradient: 'rule', moves: 'selection', rank: 'same' },
  Gather: { gradient: 'rule', moves: 'selection', parametric: true },
  GatherElements: { gradient: 'rule', moves: 'selection' },
  GatherND: { gradient: 'rule', moves: 'selection' },
  Expand: { gradient: 'rule', moves: 'selection' },
  Tile: { gradient: 'rule', moves: 'selection', rank: 'same' },
  Concat: { gradient: 'rule', moves: 'joining', rank: 'same' },
  Where: { gradient: 'rule', moves: 'joining', broadcasts: true },
  Pad: { gradient: 'rule', moves: 'joining', rank: 'same' },
  Trilu: { gradient: 'rule', moves: 'joining', rank: 'same' },
  ScatterElements: { gradient: 'rule', moves: 'joining', rank: 'same' },
  ScatterND: { gradient: 'rule', moves: 'joining', rank: 'same' },
  // Functions of one element.
  Relu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  LeakyRelu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  PRelu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  Elu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  Selu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  Celu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  Clip: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  ThresholdedRelu: { gradient: 'rule', elementwise: true, rectifier: true, rank: 'same' },
  Gelu: { gradient: 'rule', elementwise: true, rank: 'same' },
  Mish: { gradient: 'rule', elementwise: true, rank: 'same' },
  HardSigmoid: { gradient: 'rule', elementwise: true, rank: 'same' },
  HardSwish: { gradient: 'rule', elementwise: true, rank: 'same' },
  Sigmoid: { gradient: 'rule', elementwise: true, rank: 'same' },
  Tanh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Softplus: { gradient: 'rule', elementwise: true, rank: 'same' },
  Softsign: { gradient: 'rule', elementwise: true, rank: 'same' },
  Shrink: { gradient: 'rule', elementwise: true },
  Abs: { gradient: 'rule', elementwise: true, rank: 'same' },
  Reciprocal: { gradient: 'rule', elementwise: true, rank: 'same' },
  Sqrt: { gradient: 'rule', elementwise: true, rank: 'same' },
  Exp: { gradient: 'rule', elementwise: true, rank: 'same' },
  Log: { gradient: 'rule', elementwise: true, rank: 'same' },
  Erf: { gradient: 'rule', elementwise: true, rank: 'same' },
  Sin: { gradient: 'rule', elementwise: true, rank: 'same' },
  Cos: { gradient: 'rule', elementwise: true, rank: 'same' },
  Tan: { gradient: 'rule', elementwise: true, rank: 'same' },
  Asin: { gradient: 'rule', elementwise: true, rank: 'same' },
  Acos: { gradient: 'rule', elementwise: true, rank: 'same' },
  Atan: { gradient: 'rule', elementwise: true, rank: 'same' },
  Sinh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Cosh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Asinh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Acosh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Atanh: { gradient: 'rule', elementwise: true, rank: 'same' },
  Neg: { gradient: 'rule', elementwise: true, linear: 'one', rank: 'same' },
  Sign: { gradient: 'zero', elementwise: true, rank: 'same' },
  Floor: { gradient: 'zero', elementwise: true, rank: 'same' },
  Ceil: { gradient: 'zero', elementwise: true, rank: 'same' },
  Round: { gradient: 'zero', elementwise: true, rank: 'same' },
  Not: { gradient: 'zero', elementwise: true, output: 'bool', rank: 'same' },
  IsNaN: { gradient: 'zero', elementwise: true, handlesMissing: true, output: 'bool', rank: 'same' },
  IsInf: { gradient: 'zero', elementwise: true, output: 'bool', rank: 'same' },
  // Of several elements at the same place, broadcast against each other.
  Add: { gradient: 'rule', broadcasts: true, linear: 'one' },
  And: { gradient: 'zero', broadcasts: true, output: 'bool' },
  Div: { gradient: 'rule', broadcasts: true },
  Equal: { gradient: 'zero', broadcasts: true, output: 'bool' },
  Greater: { gradient: 'zero', broadcasts: true, output: 'bool' },
  GreaterOrEqual: { gradient: 'zero', broadcasts: true, output: 'bool' },
  Less: { gradient: 'zero', broadcasts: true, output: 'bool' },
  LessOrEqual: { gradient: 'zero', broadcasts: true, output: 'bool' },
  Max: { gradient: 'rule', broadcasts: true },
  Mean: { gradient: 'rule', broadcasts: true, linear: 'one' },
  Min: { gradient: 'rule', broadcasts: true },
  Mod: { gradient: 'rule', broadcasts: true },
  Mul: { gradient: 'rule', broadcasts: true, linear: 'each' },
  Or: { gradient: 'zero', broadcasts: true, output: 'bool' },
  Pow: { gradient: 'rule', broadcasts: true },
  Sub: { gradient: 'rule', broadcasts: true, linear: 'one' },
  Sum: { gradient: 'rule', broadcasts: true, linear: 'one' },
  Xor: { gradient: 'zero', broadcasts: true, output: 'bool' },
  // Products.
  MatMul: { gradient: 'rule', linear: 'each', sumOfProducts: true, parametric: true },
  Gemm: { gradient: 'rule', linear: 'each', sumOfProducts: true, parametric: true },
  Einsum: { gradient: 'rule', linear: 'each', sumOfProducts: true },
  Conv: { gradient: 'rule', linear: 'each', sumOfProducts: true, parametric: true, rank: 'same' },
  ConvTranspose: { gradient: 'rule', linear: 'each', sumOfProducts: true, parametric: true, rank: 'same' },
  'com.microsoft.FusedMatMul': { gradient: 'rule', linear: 'each', sumOfProducts: true },
  MatMulInteger: { gradient: 'rule' },
  ConvInteger: { gradient: 'rule' },
  QLinearMatMul: { gradient: 'rule' },
  QLinearConv: { gradient: 'rule' },
  // All others that have a rule.
  CumSum: { gradient: 'rule', linear: 'one', rank: 'same' },
  Softmax: { gradient: 'rule', rank: 'same' },
  LogSoftmax: { gradient: 'rule', rank: 'same' },
  ReduceSum: { gradient: 'rule', linear: 'one' },
  ReduceMean: { gradient: 'rule', linear: 'one' },
  ReduceMax: { gradient: 'rule', maximum: true },
  ReduceMin: { gradient: 'rule' },
  ReduceProd: { gradient: 'rule' },
  ReduceSumSquare: { gradient: 'rule' },
  ReduceL1: { gradient: 'rule' },
  ReduceL2: { gradient: 'rule' },
  ReduceLogSum: { gradient: 'rule' },
  ReduceLogSumExp: { gradient: 'rule' },
  BatchNormalization: { gradient: 'rule', linear: 'one', rank: 'same' },
  InstanceNormalization: { gradient: 'rule', rank: 'same' },
  LayerNormalization: { gradient: 'rule', rank: 'same' },
  LpNormalization: { gradient: 'rule', rank: 'same' },
  LRN: { gradient: 'rule', rank: 'same' },
  Det: { gradient: 'rule' },
  'com.microsoft.Inverse': { gradient: 'rule', rank: 'same' },
  TopK: { gradient: 'rule', rank: 'same' },
  OneHot: { gradient: 'rule' },
  Compress: { gradient: 'rule', dataDependentShape: true },
  Unique: { gradient: 'rule', dataDependentShape: true },
  CenterCropPad: { gradient: 'rule' },
  Col2Im: { gradient: 'rule', linear: 'one' },
  MaxPool: { gradient: 'rule', maximum: true, rank: 'same' },
  AveragePool: { gradient: 'rule', linear: 'one', rank: 'same' },
  LpPool: { gradient: 'rule', rank: 'same' },
  GlobalAveragePool: { gradient: 'rule', linear: 'one', rank: 'same' },
  GlobalMaxPool: { gradient: 'rule', maximum: true, rank: 'same' },
  GlobalLpPool: { gradient: 'rule', rank: 'same' },
  MaxUnpool: { gradient: 'rule' },
  DFT: { gradient: 'rule', linear: 'one' },
  STFT: { gradient: 'rule', linear: 'one' },
  RoiAlign: { gradient: 'rule' },
  Resize: { gradient: 'rule', linear: 'one', rank: 'same' },
  GridSample: { gradient: 'rule' },
  AffineGrid: { gradient: 'rule' },
  QuantizeLinear: { gradient: 'rule', rank: 'same' },
  DequantizeLinear: { gradient: 'rule', linear: 'one', rank: 'same' },
  DynamicQuantizeLinear: { gradient: 'rule', mixesRows: true },
  'com.microsoft.QuantizeLinear': { gradient: 'rule', rank: 'same' },
  'com.microsoft.DequantizeLinear': { gradient: 'rule', linear: 'one', rank: 'same' },
  'com.microsoft.QLinearAdd': { gradient: 'rule' },
  'com.microsoft.QLinearMul': { gradient: 'rule' },
  'com.microsoft.QLinearSigmoid': { gradient: 'rule', rank: 'same' },
  'com.microsoft.QLinearLeakyRelu': { gradient: 'rule', rank: 'same' },
  'com.microsoft.QLinearGlobalAveragePool': { gradient: 'rule', rank: 'same' },
  'com.microsoft.QLinearConcat': { gradient: 'rule' },
  'com.microsoft.QGemm': { gradient: 'rule' },
  'com.microsoft.QLinearSoftmax': { gradient: 'rule', rank: 'same' },
  'com.microsoft.QLinearAveragePool': { gradient: 'rule', rank: 'same' },
  'com.microsoft.QLinearWhere': { gradient: 'rule' },
  'com.microsoft.DynamicQuantizeLSTM': { gradient: 'rule', mixesRows: true },
  RNN: { gradient: 'rule', parametric: true },
  GRU: { gradient: 'rule', parametric: true },
  LSTM: { gradient: 'rule', parametric: true },
  // Without a derivative.
  Hardmax: { gradient: 'zero', rank: 'same' },
  Bernoulli: { gradient: 'zero', random: true },
  ArgMax: { gradient: 'zero', output: 'int64' },
  ArgMin: { gradient: 'zero', output: 'int64' },
  NonZero: { gradient: 'zero', dataDependentShape: true, output: 'int64' },
  Shape: { gradient: 'zero', readsShape: true, output: 'int64' },
  Size: { gradient: 'zero', readsShape: true, output: 'int64' },
  NonMaxSuppression: { gradient: 'zero', dataDependentShape: true, output: 'int64' },
  EyeLike: { gradient: 'zero', readsShape: true },
  RandomNormalLike: { gradient: 'zero', readsShape: true, random: true },
  RandomUniformLike: { gradient: 'zero', readsShape: true, random: true },
  Multinomial: { gradient: 'zero', random: true },
  'ai.onnx.ml.TreeEnsemble': { gradient: 'refused', handlesMissing: true },
  'ai.onnx.ml.TreeEnsembleClassifier': { gradient: 'refused', handlesMissing: true },
  'ai.onnx.ml.TreeEnsembleRegressor': { gradient: 'refused', handlesMissing: true },
  'ai.onnx.ml.LabelEncoder': { gradient: 'refused', rank: 'same' },
  'ai.onnx.ml.OneHotEncoder': { gradient: 'refused' },
  'ai.onnx.ml.CategoryMapper': { gradient: 'refused' },
  'ai.onnx.ml.DictVectorizer': { gradient: 'refused' },
  MaxRoiPool: { gradient: 'refused' },
  Loop: { gradient: 'refused' },
  Scan: { gradient: 'refused' },
  If: { gradient: 'refused' },
  SequenceAt: { gradient: 'refused' },
  SequenceConstruct: { gradient: 'refused' },
  SequenceInsert: { gradient: 'refused' },
  SequenceErase: { gradient: 'refused' },
  SequenceLength: { gradient: 'refused' },
  SequenceEmpty: { gradient: 'refused' },
  SequenceMap: { gradient: 'refused' },
  SplitToSequence: { gradient: 'refused' },
  ConcatFromSequence: { gradient: 'refused' },
  'ai.onnx.ml.ZipMap': { gradient: 'refused' },
  Optional: { gradient: 'refused' },
  OptionalGetElement: { gradient: 'refused' },
  // Replaced by simpler operators, or by constants, before a gradient is asked for.
  DeformConv: { gradient: 'lowered', rank: 'same' },
  GroupNormalization: { gradient: 'lowered', rank: 'same' },
  MeanVarianceNormalization: { gradient: 'lowered', rank: 'same' },
  Scatter: { gradient: 'lowered', rank: 'same' },
  Upsample: { gradient: 'lowered', linear: 'one', rank: 'same' },
  SimplifiedLayerNormalization: { gradient: 'lowered', rank: 'same' },
  Attention: { gradient: 'lowered', rank: 'same' },
  RotaryEmbedding: { gradient: 'lowered', rank: 'same' },
  'com.microsoft.BiasAdd': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.BiasGelu': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.DynamicQuantizeMatMul': { gradient: 'lowered', rank: 'same', mixesRows: true },
  'com.microsoft.FastGelu': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.FusedConv': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.Gelu': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.GroupNorm': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.MatMulBnb4': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.MatMulIntegerToFloat': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.MatMulNBits': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.MoE': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.QMoE': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.NhwcConv': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.NhwcFusedConv': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.NhwcMaxPool': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.QLinearConv': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.QuickGelu': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.RotaryEmbedding': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.SkipGroupNorm': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.SkipLayerNormalization': { gradient: 'lowered', rank: 'same' },
  'com.microsoft.SkipSimplifiedLayerNormalization': { gradient: 'lowered', rank: 'same' },
  'ai.onnx.ml.Binarizer': { gradient: 'lowered', rank: 'same' },
  'ai.onnx.ml.Imputer': { gradient: 'lowered', handlesMissing: true, rank: 'same' },
  'ai.onnx.ml.Normalizer': { gradient: 'lowered', rank: 'same' },
  'ai.onnx.ml.Scaler': { gradient: 'lowered', rank: 'same' },
  Range: { gradient: 'lowered', makesConstants: true },
  ConstantOfShape: { gradient: 'lowered', makesConstants: true },
  Constant: { gradient: 'lowered', makesConstants: true },
  RandomNormal: { gradient: 'lowered', random: true, makesConstants: true },
  RandomUniform: { gradient: 'lowered', random: true, makesConstants: true },
  BitShift: { gradient: 'lowered', makesConstants: true },
  StringSplit: { gradient: 'lowered', dataDependentShape: true },
  RegexFullMatch: { gradient: 'lowered', dataDependentShape: true },
  StringMatch: { gradient: 'lowered', output: 'bool' },
} as const satisfies Readonly<Record<string, OperatorTraits>>;

/** Keys of the table. */
export type Operator = keyof typeof operators;

/** Operators whose `gradient` is one of some kinds. */
export type OperatorsWith<G extends OperatorTraits['gradient']> = {
  [K in Operator]: (typeof operators)[K]['gradient'] extends G ? K : never;
}[Operator];

const none: Partial<OperatorTraits> = {};

/** What an operator does, by its key; nothing is said of one that is not in the table. */
export function traitsOf(key: string): Partial<OperatorTraits> {
  return lookup<Partial<OperatorTraits>>(operators, key) ?? none;
}

/** Keys of the operators of which something is true. */
export function operatorsThat(is: (traits: OperatorTraits) => boolean): Set<string> {
  return new Set(Object.entries<OperatorTraits>(operators).flatMap(([key, traits]) => (is(traits) ? [key] : [])));
}

/** Whether the elements of the first input stay in their order and keep their type. */
export const keepsOrder = (key: string): boolean => {
  const { moves, converts } = traitsOf(key);
  return moves === 'order' && !converts;
};

/** Whether every element of the first input is in the output once: it lies otherwise, or has another type, at most. */
export const rearranges = (key: string): boolean => {
  const { moves } = traitsOf(key);
  return moves === 'order' || moves === 'permutation';
};

/** Whether the output holds elements of the first input alone, with their type. */
export const movesFirst = (key: string): boolean => {
  const { moves, converts } = traitsOf(key);
  return moves !== undefined && moves !== 'joining' && !converts;
};

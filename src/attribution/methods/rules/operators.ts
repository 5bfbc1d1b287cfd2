/** Move elements without adding any up. */
export const movingOperators: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'CastLike',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Concat',
  'Split',
  'Slice',
  'Gather',
  'GatherElements',
  'GatherND',
  'Expand',
  'Tile',
  'Pad',
  'DepthToSpace',
  'SpaceToDepth',
  'ScatterElements',
  'ScatterND',
  'Where',
  'Trilu',
  'Dropout',
  'Neg',
  'ReverseSequence',
]);

/** Linear in each of two inputs, so that both may vary. */
export const bilinearOperators: ReadonlySet<string> = new Set([
  'Mul',
  'MatMul',
  'Gemm',
  'Einsum',
  'Conv',
  'ConvTranspose',
  'com.microsoft.FusedMatMul',
]);

/** Operators that are linear in one varying input: their derivative carries a difference or a relevance exactly. */
export const linearOperators: ReadonlySet<string> = new Set([
  ...movingOperators,
  ...bilinearOperators,
  'Add',
  'Sub',
  'Sum',
  'Mean',
  'ReduceSum',
  'ReduceMean',
  'AveragePool',
  'GlobalAveragePool',
  'BatchNormalization',
  'CumSum',
  'Resize',
  'Upsample',
  'Col2Im',
  'DequantizeLinear',
  'com.microsoft.DequantizeLinear',
  'DFT',
  'STFT',
]);

/** Activations that guided backpropagation guards. */
export const rectifiers: ReadonlySet<string> = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Elu',
  'Selu',
  'Celu',
  'Clip',
  'ThresholdedRelu',
]);

/** Functions of one element. */
export const elementwiseOperators: ReadonlySet<string> = new Set([
  ...rectifiers,
  'Gelu',
  'Mish',
  'HardSigmoid',
  'HardSwish',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Shrink',
  'Abs',
  'Reciprocal',
  'Sqrt',
  'Exp',
  'Log',
  'Erf',
  'Sin',
  'Cos',
  'Tan',
  'Asin',
  'Acos',
  'Atan',
  'Sinh',
  'Cosh',
  'Asinh',
  'Acosh',
  'Atanh',
]);

/** The largest element of several. */
export const maximumOperators: ReadonlySet<string> = new Set(['MaxPool', 'GlobalMaxPool', 'ReduceMax']);

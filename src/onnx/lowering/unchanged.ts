/**
 * Changes of standard operators in opsets 8 to 20 that leave the meaning of an older node as it is, by reason:
 * `operator@version` for each. Together with `changes` in `upgrade.ts` this covers ONNX's whole changelog, which a
 * test checks against a list taken from the `onnx` package.
 */
export const unchanged: Readonly<Record<string, string>> = {
  'more element types, or clearer words':
    'Abs@13 Add@13 Add@14 ArgMax@13 ArgMin@13 BatchNormalization@15 Cast@9 Cast@13 Ceil@13 Clip@12 Clip@13 Concat@13 ' +
    'Constant@9 Constant@13 Constant@19 ConstantOfShape@20 Conv@11 CumSum@14 DepthToSpace@13 DequantizeLinear@19 Div@13 ' +
    'Div@14 Dropout@13 Equal@11 Equal@13 Equal@19 Erf@13 Exp@13 Expand@13 Flatten@9 Flatten@13 Floor@13 Gather@13 ' +
    'GatherElements@13 GatherND@13 Gemm@9 Gemm@13 Greater@9 Greater@13 GreaterOrEqual@16 Identity@13 Identity@14 ' +
    'Identity@16 Identity@19 If@11 If@13 If@16 If@19 IsInf@20 IsNaN@13 IsNaN@20 LRN@13 LeakyRelu@16 Less@9 Less@13 ' +
    'LessOrEqual@16 Log@13 Loop@13 Loop@16 Loop@19 LpPool@11 MatMul@9 MatMul@13 Max@8 Max@12 Max@13 MaxPool@11 MaxPool@12 ' +
    'MaxUnpool@11 Mean@8 Mean@13 MeanVarianceNormalization@13 Min@8 Min@12 Min@13 Mod@13 Mul@13 Mul@14 Neg@13 ' +
    'NegativeLogLikelihoodLoss@13 NonMaxSuppression@11 NonZero@13 OptionalGetElement@18 PRelu@9 PRelu@16 Pow@12 Pow@13 ' +
    'Pow@15 Pad@13 Reciprocal@13 ReduceL1@13 ReduceL2@13 ReduceLogSum@13 ReduceLogSumExp@13 ReduceMax@12 ReduceMax@13 ' +
    'ReduceMax@20 ReduceMean@13 ReduceMin@12 ReduceMin@13 ReduceMin@20 ReduceProd@13 ReduceSumSquare@13 Relu@13 Relu@14 ' +
    'Reshape@13 Reshape@19 Scan@16 Scan@19 ScatterElements@13 ScatterND@13 Shape@13 Shape@19 Sigmoid@13 Sign@13 Size@13 ' +
    'Size@19 Slice@13 SoftmaxCrossEntropyLoss@13 SpaceToDepth@13 Sqrt@13 Sub@13 Sub@14 Sum@8 Sum@13 Tanh@13 Tile@13 ' +
    'Transpose@13 Where@16',
  'negative axes or indices allowed':
    'ArgMax@11 ArgMin@11 Compress@11 Concat@11 Flatten@11 Gather@11 Hardmax@11 LogSoftmax@11 ReduceL1@11 ReduceL2@11 ' +
    'ReduceLogSum@11 ReduceLogSumExp@11 ReduceMax@11 ReduceMean@11 ReduceMin@11 ReduceProd@11 ReduceSum@11 ' +
    'ReduceSumSquare@11 Scan@11 Scatter@11 Slice@11 Softmax@11 Split@11 Squeeze@11 Unsqueeze@11',
  'new attribute or input whose default is the old meaning':
    'ArgMax@12 ArgMin@12 AveragePool@10 AveragePool@19 Cast@19 CastLike@19 Constant@11 Constant@12 DepthToSpace@11 ' +
    'DequantizeLinear@13 GRU@14 GatherND@12 LSTM@14 LpPool@18 MaxPool@8 MaxPool@10 Pad@18 QuantizeLinear@13 ' +
    'QuantizeLinear@19 RNN@14 Reshape@14 Resize@18 ScatterElements@16 ScatterND@16 Shape@15 TopK@11',
  'new values of an attribute': 'Pad@19 Resize@19 ScatterElements@18 ScatterND@18',
  'an input may be left out': 'Gemm@11 Loop@11 OptionalHasElement@18',
  'SAME_UPPER and SAME_LOWER described anew; the runtime pads alike in all versions': 'AveragePool@11 ConvTranspose@11',
  'indices below zero count from the end; the runtime counts so in the older version too': 'OneHot@11',
};

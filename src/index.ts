// What `import … from 'wherefore'` gives. One name, one meaning: everything else is the package's own business.

// Explanations
export { type Attribution, type AttributionRequest, attribute } from './attribution/attribute.ts';
export type { Baseline, InputBaseline, InputLayout } from './attribution/baseline.ts';
export type { Groups } from './attribution/groups.ts';
export type { Layer } from './attribution/layer.ts';
export { type MethodName, methods } from './attribution/methods/index.ts';
export type { ImplicitBaseline, LoadExplainer, MaskModel, Method } from './attribution/methods/method.ts';
export type { StatedBaseline } from './attribution/stated-baseline.ts';
export { rankAgreement, type Sweep, sweep } from './attribution/sweep.ts';
export { type Region, regionOf } from './attribution/target/region.ts';
export { describeTarget, type Target } from './attribution/target/target.ts';
// Gradients
export type { GradientNote, RuleContext, VjpRule } from './autodiff/context.ts';
export type { RuleOverrides } from './autodiff/differentiate.ts';
export { checkpointFiles } from './data/checkpoint-files.ts';
// Data
export { readCsv, readJsonLines } from './data/csv.ts';
export { type Dataset, tensorDataset } from './data/dataset.ts';
export type { DatasetOptions } from './data/datasets/dataset-options.ts';
export { type OpenedDataset, openDataset } from './data/datasets/open-dataset.ts';
export { idxDataset, imageFolder, pixelDataset, tableDataset } from './data/datasets.ts';
// Models
export { type GuessedPreprocessing, guessPreprocessing } from './data/guess.ts';
export type { Guess } from './data/guessed.ts';
export { readIdx } from './data/idx.ts';
export { type Image, readImage, writePng } from './data/image.ts';
export { preprocessImage } from './data/image-input.ts';
export { type LoadedModel, type LoadModelOptions, loadModel } from './data/load-model.ts';
export type { ModelInput } from './data/model-input.ts';
export { readNpy, writeNpy } from './data/npy.ts';
export { readNpz, writeNpz } from './data/npz.ts';
export { readParquet, writeParquet } from './data/parquet.ts';
export { type ImageInput, type Preprocessing, preprocessingSchema, type TableInput } from './data/preprocessing.ts';
export { formatPreprocessing, loadPreprocessing, parsePreprocessing } from './data/preprocessing-file.ts';
export { readModelInputs } from './data/read-model-input.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './data/safetensors.ts';
export type { Column, Table } from './data/table.ts';
export { readTable } from './data/table-file.ts';
export { datasetOf, type InMemoryOptions } from './dataset/in-memory.ts';
export { type ErrorCode, type ErrorDetails, WhereforeError } from './errors.ts';
// Quality of explanations
export { compare } from './evaluation/compare.ts';
export type { Comparison, ComparisonRequest } from './evaluation/comparison.ts';
export { type MetricName, metrics } from './evaluation/metrics/index.ts';
// The learned explainer
export { type Adapted, type AdaptOptions, adapt, type Explainer, openExplainer } from './explainer/index.ts';
export { loadExplainer } from './explainer/load-explainer.ts';
export { type EncodeOptions, encodeModel } from './onnx/encode.ts';
export type { Graph, Node, OnnxModel, ValueInfo } from './onnx/graph.ts';
export { type ExplanationDocument, explanationSchema, parseDocument } from './report/document.ts';
export { type ExplainOptions, explain, preprocessingOf } from './report/explain.ts';
export type { Explained } from './report/explained.ts';
export type { GroupsChoice } from './report/given-groups.ts';
export { type HeatMapOptions, heatMapPng } from './report/heat-map-png.ts';
export { type Inspection, inspect } from './report/inspect.ts';
export { type Judgement, judge } from './report/judgement.ts';
export { type PageOptions, renderPage } from './report/page/page.ts';
export { type Prediction, predict } from './report/prediction.ts';
export { type Replay, replay } from './report/replay.ts';
export { createEigenThread, type Eigen, type EigenThread } from './runtime/eigen-thread.ts';
export {
  type Gradients,
  type GradientsRequest,
  gradientsOf,
  type HessianRequest,
  hessianVectorProduct,
  oneHotSeed,
} from './runtime/gradient.ts';
export { createModel, type Model, type ModelOrigin } from './runtime/model.ts';
export { createNodeRuntime, type NodeRuntimeOptions } from './runtime/node.ts';
export type { Runtime, Session, SessionOptions, Tensors, WeightSource } from './runtime/runtime.ts';
// Tensors
export { convert, fromNumbers, toFloat32, toNumbers } from './tensor/convert.ts';
export { choose, normals, permutation, type Random, random } from './tensor/random.ts';
export {
  type DataType,
  float32,
  formatShape,
  int64,
  reshape,
  sizeOf,
  type Tensor,
  type TensorData,
  tensor,
} from './tensor/tensor.ts';

// Training
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointsInMemory,
  type Evaluation,
  evaluate,
  type Loss,
  Network,
  type Optimizer,
  type Samples,
  type Schedule,
  samplesInMemory,
  type Trained,
  type TrainingProgress,
  type TrainOptions,
  train,
  type Value,
} from './train/index.ts';
/** The layer library: functions that append a layer to a {@link Network}. */
export * as layers from './train/layers/index.ts';

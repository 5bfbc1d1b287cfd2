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
export { type Region, regionOf } from './attribution/targets/region.ts';
export { describeTarget, type Target } from './attribution/targets/target.ts';
// Gradients
export type { GradientNote, RuleContext, VjpRule } from './autodiff/context.ts';
export type { RuleOverrides } from './autodiff/differentiate.ts';
export type { DatasetOptions } from './data/datasets/dataset-options.ts';
export { type DatasetInput, pixelDataset, tableDataset } from './data/datasets/in-memory.ts';
export { inspectDataset } from './data/datasets/inspect/inspect-dataset.ts';
export type { DatasetInspection, InspectDatasetOptions } from './data/datasets/inspect/inspection.ts';
export { type OpenedDataset, openDataset } from './data/datasets/open-dataset.ts';
export { checkpointFiles } from './data/formats/checkpoint-files.ts';
// Data
export { readCsv, readJsonLines } from './data/formats/csv.ts';
export { readIdx } from './data/formats/idx.ts';
export { type Image, readImage, writePng } from './data/formats/image.ts';
export { readNpy, writeNpy } from './data/formats/npy.ts';
export { readNpz, writeNpz } from './data/formats/npz.ts';
export { readParquet, writeParquet } from './data/formats/parquet.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './data/formats/safetensors.ts';
export type { Column, Table } from './data/formats/table.ts';
export { readTable } from './data/formats/table-file.ts';
// Models
export { type GuessedPreprocessing, guessPreprocessing } from './data/guess/guess.ts';
export type { Guess } from './data/guess/guessed.ts';
export { preprocessImage } from './data/inputs/image-input.ts';
export type { ModelInput } from './data/inputs/model-input.ts';
export { readModelInputs } from './data/inputs/read-model-input.ts';
export { type LoadModelOptions, loadModel } from './data/model/load-model.ts';
export type { LoadedModel } from './data/model/loaded-model.ts';
export {
  type ImageInput,
  type Preprocessing,
  preprocessingSchema,
  type TableInput,
} from './data/model/preprocessing.ts';
export { loadPreprocessing } from './data/model/preprocessing-file.ts';
export { formatPreprocessing, parsePreprocessing } from './data/model/preprocessing-text.ts';
export { type Batch, type BatchOptions, batches } from './dataset/batches.ts';
export { concat } from './dataset/concat.ts';
export type { ColumnValue, Dataset, PassOptions, Rows } from './dataset/dataset.ts';
export { type DatasetSource, defineDataset } from './dataset/define-dataset.ts';
export { datasetOf, type InMemoryOptions } from './dataset/in-memory.ts';
export { shuffle, split, splitBy, subset } from './dataset/select.ts';
export { type ErrorCode, type ErrorDetails, WhereforeError } from './errors.ts';
// Quality of explanations
export { compare } from './evaluation/compare.ts';
export type { Comparison, ComparisonRequest } from './evaluation/comparison.ts';
export { type MetricName, metrics } from './evaluation/metrics/index.ts';
export { type ExplanationDocument, explanationSchema, parseDocument } from './explain/document.ts';
export { explain, preprocessingOf } from './explain/explain.ts';
export type { ExplainOptions } from './explain/explain-options.ts';
export type { Explained } from './explain/explained.ts';
export type { GroupsChoice } from './explain/given-groups.ts';
export { type Inspection, inspect } from './explain/inspect.ts';
export { type Prediction, predict } from './explain/prediction.ts';
export { type Replay, replay } from './explain/replay.ts';
// The learned explainer
export { type Adapted, type AdaptOptions, adapt, type Explainer, openExplainer } from './explainer/index.ts';
export { loadExplainer } from './explainer/load-explainer.ts';
// What training rows did to a model that this package trained
export { type OpenRetraining, openRetraining, type Recipe } from './influence/retraining/retraining.ts';
export { type Smoothness, smoothnessOf } from './influence/unrolled/smoothness.ts';
export { openUnrolling, type Unrolling } from './influence/unrolled/unrolling.ts';
export { type EncodeOptions, encodeModel } from './onnx/encode.ts';
export type { Graph, Node, OnnxModel, ValueInfo } from './onnx/graph.ts';
export { type PageOptions, renderPage } from './page/explanation/page.ts';
export { type HeatMapOptions, heatMapPng } from './page/heat-map-png.ts';
export { type Judgement, judge } from './page/judgement.ts';
// Training
export {
  type IndexChange,
  indexTexts,
  openTextIndex,
  removeTexts,
  type TextIndex,
  type TextIndexOptions,
} from './provenance/text/text-index.ts';
export {
  type SearchedCorpus,
  type SpanSource,
  type VerbatimOptions,
  type VerbatimSpan,
  verbatimSpans,
} from './provenance/text/verbatim.ts';
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
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointsInMemory,
  type Divisor,
  type Evaluation,
  evaluate,
  type Loss,
  Network,
  type Optimizer,
  openTrainer,
  openTraining,
  type RowIdentity,
  readManifest,
  type Samples,
  type Schedule,
  samplesInMemory,
  samplesOf,
  type Trained,
  type TrainedWeights,
  type Trainer,
  type TrainingManifest,
  type TrainingProgress,
  type TrainOptions,
  train,
  trainingFiles,
  type Value,
  type Variant,
} from './train/index.ts';
/** The layer library: functions that append a layer to a {@link Network}. */
export * as layers from './train/layers/index.ts';

// What `import … from 'wherefore/core'` gives: all that explains and draws, without Node. Files and the runtime come from
// the caller. Headings stand apart, so that the formatter sorts names below them only.

// Explanations

export { type Attribution, type AttributionRequest, attribute } from './attribution/attribute.ts';
export { type Baseline, describeBaseline, type InputBaseline, type InputLayout } from './attribution/baseline.ts';
export type { Layer } from './attribution/layer.ts';
export { type MethodName, methods } from './attribution/methods/index.ts';
export type { StatedBaseline } from './attribution/stated-baseline.ts';
export { rankAgreement, type Sweep, sweep } from './attribution/sweep.ts';
export type { Target } from './attribution/targets/kinds/index.ts';
export { type Region, regionOf } from './attribution/targets/region.ts';
export { describeTarget } from './attribution/targets/target.ts';
export { type ExplanationDocument, explanationSchema, parseDocument } from './explain/document.ts';
export { explain } from './explain/explain.ts';
export type { ExplainOptions } from './explain/explain-options.ts';
export type { Explained } from './explain/explained.ts';
export { type Inspection, inspect } from './explain/inspect.ts';
export { type LeftOut, type Plan, type PlannedExplanation, plan } from './explain/plan.ts';
export { type Prediction, predict } from './explain/prediction.ts';
export { preprocessingOf } from './explain/preprocessing-of.ts';

// A method, a metric, a rule of one's own

export type {
  ImplicitBaseline,
  LoadExplainer,
  MaskModel,
  Method,
  MethodContext,
  MethodResult,
  Workload,
} from './attribution/methods/method.ts';
export type { GradientNote, RuleContext, VjpRule } from './autodiff/context.ts';
export type { RuleOverrides } from './autodiff/differentiate.ts';
export type { Explanation, Metric, MetricScore } from './evaluation/metrics/metric.ts';
export { loadExplainer } from './explainer/load-explainer.ts';

// Quality of explanations

export { compare } from './evaluation/compare.ts';
export type { Comparison, ComparisonRequest } from './evaluation/comparison.ts';
export { type MetricName, metrics } from './evaluation/metrics/index.ts';

// Pages

export { type Judgement, judge } from './page/judgement.ts';
export { pageScriptHash } from './page/policy.ts';
export { type PageOptions, renderPage } from './page/render-page.ts';

// Models

export type { AccessOptions, Files, FolderEntry } from './data/files/file-access.ts';
export type { FileKindName } from './data/files/file-kinds.ts';
export { type FileContent, memoryFiles } from './data/files/memory-files.ts';
export { type GuessedPreprocessing, guessPreprocessing } from './data/guess/guess.ts';
export { imageAsInput } from './data/inputs/image-as-input.ts';
export { preprocessImage } from './data/inputs/image-input.ts';
export type { ModelInput } from './data/inputs/model-input.ts';
export type { Surroundings } from './data/model/files-edge.ts';
export type { Edge, LoadedModel } from './data/model/loaded-model.ts';
export { type OpenModelOptions, openModel } from './data/model/open-model.ts';
export { type Preprocessing, preprocessingSchema } from './data/model/preprocessing.ts';
export { formatPreprocessing, parsePreprocessing } from './data/model/preprocessing-yaml.ts';
export { type EncodeOptions, encodeModel } from './onnx/encode.ts';
export type { Graph, Node, OnnxModel, ValueInfo } from './onnx/graph.ts';
export { createModel, type Model, type ModelOrigin } from './runtime/model.ts';
export type { Runtime, Session, SessionOptions, Tensors, WeightSource } from './runtime/runtime.ts';

// Gradients

export {
  type Gradients,
  type GradientsRequest,
  gradientsOf,
  type HessianRequest,
  hessianVectorProduct,
  oneHotSeed,
} from './runtime/gradient.ts';

// Tensors and errors

export { type ErrorCode, type ErrorDetails, WhereforeError } from './errors.ts';
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

// Types that these signatures name

export type { ProposedLayer } from './attribution/branches.ts';
export type { Box } from './attribution/detector-grid.ts';
export type { Column, Groups, Partition } from './attribution/groups.ts';
export type { LayerCandidate } from './attribution/layers.ts';
export type { Conditions, Meaning, Reference, ValueKind } from './attribution/methods/method.ts';
export type { WrongRun } from './attribution/non-finite.ts';
export type { RuleSet } from './attribution/plan.ts';
export type { PointSource, Points } from './attribution/points.ts';
export type {
  Curvature,
  EachRun,
  Evaluation as PointEvaluation,
  Gradient,
  GradientAt,
  Passes,
  Prepared,
  WorkOptions,
} from './attribution/prepared.ts';
export type { Detection } from './attribution/targets/distinct-objects.ts';
export type { OfClasses, OfOutput } from './attribution/targets/kind.ts';
export type { Scale, StatedScale } from './attribution/targets/scale.ts';
export type { CompiledTarget } from './attribution/targets/target.ts';
export type { OpOptions as RuleOpOptions } from './autodiff/context.ts';
export type { Decisions, Facts } from './autodiff/facts.ts';
export type { WithinTime } from './data/files/within-time.ts';
export type { Colour, Image } from './data/formats/image-type.ts';
export type { ImageVariant } from './data/formats/image-variant.ts';
export type { Guess } from './data/guess/guessed.ts';
export type { GridTransform } from './data/inputs/grid.ts';
export type { PreparedImage } from './data/inputs/image-input.ts';
export type { FeatureGroups as InputFeatureGroups } from './data/inputs/model-input.ts';
export type { EncodedText, TextLimits } from './data/inputs/text-length.ts';
export type { Span } from './data/inputs/token-alignment.ts';
export type { Tokenizer } from './data/inputs/tokenizer.ts';
export type { Beside, BesideFile } from './data/model/beside.ts';
export type { LabelList } from './data/model/label-lists.ts';
export type { ModelConfig } from './data/model/model-config.ts';
export type { ImageInput, InputPreprocessing, PreprocessingText } from './data/model/preprocessing.ts';
export type { LoadedPreprocessing } from './data/model/preprocessing-text.ts';
export type { ProcessorFile } from './data/model/preprocessor-config.ts';
export type {
  Answer,
  ComparedBaseline,
  ComparedInput,
  ComparedMethod,
  ComparedRow,
  ComparisonFailure,
  MethodAndControl,
  MetricFlag,
  MetricVerdict,
  MsiByAlphaMin,
  ResultStore,
  ScoredExplanation,
  StoredResult,
} from './evaluation/comparison.ts';
export type { ControlName } from './evaluation/controls.ts';
export type { Question } from './evaluation/evaluation-context.ts';
export type { FeatureGroups } from './evaluation/groups.ts';
export type { AttributionMap } from './evaluation/map.ts';
export type { Direction, JudgedBy, MetricFamily } from './evaluation/metrics/metric.ts';
export type { ReferenceTest } from './evaluation/reference-test.ts';
export type { MetricChoice } from './evaluation/score.ts';
export type { Interval } from './evaluation/statistics.ts';
export type { Announced, ExplainSource } from './explain/explain-options.ts';
export type { GroupsChoice } from './explain/given-groups.ts';
export type { GradientStatus, OperatorCount } from './explain/inspect.ts';
export type { Source as PlanSource } from './explain/plan.ts';
export type { PredictOptions } from './explain/prediction.ts';
export type { BaselineChoice, Question as ExplainQuestion, TargetChoice } from './explain/request.ts';
export type { Duration, Speed, Speeds, Timed } from './explain/speed.ts';
export type { Explainer } from './explainer/explainer.ts';
export type { ExplainerFacts } from './explainer/explainer-model.ts';
export type { Arm } from './influence/retraining/experiment.ts';
export type { Estimate, Verdict } from './influence/retraining/paired.ts';
export type { MeasuredQuantity } from './influence/retraining/retrain-document.ts';
export type { GraphBuilder, OpOptions } from './onnx/builder.ts';
export type {
  Attribute,
  Attributes,
  Dimension,
  FileRange,
  Initializer,
  ModelFunction,
  PlainAttributes,
  WeightLocation,
} from './onnx/graph.ts';
export type { LoweringNote } from './onnx/lowering/notes.ts';
export type { RowView } from './page/audit/row-view.ts';
export type { PageSection } from './page/explanation/page.ts';
export type { PageStep, StepImage } from './page/explanation/steps.ts';
export type { EncodePhotograph } from './page/heat-map.ts';
export type {
  Executor,
  ExecutorOptions,
  ExecutorRunOptions,
  Specialised,
  SpecialiseOptions,
} from './runtime/executor.ts';
export type { NonFiniteRun } from './runtime/non-finite.ts';
export type { RunOptions } from './runtime/runtime.ts';
export type { TypedArrayOf } from './tensor/tensor.ts';

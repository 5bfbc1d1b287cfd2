// What `import … from 'wherefore'` gives: the core, and what Node adds to it. One name, one meaning: everything else is
// the package's own business. Headings stand apart, so that the formatter sorts names below them only.

// Explanations, gradients, pages, quality: without Node

export * from './core.ts';

// Models from files

export { type DownloadOptions, type DownloadProgress, downloadModel } from './data/hub/hub.ts';
export { readModelInputs } from './data/inputs/read-model-input.ts';
export { type LoadModelOptions, loadModel } from './data/model/load-model.ts';
export type { NamedFiles } from './data/model/named-beside.ts';
export { loadPreprocessing } from './data/model/preprocessing-file.ts';
export { createNodeRuntime, type NodeRuntimeOptions } from './runtime/node.ts';

// Explanations from and to files

export { type EvaluateOptions, type Evaluation, evaluate } from './explain/evaluation/evaluate.ts';
export { type Replay, replay } from './explain/replay.ts';
export { type HeatMapOptions, heatMapPng } from './report/heat-map-png.ts';
export { renderPage } from './report/render-page.ts';

// Data

export type { DatasetOptions } from './data/datasets/dataset-options.ts';
export { type DatasetInput, pixelDataset, tableDataset } from './data/datasets/in-memory.ts';
export { inspectDataset } from './data/datasets/inspect/inspect-dataset.ts';
export type { DatasetInspection, InspectDatasetOptions } from './data/datasets/inspect/inspection.ts';
export { type OpenedDataset, openDataset } from './data/datasets/open-dataset.ts';
export { readCsv, readJsonLines } from './data/formats/csv.ts';
export { readIdx } from './data/formats/idx.ts';
export { readImage, writePng } from './data/formats/image.ts';
export type { Image } from './data/formats/image-type.ts';
export { readNpy, writeNpy } from './data/formats/npy.ts';
export { readNpz, writeNpz } from './data/formats/npz.ts';
export { readParquet } from './data/formats/parquet.ts';
export { writeParquet } from './data/formats/parquet-write.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './data/formats/safetensors.ts';
export type { Column, Table } from './data/formats/table.ts';
export { readTable } from './data/formats/table-file.ts';
export { type Batch, type BatchOptions, batches } from './dataset/batches.ts';
export { concat } from './dataset/concat.ts';
export type { ColumnValue, Dataset, PassOptions, Rows } from './dataset/dataset.ts';
export { type DatasetSource, defineDataset } from './dataset/define-dataset.ts';
export { datasetOf, type InMemoryOptions } from './dataset/in-memory.ts';
export { shuffle, split, splitBy, subset } from './dataset/select.ts';

// The learned explainer

export { type Adapted, type AdaptOptions, adapt, type Explainer, openExplainer } from './explainer/index.ts';

// Sources of generated texts

export {
  type CalibrateOptions,
  type Calibration,
  type CalibrationImages,
  calibrate,
} from './provenance/image/calibrate.ts';
export { readCalibration, writeCalibration } from './provenance/image/calibration-file.ts';
export { type Encoder, type EncoderChoice, openEncoder } from './provenance/image/encoder.ts';
export {
  changeImageIndex,
  type ImageIndex,
  type ImageIndexWriter,
  openImageIndex,
} from './provenance/image/image-index.ts';
export { type IndexedShard, indexShard } from './provenance/image/index-shard.ts';
export type { Membership } from './provenance/image/membership.ts';
export { type QueryImage, queryImage } from './provenance/image/query-image.ts';
export type { GroupShare, ImageRanking, TracedItem } from './provenance/image/ranking.ts';
export {
  type ImageTrace,
  type ImageTracer,
  imageTracer,
  type TraceImageOptions,
} from './provenance/image/trace-image.ts';
export {
  type EmbeddedChange,
  type EmbeddedIndex,
  embedTexts,
  openEmbeddedIndex,
} from './provenance/text/embedded-index.ts';
export {
  type EmbeddedCorpus,
  nearestSentences,
  type ParaphraseOptions,
  type ParaphraseSource,
  type TracedSentence,
} from './provenance/text/paraphrases.ts';
export type { RoundedVectors } from './provenance/text/rounded-vectors.ts';
export { openSentenceEncoder, type SentenceEncoder } from './provenance/text/sentence-encoder.ts';
export type { IndexedSentenceEncoder, SentenceVectors } from './provenance/text/sentence-vectors.ts';
export { type Sentence, sentencesOf } from './provenance/text/sentences.ts';
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

// Language models

export { type Generated, type GenerateOptions, generate } from './language/generate/generate.ts';
export {
  type LanguageModel,
  type OpenLanguageModelOptions,
  openLanguageModel,
} from './language/model/language-model.ts';

export { type Steering, type SteeringTexts, steered, steeringOf } from './language/where/steering.ts';
export { type WhereDocument, type WhereOptions, whereInModel } from './language/where/where.ts';
export { type WhyOptions, why } from './language/why/why.ts';
export type { WhyDocument } from './language/why/why-document.ts';
export { renderWherePage } from './page/language/where-page.ts';
export { renderWhyPage } from './page/language/why-page.ts';
export { type ValueEdit, withEdits } from './runtime/edit.ts';

// Training data behind a model

export { type OpenRetraining, openRetraining, type Recipe } from './influence/retraining/retraining.ts';
export { type Smoothness, smoothnessOf } from './influence/unrolled/smoothness.ts';
export { openUnrolling, type Unrolling } from './influence/unrolled/unrolling.ts';

// Training

export { checkpointFiles } from './data/formats/checkpoint-files.ts';
export { createEigenThread, type Eigen, type EigenThread } from './runtime/eigen-thread.ts';
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointsInMemory,
  evaluateLoss,
  type Loss,
  type LossEvaluation,
  Network,
  type Optimizer,
  openTrainer,
  openTraining,
  type RowIdentity,
  readManifest,
  type Schedule,
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

// Types that these signatures name

export type { Contents } from './data/datasets/contents.ts';
export type { DatasetDescription } from './data/datasets/dataset-description.ts';
export type { ImageRows } from './data/datasets/image-rows.ts';
export type { ColumnInfo, TableRows } from './data/datasets/table-rows.ts';
export type { TensorRows } from './data/datasets/tensor-rows.ts';
export type { FileMemo } from './data/files/file-memo.ts';
export type { ReadOptions } from './data/files/open-file.ts';
export type { CsvOptions } from './data/formats/csv.ts';
export type { Colour } from './data/formats/image-type.ts';
export type { ColumnKind, ColumnOptions, NumberColumn, TextColumn } from './data/formats/table.ts';
export type { TableInput } from './data/model/preprocessing.ts';
export type { ByteBudget } from './dataset/byte-cache.ts';
export type { Difference } from './explain/compare-documents.ts';
export type { ComputedAhead, EvaluatedInput, EvaluationPlan } from './explain/evaluation/evaluate.ts';
export type { Forecast } from './explain/evaluation/forecast.ts';
export type { ReplayOptions } from './explain/replay.ts';
export type { FusedComparison } from './explainer/compare-fused.ts';
export type { FeatureMap } from './explainer/feature-maps.ts';
export type { AdaptationOptions, AdaptPlan } from './explainer/open-adaptation.ts';
export type { LaxOptions, LaxSettings } from './explainer/settings.ts';
export type { TrainingModel } from './explainer/training-model.ts';
export type { Validation } from './explainer/validate.ts';
export type { Channel, FeatureShare, Features } from './page/features.ts';
export type { MapFigure, MeanScale } from './page/figures.ts';
export type { Frame } from './page/frame.ts';
export type { Mask } from './page/mask.ts';
export type { SignedMap } from './page/signed-map.ts';
export type { Isolation } from './runtime/node.ts';
export type { Divisor } from './train/batch.ts';
export type { EpochRecord, TrainingHistory } from './train/checkpoint.ts';
export type { EvaluateLossOptions } from './train/evaluate.ts';
export type { Fans, Initialization } from './train/initialization.ts';
export type { NetworkOptions } from './train/network.ts';
export type { Moments, WeightDecay } from './train/optimizers.ts';
export type { WarmUp } from './train/schedules.ts';
export type { TrainingState } from './train/step.ts';

// Types that these signatures name

export type { ContentKind } from './data/datasets/contents.ts';
export type { ColumnSummary } from './data/datasets/inspect/column-statistics.ts';
export type { DuplicateGroup, Duplicates } from './data/datasets/inspect/duplicates.ts';
export type { BrokenRow } from './data/datasets/inspect/inspection.ts';
export type { Both, RetrainedValues, Retraining } from './influence/material.ts';
export type { PlannedTraining, RetrainingOptions } from './influence/retraining/retraining.ts';
export type { SmoothnessOptions } from './influence/unrolled/smoothness.ts';
export type { UnrolledOptions } from './influence/unrolled/unrolled.ts';
export type { UnrollingOptions } from './influence/unrolled/unrolling.ts';
export type { Materials } from './train/manifest.ts';

// Types that these signatures name

export type { RememberingDecoder } from './language/generate/remembering-decoder.ts';
export type { SamplingOptions } from './language/generate/sampling.ts';
export type { ChatTemplate } from './language/model/chat-template.ts';
export type { DecoderPart } from './language/model/encoder-decoder.ts';
export type { InputRoles } from './language/model/input-roles.ts';
export type { Unit, UnitKind } from './language/text/units.ts';
export type { Message, Prompt } from './language/text-model.ts';
export type { Contribution } from './language/where/anatomy.ts';
export type { DirectAttribution } from './language/where/direct-attribution.ts';
export type { Lens, LensCell } from './language/where/lens.ts';
export type { Patching } from './language/where/patching.ts';
export type { PatchedGrid, SteeringResult } from './language/where/where.ts';
export type { DeletionCurve } from './language/why/deletion.ts';
export type { WhyRequest } from './language/why/question.ts';
export type {
  DocumentUnit,
  MeasuredBaseline,
  WhyAnswer,
  WhyAttribution,
  WhyMethodName,
} from './language/why/why-document.ts';
export type { Background } from './provenance/image/background.ts';
export type { FeatureBlock } from './provenance/image/features.ts';
export type { Keypoints } from './provenance/image/keypoints.ts';
export type { ImageManifest, IndexedEncoder, IndexedItem } from './provenance/image/manifest.ts';
export type { QueryView } from './provenance/image/query-image.ts';
export type { RankingWeights, TraceQuestion } from './provenance/image/rankings.ts';
export type { Box, MatchedRegion } from './provenance/image/region.ts';
export type { CorpusDocument, Segment } from './provenance/text/segment.ts';

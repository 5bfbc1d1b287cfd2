// What `import … from 'wherefore/web'` gives beside `wherefore/core`: a runtime, images and downloads for a browser, and what
// reads there what Node made.

export type { ColumnValue, Dataset, PassOptions, Rows } from '../dataset/dataset.ts';
export type { InMemoryOptions } from '../dataset/in-memory.ts';
export { datasetOf } from '../dataset/in-memory.ts';
export type {
  Block,
  Covariances,
  EigenPair,
  GradientLabels,
  GradientMaterial,
  Rotation,
  TrainingCheckpoint,
  TwoSided,
} from '../influence/gradient-material.ts';
export type { ModelGradientsOptions } from '../influence/gradient-passes.ts';
export type { Both, Labels, Material, RetrainedValues, Retraining } from '../influence/material.ts';
export type { Matrix, Matrix64 } from '../influence/matrix.ts';
export type { Scores } from '../influence/method.ts';
export { modelGradients } from '../influence/model-gradients.ts';
export { withProjectedFile } from '../influence/projected-file.ts';
export type { ProjectedRows, RowPiece } from '../influence/projected-rows.ts';
export { openProjectedStoreIn, type ProjectedStore, withProjectedStore } from '../influence/projected-store.ts';
export type { InfluenceContext } from '../influence/score.ts';
export { score as influenceScores } from '../influence/score.ts';
export type { AlongDiagonal, Side } from '../influence/side.ts';
export type { MeasuredTerms } from '../influence/slices/measured-query.ts';
export type { Smoothness } from '../influence/unrolled/smoothness.ts';
export type { Unrolling } from '../influence/unrolled/unrolling.ts';
export type { ChatTemplate } from '../language/model/chat-template.ts';
export type { DecoderPart } from '../language/model/encoder-decoder.ts';
export type { InputRoles } from '../language/model/input-roles.ts';
export type { LanguageModel } from '../language/model/language-model.ts';
export { openLanguageModelIn } from '../language/model/language-model-in-files.ts';
export type { UnitKind } from '../language/text/units.ts';
export type { Message } from '../language/text-model.ts';
export type { DeletionCurve } from '../language/why/deletion.ts';
export type { WhyRequest } from '../language/why/question.ts';
export type { WhyOptions } from '../language/why/why.ts';
export { why } from '../language/why/why.ts';
export type {
  DocumentUnit,
  MeasuredBaseline,
  WhyAnswer,
  WhyAttribution,
  WhyDocument,
  WhyMethodName,
} from '../language/why/why-document.ts';
export type { Background } from '../provenance/image/background.ts';
export type { Calibration } from '../provenance/image/calibrate.ts';
export type { FeatureBlock } from '../provenance/image/features.ts';
export { type Encoder, imageEncoder } from '../provenance/image/image-encoder.ts';
export type { Keypoints } from '../provenance/image/keypoints.ts';
export type { IndexedEncoder, IndexedItem } from '../provenance/image/manifest.ts';
export type { Membership } from '../provenance/image/membership.ts';
export { type QueryImage, type QueryView, queryImage } from '../provenance/image/query-image.ts';
export type { GroupShare, ImageRanking, TracedItem } from '../provenance/image/ranking.ts';
export type { RankingWeights, TraceQuestion } from '../provenance/image/rankings.ts';
export { readCalibrationIn } from '../provenance/image/read-calibration.ts';
export { type ImageIndex, openImageIndexIn } from '../provenance/image/read-image-index.ts';
export type { Box, MatchedRegion } from '../provenance/image/region.ts';
export {
  type ImageTrace,
  type ImageTracer,
  imageTracer,
  type TraceImageOptions,
} from '../provenance/image/trace-image.ts';
export type { TextIndex } from '../provenance/text/read-index.ts';
export { openTextIndexIn } from '../provenance/text/read-index.ts';
export type { CorpusDocument, Segment } from '../provenance/text/segment.ts';
export type { SearchedCorpus, SpanSource, VerbatimOptions, VerbatimSpan } from '../provenance/text/verbatim.ts';
export { verbatimSpans } from '../provenance/text/verbatim.ts';
export { decodeImage } from './decode-image.ts';
export { type Download, type DownloadOptions, downloadFile } from './download.ts';
export type { WebGpuOptions } from './web-gpu.ts';
export { createWebRuntime, type WebRuntimeOptions } from './web-runtime.ts';

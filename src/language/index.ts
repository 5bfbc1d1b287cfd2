// `wherefore/language`: language models here and behind an endpoint, and what can be asked of them.
export { type DownloadOptions, type DownloadProgress, downloadModel } from '../data/hub/hub.ts';
export type { LoadModelOptions } from '../data/model/load-model.ts';
export type { NamedFiles } from '../data/model/named-beside.ts';
export type { BootstrapOptions } from '../evaluation/statistics.ts';
export type { Isolation } from '../runtime/node.ts';
export type {
  AuditDocument,
  AuditKind,
  AuditMeasure,
  AuditProgress,
  AuditResult,
  AuditRows,
} from './audit/audit-document.ts';
export {
  type BehaviourArm,
  type BehaviourAudit,
  type BehaviourOptions,
  type BehaviourQuestion,
  behaviourAudit,
  holdsAny,
} from './audit/behaviour.ts';
export {
  type FairnessAudit,
  type FairnessOptions,
  type FairnessQuestion,
  fairnessAudit,
  type WordGroup,
} from './audit/fairness.ts';
export {
  type AskedQuestion,
  type HonestyAudit,
  type HonestyOptions,
  type HonestyQuestion,
  honestyAudit,
  sameByModel,
} from './audit/honesty.ts';
export { type Canary, type ExposedCanary, type MemoryAudit, type MemoryOptions, memoryAudit } from './audit/memory.ts';
export type { AttentionPattern } from './circuit/attention-patterns.ts';
export {
  type CircuitDocument,
  type CircuitEdge,
  type CircuitOptions,
  type CorruptionRequest,
  circuitOf,
  type FaithfulnessCurves,
} from './circuit/circuit.ts';
export type { Faithfulness } from './circuit/edge-attribution.ts';
export type { HeadEffect, HeadSet, NeuronEffect, UnitEffect } from './circuit/unit-effects.ts';
export { type HeadPlace, withoutHeads } from './circuit/without-heads.ts';
export {
  type ConceptEdit,
  type ConceptModel,
  type ConceptModelDocument,
  type ConceptModelOptions,
  type ConceptPrediction,
  type ConceptWeight,
  fitConceptModel,
  predictByConcepts,
} from './concepts/concept-model.ts';
export { parseConcept, proposeConcepts } from './concepts/propose-concepts.ts';
export { type Concept, type ConceptScorer, modelScorer, wordScorer } from './concepts/score-concepts.ts';
export type { LinearClassifier } from './concepts/sparse-logistic.ts';
export type { EditLayers, TriedSite } from './edit/chosen-site.ts';
export { type EditDocument, type EditEffect, type EditFactOptions, editFact } from './edit/edit-fact.ts';
export { type AnswerCache, folderCache, memoryCache } from './endpoint/answer-cache.ts';
export { connectEndpoint, type Endpoint, type EndpointOptions } from './endpoint/endpoint.ts';
export type { Limits, Prices, Used } from './endpoint/limits.ts';
export {
  type Autoencoder,
  type AutoencoderOptions,
  activationsOf,
  type Reconstruction,
  reconstruction,
  trainAutoencoder,
  type Vectors,
} from './features/autoencoder.ts';
export type { FeatureDashboard, FeatureExample } from './features/dashboards.ts';
export { type ControlName, controlDictionary, meanMaxCosine } from './features/dictionaries.ts';
export {
  type DictionaryQuality,
  type FeaturesDocument,
  type FeaturesOptions,
  findFeatures,
  type LearntDictionary,
} from './features/features.ts';
export { type Generated, type GenerateOptions, generate } from './generate/generate.ts';
export { type LocalTextModel, localTextModel } from './generate/local-text-model.ts';
export type { RememberingDecoder } from './generate/remembering-decoder.ts';
export type { SamplingOptions } from './generate/sampling.ts';
export {
  cohensKappa,
  type Distance,
  type Estimate,
  krippendorffsAlpha,
  overItems,
  type Ratings,
} from './judge/agreement.ts';
export {
  type AnswerPair,
  type JudgedPair,
  type Judgement,
  type JudgeOptions,
  judgePairs,
  type PairVerdict,
} from './judge/judge-pairs.ts';
export { type AgainstPeople, againstPeople, type PersonsChoice } from './judge/judgement-document.ts';
export { type CorrectedMean, predictionPowered } from './judge/prediction-powered.ts';
export { type Arm, type ExplainedCase, type Simulatability, simulatability } from './judge/simulatability.ts';
export type { ChatTemplate } from './model/chat-template.ts';
export type { DecoderPart } from './model/encoder-decoder.ts';
export type { InputRoles } from './model/input-roles.ts';
export {
  type LanguageModel,
  type OpenLanguageModelOptions,
  openLanguageModel,
} from './model/language-model.ts';
export { type ProbeDocument, type ProbedLayer, type ProbeOptions, probeLayers } from './probes/probe.ts';
export {
  anotherNumber,
  type ReasonedQuestion,
  type ReasoningDependence,
  type ReasoningForm,
  type ReasoningOptions,
  reasoningDependence,
  type UnreadQuestion,
} from './reasoning/reasoning.ts';
export { type GroupAccuracy, groupAccuracies, worstGroup } from './shortcut/groups.ts';
export type { RankedWord } from './shortcut/rank-words.ts';
export { type FoundShortcut, findShortcut, type ShortcutDocument, type ShortcutOptions } from './shortcut/shortcut.ts';
export { type LabelledText, type SwappedCopies, type SwappedPair, swappedCopies } from './shortcut/swapped-copies.ts';
export {
  type AttributedText,
  attributedTexts,
  openTextClassifier,
  type TextClassifier,
} from './shortcut/text-classifier.ts';
export {
  type Source,
  type SourceQuestion,
  type SourceRole,
  type SourceUse,
  type SourceUseOptions,
  sourceUse,
} from './sources/source-use.ts';
export { type SimilarTextsOptions, similarTexts, type TaughtOptions, taught } from './taught/taught.ts';
export type { TaughtDocument, TaughtRow } from './taught/taught-document.ts';
export type { TaughtQuestion } from './taught/taught-scores.ts';
export type { Unit, UnitKind } from './text/units.ts';
export type {
  Access,
  Answer,
  AnswerOptions,
  AnswerScore,
  AnswerToken,
  Message,
  Prompt,
  TextModel,
} from './text-model.ts';
export type { Contribution } from './where/anatomy.ts';
export type { DirectAttribution } from './where/direct-attribution.ts';
export type { Lens, LensCell } from './where/lens.ts';
export type { Patching } from './where/patching.ts';
export { type Steering, type SteeringTexts, steered, steeringOf } from './where/steering.ts';
export type { PatchedGrid, SteeringResult } from './where/where.ts';
export { type WhereDocument, type WhereOptions, whereInModel } from './where/where.ts';
export type { DeletionCurve } from './why/deletion.ts';
export type { WhyRequest } from './why/question.ts';
export { type WhyOptions, why } from './why/why.ts';
export { type WhyByTextOptions, whyByText } from './why/why-by-text.ts';
export type {
  DocumentUnit,
  MeasuredBaseline,
  WhyAnswer,
  WhyAttribution,
  WhyDocument,
  WhyMethodName,
} from './why/why-document.ts';
export type { ExplanationFacts, ToldFeature } from './words/facts.ts';
export { type SaidInWords, sayInWords } from './words/say.ts';
export { type Audience, tell } from './words/tell.ts';
export { type CheckedSentence, verifyText } from './words/verify.ts';

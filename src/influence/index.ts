export { type AuditedRows, type AuditOptions, audit, type Findings } from './audit/audit.ts';
export type { AuditDocument, AuditedRow, DataSetProblems } from './audit/document.ts';
export { problemKinds, type RowProblem } from './audit/problems.ts';
export {
  type CalibratedSize,
  type Calibration,
  type CalibrationPoint,
  calibratedEffect,
  calibrateEffects,
  type Measured,
  spreadOf,
} from './calibration/calibration.ts';
export {
  type CalibrationDocument,
  calibrationKey,
  readCalibrationDocument,
} from './calibration/calibration-document.ts';
export { type CalibrationPlan, planCalibration, predictedChanges } from './calibration/plan.ts';
export { calibrationTrainings, planRemovals, type Removal } from './calibration/removals.ts';
export { contentOf } from './content.ts';
export { type DecidedDataset, decidedDataset } from './decided-dataset.ts';
export {
  applyDecisions,
  type DecidedRows,
  type Decision,
  formatDecisions,
  parseDecisions,
  settledDecisions,
} from './decisions.ts';
export { type DenseGradients, denseGradients } from './dense-gradients.ts';
export type {
  Block,
  Covariances,
  GradientMaterial,
  Rotation,
  TrainingCheckpoint,
  TwoSided,
} from './gradient-material.ts';
export type { ModelGradientsOptions } from './gradient-passes.ts';
export { type GroupInfluence, groupInfluences } from './groups.ts';
export type { InfluenceDocument, InfluenceList, InfluentialRow, RowQuery } from './influence-document.ts';
export { type LabelMargins, labelMargins } from './label-margins.ts';
export type { Both, Labels, Material, Need, RetrainedValues, Retraining } from './material.ts';
export { type Matrix, type Matrix64, matrix, matrixOf } from './matrix.ts';
export type { Cost, InfluenceMethod, Question, Scores, Size, Suspicion } from './method.ts';
export { type InfluenceMethodName, influenceMethods, influenceTable } from './methods/index.ts';
export { modelGradients } from './model-gradients.ts';
export { type NewtonEffect, openNewtonSteps } from './newton-step.ts';
export { keepProjected, withProjectedFile } from './projected-file.ts';
export { type Judged, judgeScores, type Reliability } from './reliability.ts';
export { lastFeatures, type Represented, type RepresentOptions, represent } from './represent.ts';
export { costOf, type InfluenceContext, influenceMethodNamed, missingNeeds, score, suspicion } from './score.ts';
export type { AlongDiagonal, Side } from './side.ts';
export type { MeasuredQuery, MeasuredSlice, MeasuredTerms } from './slices/measured-query.ts';
export { type SliceFacts, sliceRows } from './slices/slice-filter.ts';
export { type ProposedChange, rankWhatIfs, type WhatIf } from './what-if.ts';

export type { Block, Covariances, GradientMaterial, TrainingCheckpoint, TwoSided } from './gradient-material.ts';
export { type LabelMargins, labelMargins } from './label-margins.ts';
export type { Both, Labels, Material, Need, RetrainedValues, Retraining } from './material.ts';
export { type Matrix, type Matrix64, matrix, matrixOf } from './matrix.ts';
export type { Cost, InfluenceMethod, Question, Scores, Size, Suspicion } from './method.ts';
export { type InfluenceMethodName, influenceMethods, influenceTable } from './methods/index.ts';
export { costOf, type InfluenceContext, influenceMethodNamed, missingNeeds, score, suspicion } from './score.ts';

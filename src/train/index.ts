export { datasetOf, type InMemoryOptions } from '../dataset/in-memory.ts';
export type { Divisor, WeightedBatch } from './batch.ts';
export { type BegunTraining, beginTraining } from './begun-training.ts';
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointsInMemory,
  type EpochRecord,
  type TrainingHistory,
} from './checkpoint.ts';
export { type EvaluateLossOptions, evaluateLoss, type LossEvaluation } from './evaluate.ts';
export * from './initialization.ts';
export * from './layers/index.ts';
export { type LossGradient, type LossGradientsOptions, lossGradients } from './loss-gradients.ts';
export { type Loss, losses } from './losses.ts';
export { manifestOf, optionsOf, type RowIdentity, readManifest, type TrainingManifest } from './manifest.ts';
export { Network, type NetworkOptions, type Value } from './network.ts';
export { type Optimizer, optimizerState, optimizers } from './optimizers.ts';
export { readParameters, trainableParameters, withParameters } from './parameters.ts';
export { planTraining, type TrainingPlan } from './plan.ts';
export { redrawnWeights } from './redraw.ts';
export { type JudgedRows, openRowLosses, type RowLosses, type RowLossesOptions } from './row-losses.ts';
export { learningRateAt, type Schedule, schedules } from './schedules.ts';
export type { TrainingProgress, TrainOptions } from './settings.ts';
export {
  buildTrainingStep,
  openTrainingStep,
  type StepOptions,
  type StepProgram,
  type TrainingState,
  type TrainingStep,
} from './step.ts';
export { type Trained, train } from './train.ts';
export { openTrainer, type TrainedWeights, type Trainer, type Variant } from './trainer.ts';
export { openTraining, trainingFileNames, trainingFiles } from './training-files.ts';

// Types that these signatures name

export type { LossRule, PerSample } from './losses.ts';
export type { Materials } from './manifest.ts';
export type { Moments, Names, OptimizerRule, Update, WeightDecay } from './optimizers.ts';
export type { PlanOptions } from './plan.ts';
export type { Rate, WarmUp } from './schedules.ts';
export type { StepResult } from './step.ts';

// Types that these signatures name

export type { ColumnValue, Dataset, PassOptions, Rows } from '../dataset/dataset.ts';

import type { Tensors } from '../runtime/runtime.ts';
import type { GradientMaterial, TrainingCheckpoint } from './gradient-material.ts';
import type { Matrix } from './matrix.ts';
import type { Unrolling } from './unrolled/unrolling.ts';

/** The same thing of the training rows and of the queries. */
export interface Both<T> {
  readonly rows: T;
  readonly queries: T;
}

/** Class numbers from 0. */
export interface Labels extends Both<Int32Array> {
  readonly classes: number;
}

/** What a training on some of the rows gives. */
export interface RetrainedValues {
  /** f of every query, the measured quantity; by default −loss, in nats. */
  readonly queries: Float64Array;
  /** The same quantity of every training row, in or out of the training. */
  readonly rows: Float64Array;
  /** Share of right predictions of every query and of every row, where the loss knows right and wrong. */
  readonly right?: Both<Float64Array>;
  /** Weights at the end, where the plan keeps them. */
  readonly weights?: Tensors;
}

/** Trains the user's recipe on a part of the rows. */
export interface Retraining {
  /**
   * @param counts how often each row is used: 0 leaves it out; a bootstrap sample uses some twice
   * @param seed of the initial weights and the order of the rows
   */
  train(counts: Uint32Array, seed: number, signal?: AbortSignal): Promise<RetrainedValues>;
  /** The unit of f, e.g. `nats`. */
  readonly unit: string;
}

/** Everything that methods may need, by name. A context has what there is. */
export interface Material {
  readonly labels: Labels;
  /** Representations at one layer, or the inputs themselves. */
  readonly embeddings: Both<Matrix>;
  /** Probabilities of the classes. */
  readonly predictions: Both<Matrix> & {
    /** Whether each training row was predicted by a model that was not trained on it. */
    readonly outOfSample: boolean;
  };
  readonly texts: Both<readonly string[]>;
  readonly retraining: Retraining;
  readonly unrolling: Unrolling;
  readonly gradients: GradientMaterial;
  /** Gradients at several moments of the training, first to last. */
  readonly checkpoints: readonly TrainingCheckpoint[];
}

export type Need = keyof Material;

/** Each need in words, for messages: what it is and how to give it. */
export const needs: Readonly<Record<Need, { readonly what: string; readonly fix: string }>> = {
  labels: { what: 'labels of the rows and of the queries', fix: 'name the column of labels' },
  embeddings: { what: 'representations of rows and queries', fix: 'give a model, or embeddings from a file' },
  predictions: { what: 'probabilities of the classes', fix: 'give a model, or probabilities from a file' },
  texts: { what: 'the rows as texts', fix: 'choose a method that is not about words' },
  retraining: { what: 'a way to train again', fix: 'give the training recipe or a command that trains' },
  unrolling: {
    what: 'the training of this model, to follow it step by step',
    fix: 'train with this package and give the manifest of the training',
  },
  gradients: {
    what: 'gradients of the model',
    fix: 'give a differentiable model, or choose a method without gradients',
  },
  checkpoints: { what: 'checkpoints of the training', fix: 'name the files of the checkpoints' },
};

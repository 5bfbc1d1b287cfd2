import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import type { GradientMaterial } from '../../influence/gradient-material.ts';
import type { ModelGradientsOptions, Passes } from '../../influence/gradient-passes.ts';
import type { Both } from '../../influence/material.ts';
import type { SliceQuery } from './slice-query.ts';

/** Gradients of all rows with a model's weights, and what a store of them is opened with. */
export interface StoreRequest {
  readonly model: LoadedModel;
  /** Value of the graph that holds the logits. */
  readonly output: string;
  readonly classes: number;
  readonly passes: Passes;
  /** Gradients that are computed anew in each pass. */
  readonly computed: GradientMaterial;
}

/** A moment of the training: its weights, the steps done and the learning rate there. */
export interface CheckpointModel {
  readonly model: LoadedModel;
  readonly step: number;
  readonly learningRate: number;
}

export interface InfluenceDataOptions {
  readonly model: LoadedModel;
  readonly data: Dataset;
  /** One row: the query. `scoreQueries` takes several; with `measured` the rows of the slices. */
  readonly query: Dataset;
  /** Class whose log-probability is f. Default: the one that the model predicts. */
  readonly target?: number;
  /** One f of all rows of `query`, which are those of its slices. Default: f of the one row. */
  readonly measured?: SliceQuery;
  /** Default: the most exact that the model allows, see `defaultMethod`. */
  readonly method?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Models trained the same way from other seeds: with at least four the reliability of each row is told. */
  readonly seeds?: readonly LoadedModel[];
  /** Moments of the training, first to last, for methods that sum over them. */
  readonly checkpoints?: readonly CheckpointModel[];
  /** Keeps what is made of the gradients of all rows. Default: they are computed anew. */
  readonly store?: (asked: StoreRequest) => Promise<GradientMaterial>;
  /** Bytes that one run of the model may hold. Default 256 MiB. */
  readonly byteBudget?: number;
  /** Where eigenvectors are computed. Default: in this thread. */
  readonly eigen?: ModelGradientsOptions['eigen'];
  /** Loss of a row in the training as a formula, see `withFormulaLoss`. Default: the cross-entropy. */
  readonly loss?: string;
  /** λ of the training's ½ λ ‖θ‖². Default 0. */
  readonly weightDecay?: number;
  /** Whether large groups get a Newton step. Default false. */
  readonly newton?: boolean;
  /** Whether the strongest rows are sorted by why they act, which takes gradients. Default false. */
  readonly kinds?: boolean;
  /** Labelled rows that are in no training yet and could be added. */
  readonly added?: Dataset;
  /** Rows of each list; default 10. */
  readonly count?: number;
  /** Rows and query as texts, where they are: words in common are then shown beside. */
  readonly texts?: Both<readonly string[]>;
  /** What was concluded of the training rows when they were opened, for the document. */
  readonly dataNotes?: readonly string[];
  /** Whether training rows are held back, so that sums over groups alone are told. Default false. */
  readonly redact?: boolean;
  readonly layer?: string;
  /** Output of the model; default: the first of floats. */
  readonly output?: string;
  readonly seed: number;
  readonly command?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  /**
   * Called before the scores are computed: with a first look (what the model says, the nearest rows), then with the
   * number of gradients of rows, and of multiplications.
   */
  readonly onCost?: (text: string) => void;
}

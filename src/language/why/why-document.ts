import type { UnitKind } from '../text/units.ts';
import type { DeletionCurve } from './deletion.ts';

/** An attribution of one method. */
export interface WhyAttribution {
  readonly method: WhyMethodName;
  readonly title: string;
  readonly formula: string;
  /** What the values belong to. Methods that look at tokens are summed to larger units by whoever shows them. */
  readonly unit: UnitKind;
  /** In nats, one for each unit of that kind, special tokens included. */
  readonly values: readonly number[];
  /** Standard errors of the values, where they are estimates. */
  readonly errors?: readonly number[];
  /** Σ of the values. */
  readonly sum: number;
  /** What they should sum to, and whether the method promises it. */
  readonly target: number;
  readonly promisesSum: boolean;
  /** |Σ − target| / |target|; null where the target is 0. */
  readonly relativeError: number | null;
  /** What stands in for a prompt that says nothing. */
  readonly baseline: string;
  /**
   * Spearman's correlation of Σ_{k ∈ S} A_k with f(S) over sets that no method has seen; null where one does not vary.
   * Beside it stands that of the number of units kept.
   */
  readonly lds: number | null;
  readonly notes: readonly string[];
}

export const whyMethodNames = [
  'integrated-gradients',
  'lrp',
  'attn-lrp',
  'gradient',
  'leave-one-out',
  'guided',
  'refined',
  'surrogate',
  'shapley',
] as const;
export type WhyMethodName = (typeof whyMethodNames)[number];

/** How near integrated gradients from a baseline come to their target: what the default was chosen by. */
export interface MeasuredBaseline {
  readonly name: string;
  readonly points: number;
  readonly relativeError: number;
  readonly target: number;
  readonly chosen: boolean;
}

/** A unit as a document holds it. */
export interface DocumentUnit {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly special: boolean;
}

/** Why a model gave an answer: everything that a page shows. */
export interface WhyDocument {
  readonly format: 'wherefore/language-why';
  readonly version: 1;
  /** No hash of a model behind an endpoint. */
  readonly model: { readonly name: string; readonly hash?: string };
  readonly prompt: string;
  readonly answer: WhyAnswer;
  readonly against?: WhyAnswer;
  /** f: the log-probability of the answer, less that of the other one, in nats. */
  readonly value: number;
  /** f without any unit of the prompt. */
  readonly empty: number;
  readonly units: Readonly<Record<UnitKind, readonly DocumentUnit[]>>;
  /** The kind of unit that is left out by methods that leave out. */
  readonly unit: UnitKind;
  readonly attributions: readonly WhyAttribution[];
  readonly baselines: readonly MeasuredBaseline[];
  /** The attributions' curves, then those of trivial orders. */
  readonly curves: readonly DeletionCurve[];
  readonly control: { readonly sets: number; readonly ldsOfCount: number | null; readonly spread: number };
  /**
   * Prompts that were scored, tokens that were read for them (where the model runs here), gradients, and places between a
   * baseline and the prompt at which f was asked for without one.
   */
  readonly cost: {
    readonly calls: number;
    readonly tokensRead?: number;
    readonly backward: number;
    readonly forward?: number;
  };
  readonly settings: { readonly seed: number; readonly sets: number; readonly samples: number };
  readonly notes: readonly string[];
}

export interface WhyAnswer {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly counted: readonly [start: number, end: number];
  readonly generated: boolean;
  /** Σ log p of the tokens that count, in nats, and of how many. */
  readonly logProbability: number;
}

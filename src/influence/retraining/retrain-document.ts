import type { Redacted } from '../redacted.ts';
import type { Arm } from './experiment.ts';
import type { GroupEffect, GroupTrainings } from './group-plan.ts';
import type { Estimate, Verdict } from './paired.ts';

/** One measured quantity of every training: larger is better. */
export interface MeasuredQuantity {
  readonly title: string;
  readonly unit: string;
  /** By kind of training, one for each seed. */
  readonly values: Readonly<Record<Arm, readonly number[]>>;
  /** Changed less unchanged, of each seed. */
  readonly effect: Estimate;
  /** The same of random rows. */
  readonly random: Estimate;
  /** How far the effect lies from that of random rows. */
  readonly beyond: Estimate;
  readonly verdict: Verdict;
}

/** What the change does to the measured rows of one class. */
export interface ClassEffect {
  readonly class: string;
  readonly rows: number;
  /** Of the first measured quantity; the interval holds for all classes together. */
  readonly effect: Estimate;
}

/** A row that was changed. */
export interface ChangedRow {
  readonly row: number;
  readonly id: string;
  readonly from: string;
  readonly label?: string;
  /** Absent where the row was left out. */
  readonly newLabel?: string;
}

/** What leaving out one row alone does: f of the training with it less f without it, so that a row that helps is positive. */
export interface LeftOutRow {
  readonly row: number;
  readonly id: string;
  readonly from: string;
  readonly label?: string;
  readonly effect: Estimate;
  /** Absent with fewer than five seeds. */
  readonly reliability?: 'stable' | 'weak' | 'noise';
}

/** What retraining found: plain JSON. */
export interface RetrainDocument {
  readonly format: 'wherefore-retrain';
  readonly version: 1;
  readonly wherefore: string;
  readonly command?: string;
  readonly data: { readonly name: string; readonly key: string; readonly rows: number };
  readonly recipe:
    | { readonly kind: 'manifest'; readonly epochs: number; readonly loss: string; readonly optimizer: string }
    | { readonly kind: 'command'; readonly train: string; readonly evaluate?: string };
  /** What was measured on; absent where a command of the user measures. */
  readonly measuredOn?: { readonly name: string; readonly rows: number; readonly fromTraining: boolean };
  readonly seeds: readonly number[];
  readonly trainings: number;
  /** The model that the change made, of the first seed: a file beside this document. */
  readonly model?: string;
  /** Absent where rows were left out one by one. */
  readonly change?: {
    readonly dropped: number;
    readonly relabelled: number;
    /** The first of them. */
    readonly rows: readonly ChangedRow[];
    readonly sameClasses: boolean;
  };
  /** The first one decides. */
  readonly measured: readonly MeasuredQuantity[];
  readonly classes: readonly ClassEffect[];
  /** Rows left out one by one, the most harmful first. */
  readonly leftOut: readonly LeftOutRow[];
  /** Groups of rows, the most harmful first; absent where none were asked about. */
  readonly groups?: {
    readonly column: string;
    /** What was measured, and its unit. */
    readonly title: string;
    readonly unit: string;
    readonly how: GroupTrainings['how'];
    readonly effects: readonly GroupEffect[];
  };
  /** One sentence. */
  readonly answer: string;
  /** Set where training rows are held back. */
  readonly redacted?: Redacted;
  readonly notes: readonly string[];
}

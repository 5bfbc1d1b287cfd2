import type { AskedRecord } from './asked.ts';
import type { CalibrationDocument } from './calibration/calibration-document.ts';
import type { Familiarity } from './familiarity.ts';
import type { GroupInfluence } from './groups.ts';
import type { RowKind } from './kinds.ts';
import type { Question } from './method.ts';
import type { Redacted } from './redacted.ts';
import type { Reliability } from './reliability.ts';
import type { MeasuredQuery } from './slices/measured-query.ts';
import type { WhatIf } from './what-if.ts';

/** A training row with its score for the query. */
export interface InfluentialRow {
  /** Position in the data, from 0. */
  readonly row: number;
  readonly id: string;
  readonly from: string;
  readonly label?: number;
  /** In the method's unit; positive: it helps f. */
  readonly score: number;
  /** Cosine of the representations of row and query. */
  readonly similarity?: number;
  readonly loss?: number;
  /** Where other seeds were given: whether they agree on the sign, and the standard error of the mean. */
  readonly reliability?: Reliability;
  readonly error?: number;
}

/** The rows that help most and harm most, the strongest first. */
export interface InfluenceList {
  readonly proponents: readonly InfluentialRow[];
  readonly opponents: readonly InfluentialRow[];
}

/** Training rows that act on f for the same reason, see `rowKinds`. */
export interface InfluentialKind extends Omit<RowKind, 'rows'> {
  readonly count: number;
  /** The rows nearest to the others of the kind; none where rows are held back. */
  readonly rows: readonly InfluentialRow[];
}

/** One row that is asked about, and what the model says of it. */
export interface RowQuery {
  readonly from: string;
  readonly predicted: number;
  readonly probability: number;
  /** The class whose log-probability is f. */
  readonly target: number;
  readonly targetProbability: number;
  readonly label?: number;
}

/** Which training rows are behind what a model says of a query: plain JSON. */
export interface InfluenceDocument {
  readonly format: 'wherefore-influence';
  readonly version: 1;
  readonly wherefore: string;
  readonly command?: string;
  readonly model: { readonly name: string; readonly hash: string };
  readonly data: { readonly name: string; readonly key: string; readonly rows: number };
  readonly classes: readonly string[];
  readonly query: RowQuery | MeasuredQuery;
  readonly method: {
    readonly name: string;
    readonly title: string;
    readonly source: string;
    readonly unit: string;
    readonly sign: string;
    readonly question: Question;
    readonly additive: boolean;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /** Models that differ by their seed alone, this one among them; 1: nothing is known of the seeds. */
  readonly models: number;
  readonly all: InfluenceList;
  /** The same among rows with the label of f's class alone; absent where f is of no class. */
  readonly sameClass?: InfluenceList;
  /** The nearest rows by representation: what the method is to be compared with. */
  readonly nearest: readonly InfluentialRow[];
  /** Of texts: the rows with most words in common (BM25), which need no model. */
  readonly sameWords?: readonly InfluentialRow[];
  readonly groups: readonly GroupInfluence[];
  /** The strongest rows by why they act, where it was asked. */
  readonly kinds?: readonly InfluentialKind[];
  /** What could be done, the largest rise of f first; with effects in nats where there is a calibration. */
  readonly whatIfs: readonly WhatIf[];
  /** How scores become effects; absent where it was not measured. */
  readonly calibration?: CalibrationDocument;
  /** How familiar the query is to the training rows; absent for very few rows. */
  readonly familiarity?: Familiarity;
  /** Spearman's correlation of the scores with similarity: near 1 the method says what looking alike says. */
  readonly likeSimilarity?: number;
  /** What the command was asked; `wherefore replay` asks it again. Absent where a program asked. */
  readonly asked?: AskedRecord;
  /** Set where training rows are held back. */
  readonly redacted?: Redacted;
  readonly notes: readonly string[];
}

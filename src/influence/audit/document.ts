import type { AskedRecord } from '../asked.ts';
import type { Redacted } from '../redacted.ts';
import type { DuplicateGroup } from './duplicates.ts';
import type { FoundByMethod, PlantKind } from './planted.ts';
import type { LabelFacts, NeighbourFact, ProblemKind, RowProblem } from './problems.ts';
import type { UndersampledRegion } from './regions.ts';
import type { SuspiciousGroup } from './suspicious-groups.ts';

/** A training row in which something is wrong, with the evidence. */
export interface AuditedRow {
  /** Position in the data, from 0. */
  readonly row: number;
  /** Stable name of the row: decisions are kept by it. */
  readonly id: string;
  /** Where it comes from, for people. */
  readonly from: string;
  /** The one list is in the order of it, largest first; from 0 to 1. */
  readonly severity: number;
  readonly problems: readonly RowProblem[];
  readonly label?: LabelFacts;
  /** Influence of the row on the loss of the held-out rows, in the method's unit; negative: it harms. */
  readonly influence?: number;
  readonly neighbours: readonly NeighbourFact[];
}

/** Two classes that are often taken for each other. */
export interface ConfusedClasses {
  readonly given: number;
  readonly suggested: number;
  /** Flagged rows of the class `given` for which the other is suggested. */
  readonly rows: number;
  /** Of the rows labelled `given`. */
  readonly share: number;
}

/** What is wrong with the data set as a whole. */
export interface DataSetProblems {
  readonly classes: readonly { readonly class: number; readonly rows: number; readonly flagged: number }[];
  readonly confused: readonly ConfusedClasses[];
  readonly groups: readonly SuspiciousGroup[];
  readonly undersampled: readonly UndersampledRegion[];
  /** Held-out rows that are in the training data, exactly and nearly. */
  readonly leaks: { readonly exact: number; readonly near: number; readonly heldOut: number };
}

/** Rows of a source, where single rows are held back. */
export interface SourceCount {
  readonly column: string;
  readonly value: string;
  readonly rows: number;
  /** Rows that show a problem. */
  readonly problems: number;
}

/** How well errors are found that were planted in the rows of this audit. */
export interface SelfTest {
  /** Whether the model was trained again on the planted errors; else it never learned them, which makes them easier to find. */
  readonly retrained: boolean;
  /** Part of the labels that was made wrong. */
  readonly share: number;
  readonly kinds: readonly {
    readonly kind: PlantKind;
    readonly planted: number;
    readonly methods: readonly FoundByMethod[];
  }[];
}

/** What an audit found: plain JSON. */
export interface AuditDocument {
  readonly format: 'wherefore-audit';
  readonly version: 1;
  readonly wherefore: string;
  readonly command?: string;
  readonly model?: { readonly name: string; readonly hash: string };
  readonly data: { readonly name: string; readonly key: string; readonly rows: number; readonly heldOut?: string };
  readonly classes: readonly string[];
  /** Where the probabilities come from, and whether the rows were trained on. */
  readonly predictions?: { readonly from: string; readonly outOfSample: boolean };
  /** Where neighbours were looked for, and where copies were. */
  readonly spaces: { readonly neighbours?: string; readonly content: string };
  readonly settings: {
    readonly neighbours: number;
    readonly nearShare: number;
    readonly nearDistance: number;
    readonly seed: number;
  };
  /** How many rows have each kind of problem. */
  readonly counts: Readonly<Record<ProblemKind, number>>;
  /** The one list: rows with a problem, the most severe first. */
  readonly rows: readonly AuditedRow[];
  readonly groups: readonly DuplicateGroup[];
  readonly dataSet: DataSetProblems;
  /** All rows, the most suspicious label first, by each way to order them: evidence together, and the controls. */
  readonly orders?: {
    readonly suspicion: readonly number[];
    readonly loss: readonly number[];
    readonly 'confident-learning': readonly number[];
  };
  /** Problems by value of each column of metadata, the largest share first; where single rows are held back. */
  readonly sources?: readonly SourceCount[];
  /** Where one was asked for. */
  readonly selfTest?: SelfTest;
  /** What the command was asked; `wherefore replay` asks it again. Absent where a program asked. */
  readonly asked?: AskedRecord;
  /** Set where training rows are held back; `listed`: how many show a problem. */
  readonly redacted?: Redacted & { readonly listed: number };
  readonly notes: readonly string[];
}

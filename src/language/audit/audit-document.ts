/** A number of an audit, with a 95 % interval where it has one. */
export interface AuditMeasure {
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  /** What it is a number of, or what it would be by chance. */
  readonly note?: string;
}

/** Single cases of an audit, for a reader to look at. */
export interface AuditRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export type AuditKind = 'memory' | 'fairness' | 'behaviour' | 'honesty';

/** What an audit found. */
export interface AuditResult {
  readonly kind: AuditKind;
  /** Whether something was found that chance does not explain. */
  readonly alarm: boolean;
  /** In a sentence. */
  readonly verdict: string;
  readonly measures: readonly AuditMeasure[];
  readonly cases: AuditRows;
  readonly notes: readonly string[];
}

/** An audit as it is written. */
export interface AuditDocument extends AuditResult {
  readonly format: 'wherefore/language-audit';
  readonly version: 1;
  readonly model: string;
  readonly command?: string;
}

export type AuditProgress = (done: number, total: number) => void;

/** What a document says of rows that are held back. */
export interface Redacted {
  /** Rows that a group must have to be told; smaller ones stand together. */
  readonly leastRows: number;
}

/** How a row is shown: what a person needs to see to judge it. */
export type RowView =
  | {
      readonly kind: 'image';
      readonly width: number;
      readonly height: number /** RGB, row by row. */;
      readonly pixels: Uint8Array;
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly values: readonly string[] }
  | { readonly kind: 'numbers'; readonly values: readonly number[] };

/** Shows some rows. */
export type RowViews = (rows: readonly number[]) => Promise<readonly RowView[]>;

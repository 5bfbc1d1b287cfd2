/** What the page asks of the worker. */
export interface Question {
  /** The model and what lies beside it (weights, wherefore.yaml, labels), and the image, by name. */
  readonly files: ReadonlyMap<string, Blob>;
  readonly model: string;
  readonly image: string;
}

/** What the worker tells. */
export type Answer =
  | { readonly kind: 'progress'; readonly passes: number; readonly most: number }
  | { readonly kind: 'done'; readonly html: string }
  | { readonly kind: 'failed'; readonly message: string };

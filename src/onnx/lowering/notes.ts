/** Something that lowering did, or could not do, that a person reading a result should be able to see. */
export type LoweringNote =
  /** The standard domain was raised to a newer opset. */
  | {
      readonly code: 'opset-upgraded';
      readonly node: '';
      readonly text: string;
      readonly from: number;
      readonly to: number;
    }
  /** A node that calls a function of the model file was replaced by the function's body. */
  | { readonly code: 'function-inlined'; readonly node: string; readonly text: string; readonly function: string }
  /** An `If` whose condition is a constant was replaced by the branch that it takes. */
  | { readonly code: 'branch-inlined'; readonly node: string; readonly text: string; readonly branch: 'then' | 'else' }
  /** An operator was replaced by several standard ones. */
  | { readonly code: 'expanded'; readonly node: string; readonly text: string; readonly operator: string }
  /** An operator that is normally expanded was left as it is, for the reason given. */
  | { readonly code: 'not-expanded'; readonly node: string; readonly text: string; readonly operator: string }
  /** A replacement holds on a condition that the file alone cannot show. */
  | { readonly code: 'assumed'; readonly node: string; readonly text: string; readonly operator: string }
  /** An output that newer versions of the operator do not have, and that nothing reads, is gone. */
  | { readonly code: 'output-dropped'; readonly node: string; readonly text: string; readonly output: string }
  /** A node draws at random: every run of the model has other values. */
  | { readonly code: 'random'; readonly node: string; readonly text: string; readonly operator: string }
  /** A model exported for a fixed number of rows takes others as well. */
  | { readonly code: 'batch-opened'; readonly node: ''; readonly text: string; readonly rows: number }
  /** The model computes in another float type than its file says. */
  | {
      readonly code: 'precision-changed';
      readonly node: '';
      readonly text: string;
      readonly from: string;
      readonly to: string;
    };

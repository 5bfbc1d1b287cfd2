import type { OnnxModel } from '../graph.ts';
import { allExpansions } from './expansions/index.ts';
import { type Lowered, lowerWith } from './lower.ts';

export { extractSubgraph, prune } from './extract.ts';
export type { LoweringNote } from './notes.ts';
export { toFloat32 } from './precision.ts';

export interface LoweringOptions {
  /** Keys of operators (`com.microsoft.FusedMatMul`, `Swish`) that are not expanded. Default none. */
  readonly keep?: ReadonlySet<string>;
}

/**
 * `lowerWith` all expansions, at once.
 * @throws WhereforeError as `lowerWith`
 */
export function lower(model: OnnxModel, { keep = new Set() }: LoweringOptions = {}): Lowered {
  return lowerWith(model, { expansions: allExpansions(), keep });
}

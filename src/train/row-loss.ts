import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import type { DataType } from '../tensor/tensor.ts';
import { appendLoss, type Loss } from './losses.ts';

/** A model with the loss of every row appended: names of values. */
export interface RowLoss {
  readonly graph: Graph;
  /** Input that holds the targets. */
  readonly target: string;
  /** The losses, float32 `[N]`: what a row contributes (all its tokens, say) is added up, not averaged. */
  readonly loss: string;
  /** Input `[N]` that the losses are seeded with: how much each row counts, 0 for one that only fills the batch. */
  readonly seed: string;
}

/**
 * Appends the loss of every row of a batch: `ℓ_n` of output row n and target row n, for gradients of single rows
 * (`buildRowProgram` with `seeds: new Map([[loss, seed]])`).
 *
 * @param targets type and shape of the targets of one batch, see `Loss`
 */
export function withRowLoss(
  graph: Graph,
  loss: Loss,
  output: string,
  targets: { readonly type: DataType; readonly shape: readonly number[] },
): RowLoss {
  const builder = new GraphBuilder(graph, { prefix: 'loss/' });
  const target = builder.input(builder.fresh('target'), targets.type, targets.shape);
  const seed = builder.input(builder.fresh('weight'), 'float32', [targets.shape[0]]);
  const rows = appendLoss(builder, loss, output, target).loss;
  builder.output(rows, 'float32', [targets.shape[0]]);
  return { graph: builder.build(), target, loss: rows, seed };
}

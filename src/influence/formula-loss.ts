import { compileExpression } from '../attribution/targets/target-expression.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { float32 } from '../tensor/tensor.ts';
import type { RowLoss } from '../train/row-loss.ts';

/** Names that a formula of a loss may read, and what they are of a row. */
export const lossNames = { p: 'the probability of its label', logits: 'the scores of all classes' } as const;

/**
 * Appends the loss of every row of a batch as a formula over {@link lossNames}: `−log(p)` is the cross-entropy,
 * `−(1−p)*(1−p)*log(p)` the focal loss of Lin et al. 2017.
 * @param output logits, `[N, classes]`
 * @throws WhereforeError as `compileExpression`
 */
export function withFormulaLoss(
  graph: Graph,
  formula: string,
  output: string,
  { batch, classes }: { readonly batch: number; readonly classes: number },
): RowLoss {
  const builder = new GraphBuilder(graph, { prefix: 'loss/' });
  const target = builder.input(builder.fresh('target'), 'int64', [batch]);
  const seed = builder.input(builder.fresh('weight'), 'float32', [batch]);
  const among = [target, builder.ints([classes]), builder.constant(float32([2], [0, 1]))];
  const oneHot = builder.op('OneHot', among, { axis: -1 });
  const chosen = builder.op('Mul', [builder.op('Softmax', [output], { axis: -1 }), oneHot]);
  const p = builder.op('ReduceSum', [chosen, builder.ints([-1])], { keepdims: 1 });
  const values: Readonly<Record<keyof typeof lossNames, string>> = { p, logits: output };
  // Names of the graph's own values, in quotes, in place of the short ones.
  const text = formula.replace(/\b(p|logits)\b/g, (name) => `"${values[name as keyof typeof lossNames]}"`);
  const facts = {
    shapes: new Map([
      [p, [1, 1]],
      [output, [1, classes]],
    ]),
    types: new Map([
      [p, 'float32'],
      [output, 'float32'],
    ] as const),
    constants: new Map(),
  };
  const loss = compileExpression(builder, [p, output], facts, text);
  builder.output(loss, 'float32', [batch]);
  return { graph: builder.build(), target, loss, seed };
}

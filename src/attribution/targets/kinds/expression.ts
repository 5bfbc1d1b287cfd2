import * as z from 'zod/mini';
import { outputsOf, parseExpression } from '../expression.ts';
import type { TargetKind } from '../kind.ts';
import { compileExpression } from '../target-expression.ts';

/** Any formula over the outputs, see {@link parseExpression}: `logits[3] - max(logits[5], logits[7])`. */
export interface ExpressionTarget {
  readonly kind: 'expression';
  readonly text: string;
  readonly output?: undefined;
}

export const expression = {
  schema: z.object({ kind: z.literal('expression'), text: z.string() }),
  forms: [
    {
      text: 'a formula such as logits[3] - max(logits[5], logits[7])',
      matches: isFormula,
      read: (text) => {
        parseExpression(text);
        return { kind: 'expression', text };
      },
    },
  ],
  compile: ({ builder, graph, facts }, { text }) =>
    compileExpression(
      builder,
      graph.outputs.map(({ name }) => name),
      facts,
      text,
    ),
  describe: ({ text }) => text,
  write: ({ text }) => text,
  form: ({ text }) => text,
  outputs: ({ text }) => outputsOf(parseExpression(text)),
} satisfies TargetKind<ExpressionTarget>;

/** Whether a text holds an element of an output and something to be done with it. */
function isFormula(text: string): boolean {
  return (
    /\[[^\]]*\]/.test(text) && (/[-+*/(]/.test(text.replaceAll(/\[[^\]]*\]|"[^"]*"/g, '')) || /\[[^\]]*:/.test(text))
  );
}

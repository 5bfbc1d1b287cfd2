import { lookup } from '../../../tensor/lookup.ts';
import { describeNode, type Graph, type Node, operatorKey } from '../../graph.ts';
import { stableLogarithm } from '../logarithms.ts';
import type { LoweringNote } from '../notes.ts';
import { timeFirst } from '../recurrent-layout.ts';
import { type Rewriter, rewriteGraph } from '../rewrite.ts';
import { scatterInOrder } from '../scatter-order.ts';
import type { Expansions } from './expression.ts';

/** What is expanded, and what is not. */
export interface ExpandOptions {
  /** Operators that are replaced by simpler ones of the standard domain, by their key. */
  readonly expansions: Expansions;
  /** Keys of operators to leave as they are. */
  readonly keep: ReadonlySet<string>;
}

/**
 * Replaces the runtime's own operators, and the composite ones of the standard, by simple standard operators. One that
 * has no equal stays, with a note that says why: it still runs, but has no gradient.
 */
export function expand(
  graph: Graph,
  { expansions, keep }: ExpandOptions,
  names: Set<string>,
  notes: LoweringNote[],
): Graph {
  const rewrite = (node: Node, to: Rewriter): boolean => {
    if (timeFirst(node, to) || scatterInOrder(node, to) || stableLogarithm(node, to)) return true;
    const operator = operatorKey(node);
    const expansion = lookup(expansions, operator);
    if (!expansion || keep.has(operator)) return false;
    const reason = expansion(node, to);
    const text = reason === undefined ? 'was replaced by standard operators' : `was left as it is: ${reason}`;
    const code = reason === undefined ? 'expanded' : 'not-expanded';
    to.note({ code, node: node.name, operator, text: `${describeNode(node)} ${text}` });
    return reason === undefined;
  };
  return rewriteGraph(graph, rewrite, names, notes);
}

import { lookup } from '../../../tensor/lookup.ts';
import { describeNode, type Graph, type Node, operatorKey } from '../../graph.ts';
import { stableLogarithm } from '../logarithms.ts';
import type { LoweringNote } from '../notes.ts';
import { timeFirst } from '../recurrent-layout.ts';
import { type Rewriter, rewriteGraph } from '../rewrite.ts';
import { scatterInOrder } from '../scatter-order.ts';
import { activationExpansions } from './activations.ts';
import { arrangementExpansions } from './arrangement.ts';
import { attentionExpansions } from './attention.ts';
import { deformableExpansions } from './deformable.ts';
import { expertExpansions } from './experts.ts';
import type { Expansion } from './expression.ts';
import { featureExpansions } from './features.ts';
import { linearModelExpansions } from './linear-models.ts';
import { lossExpansions } from './losses.ts';
import { normalizationExpansions } from './normalization.ts';
import { packedWeightExpansions } from './packed-weights.ts';
import { productExpansions } from './products.ts';
import { quantizedExpansions } from './quantized.ts';
import { rotaryExpansions } from './rotary.ts';
import { supportVectorExpansions } from './support-vectors.ts';

/** Operators that are replaced by simpler ones of the standard domain, by their key. */
export const expansions: Readonly<Record<string, Expansion>> = {
  ...activationExpansions,
  ...arrangementExpansions,
  ...attentionExpansions,
  ...deformableExpansions,
  ...expertExpansions,
  ...featureExpansions,
  ...linearModelExpansions,
  ...lossExpansions,
  ...normalizationExpansions,
  ...packedWeightExpansions,
  ...productExpansions,
  ...quantizedExpansions,
  ...rotaryExpansions,
  ...supportVectorExpansions,
};

/**
 * Replaces the runtime's own operators, and the composite ones of the standard, by simple standard operators. One that
 * has no equal stays, with a note that says why: it still runs, but has no gradient.
 *
 * @param keep keys of operators to leave as they are
 */
export function expand(graph: Graph, keep: ReadonlySet<string>, names: Set<string>, notes: LoweringNote[]): Graph {
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

import * as z from 'zod/mini';
import { type OfOutput, ofOutput, type TargetKind } from '../kind.ts';
import { partsForm, wholeNumber } from '../parts.ts';
import { checkIndex, expectRank, flatElement, indexInput, type Source } from '../target-source.ts';

/** `log p(token id | what precedes)` at a position of a language model's output [batch, position, vocabulary]. */
export interface TokenLogProbabilityTarget extends OfOutput {
  readonly kind: 'tokenLogProbability';
  readonly position: number;
  readonly id: number;
}

export const tokenLogProbability = {
  schema: z.object({ kind: z.literal('tokenLogProbability'), position: z.int(), id: z.int(), ...ofOutput }),
  forms: [
    partsForm('token', 'token:ID or token:POSITION,ID', [1, 2], (parts) => {
      const [position, id] = parts.length === 1 ? ['-1', ...parts] : parts;
      return { kind: 'tokenLogProbability', position: wholeNumber(position), id: wholeNumber(id) };
    }),
  ],
  unit: 'nats',
  names: 'tokens',
  compile: (source, target) => {
    const [positions, vocabulary] = expectRank(source, 2, '[batch, position, vocabulary]');
    const position = target.position < 0 ? target.position + positions : target.position;
    checkIndex(source, position, positions, 'position');
    checkIndex(source, target.id, vocabulary, 'token');
    const row = rowAt(source, position);
    const logProbability = source.builder.op('LogSoftmax', [row], { axis: -1 });
    return flatElement(source, logProbability, target.id);
  },
  describe: ({ id, position }, { name, of }) => `log-probability of token ${name(id)} at position ${position}${of}`,
  write: ({ position, id }) => `token:${position},${id}`,
  probability: (target) => target,
  probabilityOf: Math.exp,
  about: ({ id }) => [id],
} satisfies TargetKind<TokenLogProbabilityTarget>;

/**
 * The scores at one position. Where the output is a product with a matrix of weights, only that position's features
 * are multiplied: the scores of all positions over a whole vocabulary are most of a small model's work.
 */
function rowAt(source: Source, position: number): string {
  const { builder, graph, facts, scores, whole } = source;
  const last = graph.nodes.find((node) => node.outputs.includes(scores));
  const [features, weights] = last?.inputs ?? [];
  const plain = !whole && last?.op === 'MatMul' && last.domain === '' && facts.shapes.get(weights)?.length === 2;
  const value = plain && facts.shapes.get(features)?.length === 3 ? features : scores;
  const row = builder.op('Gather', [value, indexInput(source, position)], { axis: 1 });
  return value === scores ? row : builder.op('MatMul', [row, weights]);
}

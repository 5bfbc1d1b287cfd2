import { WhereforeError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { vocabularySize } from '../onnx/vocabulary.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Whether an input holds ids that the model looks up in a table: numbers between them mean nothing. */
export function holdsTokens(graph: Graph, input: string): boolean {
  return vocabularySize(graph, input) !== undefined;
}

/**
 * Checks that a model knows every token that it is given. An id beyond its table fails deep inside the runtime; one
 * below 0 is taken from the end of the table and means another token.
 * @param what whose tokens they are, for the message
 * @throws WhereforeError `out-of-range`
 */
export function checkTokens(graph: Graph, tensors: Tensors, what: string): void {
  for (const [name, { type, data }] of tensors) {
    const size = type === 'int64' ? vocabularySize(graph, name) : undefined;
    if (size === undefined) continue;
    const at = (data as Tensor<'int64'>['data']).findIndex((id) => id < 0n || id >= BigInt(size));
    if (at < 0) continue;
    throw new WhereforeError('out-of-range', `${what}: input "${name}" holds a token that the model does not know`, {
      got: `${data[at]} at element ${at}`,
      expected: `0 to ${size - 1}`,
    });
  }
}

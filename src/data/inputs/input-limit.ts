import { type Graph, requiredInputs } from '../../onnx/graph.ts';

const MiB = 2 ** 20;

/** Bytes that a file of tensors may have in any case: other names and types stand beside what the model takes. */
const leastLimit = 64 * MiB;

/** Bytes of one input of a model that does not say how large its inputs are. */
const unknownLimit = 512 * MiB;

/**
 * Bytes that the file of one input may have, and unpack to: twice what the model's inputs have as float64, where the
 * model states their sizes, and never less than 64 MiB; else 512 MiB. A batch counts as one item.
 */
export function inputLimit(graph: Graph): number {
  let elements = 0;
  for (const { shape } of requiredInputs(graph)) {
    const sizes = (shape ?? ['']).map((size, axis) => (axis === 0 && typeof size !== 'number' ? 1 : size));
    if (!sizes.every((size) => typeof size === 'number')) return unknownLimit;
    elements += sizes.reduce((product, size) => product * size, 1);
  }
  return Math.max(leastLimit, 2 * 8 * elements);
}

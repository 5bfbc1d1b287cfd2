import { sizeOf } from '../tensor/tensor.ts';
import { type Graph, type Initializer, type Node, nodeOf } from './graph.ts';
import { readInitializer } from './initializer.ts';

/** A weight that the file holds twice. */
export interface TiedWeight {
  /** The copy, which is computed now. */
  readonly copy: string;
  /** The weight that it is computed from. */
  readonly of: string;
  readonly transposed: boolean;
}

/**
 * Makes one parameter again of float32 matrices that a file holds twice, as they are or transposed: exporters write a
 * table of tokens that is the output layer too (tied weights) as two constants, and the gradient of each would be a part
 * only. The copy becomes a node; outputs stay the same. Weights that lie in a file beside the model are left alone, as
 * are those of one repeated value.
 */
export function tieWeights(graph: Graph): { readonly graph: Graph; readonly tied: readonly TiedWeight[] } {
  const matrices = [...graph.initializers.values()].filter(
    ({ type, shape, location }) => type === 'float32' && shape.length >= 2 && location.kind !== 'file',
  );
  const bySize = new Map<number, Initializer[]>();
  for (const weight of matrices) {
    const size = sizeOf(weight.shape);
    bySize.set(size, [...(bySize.get(size) ?? []), weight]);
  }
  const tied: TiedWeight[] = [];
  for (const alike of bySize.values()) {
    const originals: Weight[] = [];
    for (const initializer of alike.length > 1 ? alike : []) {
      const weight = { initializer, data: readInitializer(initializer).data as Float32Array };
      const found = originals.flatMap((of) => tieOf(weight, of)).at(0);
      if (found) tied.push(found);
      else if (weight.data.some((value) => value !== weight.data[0])) originals.push(weight);
    }
  }
  if (tied.length === 0) return { graph, tied };
  const initializers = new Map(graph.initializers);
  const nodes = tied.map(({ copy, of, transposed }): Node => {
    initializers.delete(copy);
    return transposed ? nodeOf('Transpose', [of], copy, { perm: [1, 0] }) : nodeOf('Identity', [of], copy);
  });
  return { graph: { ...graph, initializers, nodes: [...nodes, ...graph.nodes] }, tied };
}

interface Weight {
  readonly initializer: Initializer;
  readonly data: Float32Array;
}

function tieOf(weight: Weight, original: Weight): TiedWeight[] {
  const [a, b] = [weight.initializer.shape, original.initializer.shape];
  const names = { copy: weight.initializer.name, of: original.initializer.name };
  if (`${a}` === `${b}` && weight.data.every((value, i) => value === original.data[i])) {
    return [{ ...names, transposed: false }];
  }
  if (a.length !== 2 || b.length !== 2 || a[0] !== b[1]) return [];
  const [rows, columns] = a;
  const isTurned = weight.data.every(
    (value, i) => value === original.data[(i % columns) * rows + Math.floor(i / columns)],
  );
  return isTurned ? [{ ...names, transposed: true }] : [];
}

import { describe, expect, it } from 'vitest';
import { float32 } from '../tensor/tensor.ts';
import { GraphBuilder } from './builder.ts';
import { tieWeights } from './tie-weights.ts';

const table = [1, 2, 3, 4, 5, 6];

describe('tied weights', () => {
  it('a copy and a transposed copy are computed from the first', () => {
    const b = new GraphBuilder();
    b.initializer('E', float32([3, 2], table));
    b.initializer('turned', float32([2, 3], [1, 3, 5, 2, 4, 6]));
    b.initializer('same', float32([3, 2], table));
    b.initializer('other', float32([2, 3], table));
    const { graph, tied } = tieWeights(b.build());
    expect(tied).toEqual([
      { copy: 'turned', of: 'E', transposed: true },
      { copy: 'same', of: 'E', transposed: false },
    ]);
    expect([...graph.initializers.keys()]).toEqual(['E', 'other']);
    expect(graph.nodes.map(({ op, inputs, outputs }) => [op, ...inputs, ...outputs])).toEqual([
      ['Transpose', 'E', 'turned'],
      ['Identity', 'E', 'same'],
    ]);
  });

  it('vectors, and matrices of one value, are equal by chance', () => {
    const b = new GraphBuilder();
    for (const name of ['a', 'b']) {
      b.initializer(`vector ${name}`, float32([2], [1, 2]));
      b.initializer(`zeros ${name}`, float32([2, 2], [0, 0, 0, 0]));
    }
    const graph = b.build();
    expect(tieWeights(graph)).toEqual({ graph, tied: [] });
  });
});

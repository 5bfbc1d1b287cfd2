import { describe, expect, it } from 'vitest';
import { clusters, contextOf } from '../../test/influence/softmax-regression.ts';
import type { GradientMaterial } from './gradient-material.ts';
import { costOf, sizeOfContext } from './score.ts';

describe('the sizes that a cost depends on', () => {
  // 12 rows and 2 queries of 5 columns, in 3 classes.
  const context = contextOf(clusters(12, 5, 3, 1), clusters(2, 5, 3, 2));

  it('are those of the material', () => {
    expect(sizeOfContext(context)).toMatchObject({
      rows: 12,
      queries: 2,
      classes: 3,
      width: 5,
      parameters: context.gradients?.parameters,
      checkpoints: 2,
      epochs: context.unrolling?.epochs,
      replayBytes: context.unrolling?.keptBytes,
    });
  });

  it('are 0 where there is no material', () => {
    expect(sizeOfContext({ rows: 12, queries: 2, seed: 1 })).toEqual({
      rows: 12,
      queries: 2,
      classes: 0,
      width: 0,
      parameters: 0,
      eigenvectors: 0,
      checkpoints: 0,
      epochs: 0,
      replayBytes: 0,
    });
  });

  it('count the eigenvectors of what is decomposed: not of an index, and of wide sides in parts', () => {
    const blocks = [
      { name: 'table', rows: 4, columns: 30_000, offset: 0, oneHot: 'inputs' },
      { name: 'wide', rows: 3, columns: 5, offset: 120_000, parts: { inputs: [2, 3] } },
    ] as const;
    const gradients = { blocks, parameters: 120_015, rows: 12 } as unknown as GradientMaterial;
    // 4³ of the table's outputs, 3³ + 2³ + 3³ of the other.
    expect(sizeOfContext({ rows: 12, queries: 2, seed: 1, gradients }).eigenvectors).toBe(64 + 27 + 8 + 27);
  });

  it('reach the cost: representer points take the width of the embeddings', () => {
    // 3 passes over rows × classes × (width + bias) each iteration, and a product of each row with each query.
    expect(costOf('rps-l2', context, { iterations: 10 })).toEqual({
      gradients: 0,
      trainings: 0,
      multiplications: 3 * 10 * 12 * 3 * (5 + 1) + 12 * 2 * 5,
      bytes: 16 * 12 * (5 + 3),
    });
  });
});

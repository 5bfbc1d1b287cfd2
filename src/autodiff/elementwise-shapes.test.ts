import { describe, expect, it } from 'vitest';
import { nodeOf } from '../onnx/graph.ts';
import { elementwiseShape } from './elementwise-shapes.ts';

const shapeOf = (op: string, ...shapes: number[][]) => {
  const inputs = shapes.map((_, i) => `v${i}`);
  const rule = elementwiseShape(nodeOf(op, inputs, 'y'));
  return rule && { from: rule.from, shape: rule.shape(shapes.slice(0, rule.from.length)) };
};

describe('shapes that follow from those of the inputs', () => {
  it('keeps the shape of the first input, whatever the others say', () => {
    expect(shapeOf('Tanh', [2, 3])).toEqual({ from: ['v0'], shape: [2, 3] });
    expect(shapeOf('PRelu', [2, 3, 4], [3, 1])).toEqual({ from: ['v0'], shape: [2, 3, 4] });
  });

  it('stretches axes of size 1, aligned at the last axis', () => {
    expect(shapeOf('Add', [2, 1, 3], [4, 1])?.shape).toEqual([2, 4, 3]);
    expect(shapeOf('Mul', [], [5])?.shape).toEqual([5]);
    expect(shapeOf('Where', [3, 1], [1, 2], [])).toEqual({ from: ['v0', 'v1', 'v2'], shape: [3, 2] });
    // An axis without elements stays one: 1 is stretched to 0.
    expect(shapeOf('Sub', [0, 3], [1, 1])?.shape).toEqual([0, 3]);
  });

  it('leaves other operators to the runtime', () => {
    for (const op of ['MatMul', 'Reshape', 'Conv', 'Gather', 'constructor'])
      expect(shapeOf(op, [2, 2], [2, 2])).toBe(undefined);
  });
});

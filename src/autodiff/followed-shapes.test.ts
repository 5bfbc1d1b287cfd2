import { describe, expect, it } from 'vitest';
import { nodeOf, type PlainAttributes } from '../onnx/graph.ts';
import { followedShape } from './followed-shapes.ts';

/** The shape of `op` over inputs of these shapes, with constants behind them. */
function shapeOf(
  op: string,
  shapes: number[][],
  constants: (number[] | undefined)[] = [],
  attributes: PlainAttributes = {},
) {
  const inputs = [...shapes, ...constants].map((one, i) => (one ? `v${i}` : ''));
  const rule = followedShape(nodeOf(op, inputs, 'y', attributes));
  return rule && rule.shape(shapes.slice(0, rule.from.length), constants);
}

describe('shapes that follow from shapes and constants', () => {
  it.each<[string, number[][], (number[] | undefined)[], PlainAttributes, number[] | undefined]>([
    ['Tanh', [[2, 3]], [], {}, [2, 3]],
    [
      'MatMul',
      [
        [2, 1, 3, 4],
        [5, 4, 6],
      ],
      [],
      {},
      [2, 5, 3, 6],
    ],
    [
      'MatMul',
      [
        [3, 4],
        [5, 6],
      ],
      [],
      {},
      undefined,
    ],
    [
      'MatMul',
      [
        [2, 3, 4],
        [3, 4, 5],
      ],
      [],
      {},
      undefined,
    ],
    [
      'GatherND',
      [
        [2, 3, 4],
        [5, 2],
      ],
      [],
      {},
      [5, 4],
    ],
    [
      'GatherND',
      [
        [2, 3, 4],
        [2, 5, 1],
      ],
      [],
      { batch_dims: 1 },
      [2, 5, 4],
    ],
    [
      'ScatterND',
      [
        [2, 3],
        [4, 1],
        [4, 3],
      ],
      [],
      {},
      [2, 3],
    ],
    ['Transpose', [[2, 3, 4]], [], {}, [4, 3, 2]],
    ['Transpose', [[2, 3, 4]], [], { perm: [1, 0, 2] }, [3, 2, 4]],
    ['Reshape', [[2, 3, 4]], [[0, -1]], {}, [2, 12]],
    ['Reshape', [[2, 3, 4]], [[5, -1]], {}, undefined],
    ['Reshape', [[0, 3]], [[0, 3]], { allowzero: 1 }, [0, 3]],
    [
      'Concat',
      [
        [2, 3],
        [2, 5],
      ],
      [],
      { axis: -1 },
      [2, 8],
    ],
    [
      'Concat',
      [
        [2, 3],
        [3, 5],
      ],
      [],
      { axis: 1 },
      undefined,
    ],
    ['Unsqueeze', [[3, 4]], [[0, -1]], {}, [1, 3, 4, 1]],
    ['Unsqueeze', [[3, 4]], [], { axes: [1] }, [3, 1, 4]],
    ['Squeeze', [[1, 3, 1]], [], {}, [3]],
    ['Squeeze', [[1, 3, 1]], [[-1]], {}, [1, 3]],
    ['Squeeze', [[1, 3, 2]], [[2]], {}, undefined],
    ['Slice', [[10, 8]], [[-4], [9_000_000_000], [0], [3]], {}, [2, 8]],
    [
      'Slice',
      [[10, 8]],
      [
        [1, 2],
        [4, -1],
      ],
      {},
      [3, 5],
    ],
    ['Slice', [[10]], [[-1], [-11], [0], [-1]], {}, undefined],
    ['Expand', [[3, 1]], [[2, 1, 4]], {}, [2, 3, 4]],
    ['ReduceMean', [[2, 3, 4]], [[-1]], {}, [2, 3, 1]],
    ['ReduceSum', [[2, 3, 4]], [[0, 2]], { keepdims: 0 }, [3]],
    ['ReduceSum', [[2, 3, 4]], [], {}, undefined],
    ['LayerNormalization', [[2, 3], [3]], [], {}, [2, 3]],
    [
      'Gather',
      [
        [5, 6, 7],
        [2, 3],
      ],
      [],
      { axis: 1 },
      [5, 2, 3, 7],
    ],
    [
      'GatherElements',
      [
        [5, 6],
        [5, 1],
      ],
      [],
      { axis: 1 },
      [5, 1],
    ],
    ['ConstantOfShape', [], [[2, 3]], {}, [2, 3]],
    ['Conv', [[1, 2, 3, 3]], [], {}, undefined],
  ])('%s of %j by %j', (op, shapes, constants, attributes, expected) => {
    expect(shapeOf(op, shapes, constants, attributes)).toEqual(expected);
  });

  it.each<[number[] | undefined, PlainAttributes, number[]]>([
    [[2, 5, 1], {}, [5, 3]],
    [undefined, { split: [1, 4, 3] }, [4, 3]],
    [undefined, {}, [3, 3]],
  ])('tell the parts of a Split by %j, %j', (sizes, attributes, expected) => {
    const node = { ...nodeOf('Split', ['x', ...(sizes ? ['sizes'] : [])], 'a', attributes), outputs: ['a', 'b', 'c'] };
    expect(followedShape(node, 1)?.shape([[8, 3]], sizes ? [sizes] : [])).toEqual(expected);
    expect(followedShape(node, 2)?.shape([[8, 3]], [])).toEqual([attributes.split ? 3 : 2, 3]);
  });

  it('tell an input that is left out from one behind it', () => {
    expect(shapeOf('Slice', [[10, 8]], [[2], [4], undefined, [1]])).toEqual([2, 8]);
  });
});

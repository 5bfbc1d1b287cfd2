import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { PlainAttributes } from '../../onnx/graph.ts';
import { inferTypes } from '../../onnx/types.ts';
import { type DataType, float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type DifferentiatedGraph, differentiate } from '../differentiate.ts';
import { loadRules } from './index.ts';

/** Differentiates one node: inputs by type and shape (a tensor is a constant), the output's shape. */
function differentiated(
  op: string,
  inputs: readonly (readonly [DataType, readonly number[]] | Tensor)[],
  output: readonly number[],
  attributes: PlainAttributes = {},
  behind = (_: GraphBuilder, y: string) => y,
): DifferentiatedGraph {
  const builder = new GraphBuilder();
  const shapes = new Map<string, readonly number[]>([['y', output]]);
  const constants = new Map<string, Tensor>();
  const names = inputs.map((input, i) => {
    const name = `x${i}`;
    if ('data' in input) {
      constants.set(name, input);
      shapes.set(name, input.shape);
      return builder.initializer(name, input);
    }
    shapes.set(name, input[1]);
    return builder.input(name, input[0], input[1]);
  });
  const target = behind(builder, builder.op(op, names, attributes, { outputs: ['y'], name: 'node' }));
  shapes.set(target, output);
  builder.input('seed', 'float32', output);
  const graph = builder.build();
  const facts = { shapes, types: inferTypes(graph), constants };
  return differentiate(graph, facts, { seeds: new Map([[target, 'seed']]), wrt: ['x0'] });
}

describe('what the reader of a gradient is told', () => {
  const [image, regions]: [DataType, number[]][] = [
    ['float32', [1, 2, 8, 8]],
    ['float32', [3, 4]],
  ];
  const images = tensor('int64', [3]);

  beforeAll(() => loadRules());

  it('says that rounding is passed straight through', () => {
    const { notes, gradients } = differentiated(
      'QuantizeLinear',
      [['float32', [4]], float32([], [0.1]), tensor('int8', [])],
      [4],
      {},
      (builder, y) => builder.op('DequantizeLinear', [y, 'x1', 'x2']),
    );
    expect(gradients.get('x0')).toBeDefined();
    expect(notes).toMatchObject([{ code: 'straight-through', node: 'node', operator: 'QuantizeLinear' }]);
  });

  it('has nothing to say about a convolution', () => {
    const weight = float32([2, 2, 3, 3], new Array(36).fill(1));
    expect(differentiated('Conv', [image, weight], [1, 2, 6, 6]).notes).toEqual([]);
  });

  it('refuses RoiAlign with an adaptive number of samples, and says what to do', () => {
    const attempt = () =>
      differentiated('RoiAlign', [image, regions, images], [3, 2, 2, 2], { output_height: 2, output_width: 2 });
    expect(attempt).toThrow(
      /\(RoiAlign\): no gradient: the number of samples .* Fix: export .* positive sampling_ratio/,
    );
  });

  it('refuses MaxRoiPool by name', () => {
    const attempt = () => differentiated('MaxRoiPool', [image, regions], [3, 2, 2, 2]);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'not-differentiable', message: expect.stringContaining('MaxRoiPool') }),
    );
  });

  it('refuses Resize with sizes computed from the data', () => {
    const attempt = () =>
      differentiated('Resize', [image, float32([0], []), ['float32', [4]]], [1, 2, 16, 16], { mode: 'linear' });
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'not-differentiable', message: expect.stringContaining('scales') }),
    );
  });
});

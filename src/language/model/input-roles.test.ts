import { expect, it } from 'vitest';
import { type Graph, type Initializer, nodeOf } from '../../onnx/graph.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import type { DataType } from '../../tensor/tensor.ts';
import { inputRoles } from './input-roles.ts';

const table = (name: string, type: DataType, shape: number[]): [string, Initializer] => {
  const tensor = fromNumbers(type, shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(1));
  return [name, { name, type, shape, location: { kind: 'memory', tensor } }];
};

/** A graph of one table of 12 rows, from which token ids pick. */
const graphWith = (nodes: Graph['nodes'], weights: readonly [string, Initializer][]): Graph => ({
  name: 'tables',
  inputs: [{ name: 'ids', type: 'int64', shape: ['batch', 'sequence'] }],
  outputs: [{ name: 'vectors', type: 'float32', shape: undefined }],
  nodes,
  initializers: new Map(weights),
  values: new Map(),
});

it.each<[string, Graph]>([
  ['as it is', graphWith([nodeOf('Gather', ['table', 'ids'], 'vectors')], [table('table', 'float32', [12, 4])])],
  [
    'large, of float16, made real by a Cast',
    graphWith(
      [nodeOf('Cast', ['half'], 'table', { to: 1 }), nodeOf('Gather', ['table', 'ids'], 'vectors')],
      [table('half', 'float16', [12, 4])],
    ),
  ],
  [
    'in 8 bits, made real before rows are picked',
    graphWith(
      [nodeOf('DequantizeLinear', ['whole', 'scale'], 'table'), nodeOf('Gather', ['table', 'ids'], 'vectors')],
      [table('whole', 'int8', [12, 4]), table('scale', 'float32', [])],
    ),
  ],
  [
    'in 8 bits, made real behind it, as dynamic quantisation does',
    graphWith(
      [nodeOf('Gather', ['whole', 'ids'], 'picked'), nodeOf('DequantizeLinear', ['picked', 'scale'], 'vectors')],
      [table('whole', 'uint8', [12, 4]), table('scale', 'float32', [])],
    ),
  ],
])('finds token ids by their table: %s', (_, graph) => {
  expect(inputRoles(graph, 12)).toMatchObject({ ids: 'ids', embedding: 'vectors' });
});

it('takes no rows of whole numbers for vectors that nothing makes real', () => {
  const graph = graphWith([nodeOf('Gather', ['whole', 'ids'], 'vectors')], [table('whole', 'int8', [12, 4])]);
  expect(() => inputRoles(graph, 12)).toThrow(/no input picks rows/);
});

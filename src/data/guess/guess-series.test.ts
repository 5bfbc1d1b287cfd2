import { expect, it } from 'vitest';
import { attributesOf, type Node, type OnnxModel, type PlainAttributes, type ValueInfo } from '../../onnx/graph.ts';
import { guessSeries } from './guess-series.ts';

const input: ValueInfo = { name: 'x', type: 'float32', shape: ['batch', 12, 6] };

const node = (op: string, inputs: string[], output: string, attributes: PlainAttributes = {}): Node => ({
  op,
  domain: '',
  name: '',
  inputs,
  outputs: [output],
  attributes: attributesOf(attributes),
});

function axesOf(...nodes: Node[]): readonly string[] | undefined {
  const graph = { name: 'g', inputs: [input], outputs: [], nodes, initializers: new Map(), values: new Map() };
  const model: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets: new Map([['', 17]]),
    graph,
    functions: [],
    metadata: new Map(),
  };
  return guessSeries(model, input)?.axes;
}

it('reads the axes off a convolution, also behind padding, a turn, and beside a second path', () => {
  expect(axesOf(node('Conv', ['x', 'w'], 'y'))).toEqual(['batch', 'channel', 'time']);
  expect(axesOf(node('Pad', ['x', 'p'], 'q'), node('Conv', ['q', 'w'], 'y'), node('Conv', ['x', 'v'], 'z'))).toEqual([
    'batch',
    'channel',
    'time',
  ]);
  expect(axesOf(node('Transpose', ['x'], 't', { perm: [0, 2, 1] }), node('Conv', ['t', 'w'], 'y'))).toEqual([
    'batch',
    'time',
    'channel',
  ]);
});

it('reads them off a recurrent layer, time or batch first', () => {
  expect(axesOf(node('GRU', ['x', 'w', 'r'], 'y'))).toEqual(['time', 'batch', 'feature']);
  expect(axesOf(node('LSTM', ['x', 'w', 'r'], 'y', { layout: 1 }))).toEqual(['batch', 'time', 'feature']);
  expect(
    axesOf(node('Shape', ['x'], 's'), node('Transpose', ['x'], 't', { perm: [1, 0, 2] }), node('GRU', ['t', 'w'], 'y')),
  ).toEqual(['batch', 'time', 'feature']);
});

it('says nothing where the graph does not tell, or tells two things', () => {
  expect(axesOf(node('MatMul', ['x', 'w'], 'y'))).toBeUndefined();
  expect(axesOf(node('Conv', ['x', 'w'], 'y'), node('Relu', ['x'], 'z'))).toBeUndefined();
  expect(axesOf(node('Conv', ['x', 'w'], 'y'), node('GRU', ['x', 'w'], 'z'))).toBeUndefined();
  expect(axesOf(node('Conv', ['w', 'x'], 'y'))).toBeUndefined();
});

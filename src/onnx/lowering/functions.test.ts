import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { float32 } from '../../tensor/tensor.ts';
import { type Attributes, attributesOf, type ModelFunction, type Node, type OnnxModel } from '../graph.ts';
import { lower } from './index.ts';

const node = (op: string, inputs: string[], outputs: string[], attributes: Attributes = {}, domain = ''): Node => ({
  op,
  domain,
  name: `${op}_${outputs[0]}`,
  inputs,
  outputs,
  attributes,
});
const info = (name: string) => ({ name, type: 'float32' as const, shape: [2, 2] });

/** scaled(a, b?) = ReduceSum(a · factor, axes 1) written for opset 11, in which the axes are an attribute. */
const scaled: ModelFunction = {
  domain: 'own',
  name: 'scaled',
  inputs: ['a', 'limit'],
  outputs: ['result', 'product'],
  attributes: ['factor'],
  defaults: attributesOf({ keep: 1 }),
  nodes: [
    node('Constant', [], ['f'], { value_float: { kind: 'reference', value: 'factor', type: 1 } }),
    node('Mul', ['a', 'f'], ['product']),
    node('Clip', ['product', '', 'limit'], ['clipped']),
    node('ReduceSum', ['clipped'], ['result'], {
      axes: { kind: 'ints', value: [1] },
      keepdims: { kind: 'reference', value: 'keep', type: 2 },
      unset: { kind: 'reference', value: 'unset', type: 2 },
    }),
  ],
  opsets: new Map([['', 12]]),
};
/** twice(x) = scaled(scaled-product(x)), a call inside a call, with the input passed on as an output. */
const twice: ModelFunction = {
  domain: 'own',
  name: 'twice',
  inputs: ['x'],
  outputs: ['y', 'x'],
  attributes: [],
  defaults: {},
  nodes: [
    node('scaled', ['x'], ['', 'p'], attributesOf({ factor: { float: 3 } }), 'own'),
    node('scaled', ['p'], ['y'], attributesOf({ factor: { float: 0.5 } }), 'own'),
  ],
  opsets: new Map([['own', 1]]),
};

const model = (functions: ModelFunction[], nodes: Node[], outputs: string[]): OnnxModel => ({
  irVersion: 9,
  producer: '',
  opsets: new Map([
    ['', 18],
    ['own', 1],
  ]),
  graph: {
    name: 'g',
    inputs: [info('in')],
    outputs: outputs.map((name) => ({ name, type: 'float32', shape: undefined })),
    nodes,
    initializers: new Map(),
    values: new Map(),
  },
  functions,
  metadata: new Map(),
});
const feeds = { in: float32([2, 2], [1, 2, 3, 4]) };

describe('functions of the model file', () => {
  it('are inlined with their attributes, raised to the opset of the model', async () => {
    const call = node('scaled', ['in'], ['out', 'all'], attributesOf({ factor: { float: 2 } }), 'own');
    const { model: lowered, notes } = lower(model([scaled], [call], ['out', 'all']));
    expect(lowered.functions).toEqual([]);
    expect(lowered.graph.nodes.map((n) => n.op)).toEqual(['Mul', 'Clip', 'ReduceSum']);
    expect(lowered.graph.nodes[1].outputs).toEqual(['scaled_out/clipped']);
    expect(notes).toContainEqual(
      expect.objectContaining({ code: 'function-inlined', node: 'scaled_out', function: 'scaled' }),
    );
    const { out, all } = await runModel(lowered, feeds);
    // (1 + 2)·2 and (3 + 4)·2
    expect([...(out.data as Float32Array)]).toEqual([6, 14]);
    expect(out.shape).toEqual([2, 1]);
    expect([...(all.data as Float32Array)]).toEqual([2, 4, 6, 8]);
  });

  it('may call each other, twice, and pass an input on', async () => {
    const calls = [node('twice', ['in'], ['a', 'b'], {}, 'own'), node('twice', ['b'], ['c'], {}, 'own')];
    const { model: lowered } = lower(model([scaled, twice], calls, ['a', 'b', 'c']));
    const produced = lowered.graph.nodes.flatMap((n) => n.outputs).filter(Boolean);
    expect(new Set(produced).size).toBe(produced.length);
    const { a, b, c } = await runModel(lowered, feeds);
    // 0.5·3·(1 + 2) and 0.5·3·(3 + 4)
    expect([...(a.data as Float32Array)]).toEqual([4.5, 10.5]);
    expect([...(b.data as Float32Array)]).toEqual([1, 2, 3, 4]);
    expect([...(c.data as Float32Array)]).toEqual([4.5, 10.5]);
  });

  it('that call themselves are refused', () => {
    const endless = { ...scaled, nodes: [node('scaled', ['a'], ['result'], {}, 'own')] };
    const call = node('scaled', ['in'], ['out'], {}, 'own');
    expect(() => lower(model([endless], [call], ['out']))).toThrow(/calls itself/);
  });

  /** Functions f0 … fn: each calls the one before so many times in a row; f0 is a Relu. */
  const tower = (levels: number, calls: number) =>
    Array.from({ length: levels + 1 }, (_, level) => ({
      ...scaled,
      name: `f${level}`,
      inputs: ['a'],
      outputs: [level ? `v${calls}` : 'v1'],
      attributes: [],
      defaults: {},
      nodes: Array.from({ length: level ? calls : 1 }, (_, i) =>
        node(level ? `f${level - 1}` : 'Relu', [i ? `v${i}` : 'a'], [`v${i + 1}`], {}, level ? 'own' : ''),
      ),
    }));

  it('that would become 2ⁿ nodes, or nest without end, are refused before they are written out', () => {
    const called = (levels: number, calls: number) =>
      lower(model(tower(levels, calls), [node(`f${levels}`, ['in'], ['out'], {}, 'own')], ['out']));
    expect(called(8, 2).model.graph.nodes.length).toBe(2 ** 8);
    expect(() => called(40, 2)).toThrow(/too often \(got 1099511627776 nodes/);
    expect(called(100, 1).model.graph.nodes.length).toBe(1);
    expect(() => called(20_000, 1)).toThrow(/too deep/);
  });
});

import { describe, expect, it } from 'vitest';
import { float32 } from '../../tensor/tensor.ts';
import { attributesOf, type Graph, type Initializer, type Node } from '../graph.ts';
import { extractSubgraph, prune } from './extract.ts';

const node = (op: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => ({
  op,
  domain: '',
  name: outputs[0],
  inputs,
  outputs,
  attributes,
});
const info = (name: string) => ({ name, type: 'float32' as const, shape: [2] });
const weight = (name: string): [string, Initializer] => [
  name,
  { name, type: 'float32', shape: [2], location: { kind: 'memory', tensor: float32([2], [1, 2]) } },
];

const branch = (captured: string): Graph => ({
  name: 'branch',
  inputs: [],
  outputs: [info(`${captured}_out`)],
  nodes: [node('Neg', [captured], [`${captured}_out`])],
  initializers: new Map(),
  values: new Map(),
});

/** x → a = x·w → b = relu(a); c = if(cond) -a else -v; d = a + x; e is never used. */
const graph: Graph = {
  name: 'g',
  inputs: [info('x'), info('cond')],
  outputs: [info('b'), info('c')],
  nodes: [
    node('Mul', ['x', 'w'], ['a']),
    node('Relu', ['a'], ['b']),
    node('If', ['cond'], ['c'], {
      then_branch: { kind: 'graph', value: branch('a') },
      else_branch: { kind: 'graph', value: branch('v') },
    }),
    node('Add', ['a', 'x'], ['d']),
    node('Split', ['u'], ['e', 'f'], attributesOf({ axis: 0 })),
  ],
  initializers: new Map([weight('w'), weight('v'), weight('u')]),
  values: new Map([['a', info('a')]]),
};

describe('extractSubgraph', () => {
  it('keeps what lies between the cut and the outputs', () => {
    const part = extractSubgraph(graph, { inputs: [info('a')], outputs: ['b'] });
    expect(part.nodes.map((n) => n.op)).toEqual(['Relu']);
    expect(part.inputs.map((i) => i.name)).toEqual(['a']);
    expect([...part.initializers.keys()]).toEqual([]);
    expect(part.outputs).toEqual([info('b')]);
  });

  it('keeps what nested graphs capture', () => {
    const part = extractSubgraph(graph, { inputs: [], outputs: ['c'] });
    expect(part.nodes.map((n) => n.op)).toEqual(['Mul', 'If']);
    expect([...part.initializers.keys()].sort()).toEqual(['v', 'w']);
    expect(part.inputs.map((i) => i.name)).toEqual(['x', 'cond']);
  });

  it('keeps graph inputs that go around the cut, after the cut', () => {
    const part = extractSubgraph(graph, { inputs: [info('a')], outputs: ['d'] });
    expect(part.inputs.map((i) => i.name)).toEqual(['a', 'x']);
  });

  it('takes inner values as outputs, with the types that the graph states', () => {
    const part = extractSubgraph(graph, { inputs: [], outputs: ['a', 'e'] });
    expect(part.outputs).toEqual([info('a'), { name: 'e', type: undefined, shape: undefined }]);
  });

  it('never produces a given value twice', () => {
    const part = extractSubgraph(graph, { inputs: [info('f')], outputs: ['e', 'f'] });
    expect(part.nodes.map((n) => n.outputs)).toEqual([['e']]);
  });

  it('names a value that does not exist', () => {
    expect(() => extractSubgraph(graph, { inputs: [], outputs: ['nowhere'] })).toThrow(/no value "nowhere"/);
  });
});

describe('prune', () => {
  it('drops dead nodes and weights and keeps inputs and outputs', () => {
    const pruned = prune(graph);
    expect(pruned.nodes.map((n) => n.op)).toEqual(['Mul', 'Relu', 'If']);
    expect([...pruned.initializers.keys()]).toEqual(['w', 'v']);
    expect(pruned.inputs).toEqual(graph.inputs);
    expect(pruned.outputs).toEqual(graph.outputs);
  });
});

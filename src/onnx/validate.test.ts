import { describe, expect, it } from 'vitest';
import { float32 } from '../tensor/tensor.ts';
import { GraphBuilder } from './builder.ts';
import type { Graph, ModelFunction, Node, OnnxModel } from './graph.ts';
import { sortNodes } from './sort.ts';
import { validateModel } from './validate.ts';

function node(op: string, inputs: string[], outputs: string[], more: Partial<Node> = {}): Node {
  return { op, domain: '', name: outputs[0], inputs, outputs, attributes: {}, ...more };
}

function model(graph: Graph, more: Partial<OnnxModel> = {}): OnnxModel {
  const opsets = new Map([['', 17]]);
  return { irVersion: 8, producer: '', opsets, graph, functions: [], metadata: new Map(), ...more };
}

function graph(nodes: Node[], outputs: string[] = []): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [2]);
  builder.initializer('w', float32([2], [1, 2]));
  const declared = outputs.map((name) => ({ name, type: undefined, shape: undefined }));
  return { ...builder.build(), nodes, outputs: declared };
}

function branch(nodes: Node[], output: string): Node['attributes'][string] {
  const declared = [{ name: output, type: undefined, shape: undefined }];
  return { kind: 'graph', value: { ...new GraphBuilder().build(), name: 'then', nodes, outputs: declared } };
}

describe('validateModel', () => {
  it('accepts sound graphs, optional inputs left out, and captured values', () => {
    const attributes = { then_branch: branch([node('Neg', ['y'], ['inner'])], 'inner') };
    const nodes = [node('Add', ['x', 'w', ''], ['y', '']), node('If', ['x'], ['z'], { attributes })];
    expect(() => validateModel(model(graph(nodes, ['z', 'x'])))).not.toThrow();
  });

  const refused: [string, OnnxModel, RegExp][] = [
    [
      'a value that exists twice',
      model(graph([node('Neg', ['x'], ['w'])])),
      /node "w" \(Neg\): the value "w" exists already/,
    ],
    [
      'a value that nothing produces',
      model(graph([node('Neg', ['v'], ['y'])])),
      /node "y" \(Neg\): nothing produces "v"/,
    ],
    [
      'a value read too early',
      model(graph([node('Neg', ['b'], ['a']), node('Abs', ['x'], ['b'])])),
      /node "a" \(Neg\): it reads "b" before node "b" \(Abs\) produces it.*sortNodes/,
    ],
    ['a node that reads its own output', model(graph([node('Add', ['x', 'y'], ['y'])])), /reads its own output "y"/],
    ['an output that nothing produces', model(graph([], ['y'])), /graph "graph": nothing produces the output "y"/],
    [
      'an unknown value inside a branch',
      model(
        graph([node('If', ['x'], ['y'], { attributes: { then_branch: branch([node('Neg', ['v'], ['u'])], 'u') } })]),
      ),
      /node "y" \(If\): nothing produces "v"/,
    ],
    [
      'an output of a branch that nothing produces',
      model(graph([node('If', ['x'], ['y'], { attributes: { then_branch: branch([], 'u') } })])),
      /node "y" \(If\): nothing produces "u"/,
    ],
    [
      'an operator domain that is not imported',
      model(graph([node('Foo', ['x'], ['y'], { domain: 'my.domain' })])),
      /node "y" \(my\.domain\.Foo\): the model does not import its operator domain "my\.domain"/,
    ],
    [
      'an impossible opset',
      model(graph([]), { opsets: new Map([['', 0]]) }),
      /domain "": the version is not a positive/,
    ],
  ];
  it.each(refused)('refuses %s', (_, bad, message) => {
    expect(() => validateModel(bad)).toThrow(message);
  });

  it('checks the bodies of functions', () => {
    const fine: ModelFunction = {
      domain: 'my',
      name: 'Twice',
      inputs: ['a'],
      outputs: ['b'],
      attributes: [],
      defaults: {},
      nodes: [node('Add', ['a', 'a'], ['b'])],
      opsets: new Map([['', 17]]),
    };
    const call = graph([node('Twice', ['x'], ['y'], { domain: 'my' })]);
    expect(() => validateModel(model(call, { functions: [fine] }))).not.toThrow();
    expect(() => validateModel(model(call, { functions: [fine, fine] }))).toThrow(/"my\.Twice": it is defined twice/);
    const broken = { ...fine, outputs: ['c'] };
    expect(() => validateModel(model(call, { functions: [broken] }))).toThrow(/no node produces its output "c"/);
  });
});

describe('sortNodes', () => {
  it('gives back a sorted graph itself', () => {
    const sorted = graph([node('Neg', ['x'], ['a']), node('Abs', ['a'], ['b'])]);
    expect(sortNodes(sorted)).toBe(sorted);
  });

  it('counts what nested graphs capture', () => {
    const attributes = { then_branch: branch([node('Neg', ['late'], ['u'])], 'u') };
    const disordered = graph([node('If', ['x'], ['y'], { attributes }), node('Abs', ['x'], ['late'])]);
    expect(sortNodes(disordered).nodes.map((item) => item.outputs[0])).toEqual(['late', 'y']);
  });

  it('sorts chains deeper than the call stack', () => {
    const length = 50_000;
    const chain = Array.from({ length }, (_, i) => node('Neg', [i ? `v${i - 1}` : 'x'], [`v${i}`])).reverse();
    const sorted = sortNodes(graph(chain)).nodes;
    expect(sorted[0].outputs).toEqual(['v0']);
    expect(sorted[length - 1].outputs).toEqual([`v${length - 1}`]);
  });
});

it('sorting tells a value that is produced twice from a cycle', () => {
  const twice = graph([node('Neg', ['x'], ['v'], { name: 'first' }), node('Abs', ['v'], ['v'], { name: 'second' })]);
  expect(() => sortNodes(twice)).toThrow(
    /the value "v" is produced twice \(got node "first" \(Neg\) and node "second" \(Abs\)\)/,
  );
  expect(() => sortNodes(graph([node('Neg', ['b'], ['a']), node('Abs', ['a'], ['b'])]))).toThrow(/has a cycle/);
});

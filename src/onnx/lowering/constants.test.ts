import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { float32, tensor } from '../../tensor/tensor.ts';
import { attributesOf, type Graph, type Node, type OnnxModel, type PlainAttributes } from '../graph.ts';
import { lower } from './index.ts';

const node = (op: string, inputs: string[], outputs: string[], attributes: PlainAttributes = {}): Node => ({
  op,
  domain: '',
  name: `${op}_${outputs[0]}`,
  inputs,
  outputs,
  attributes: attributesOf(attributes),
});
const info = (name: string) => ({ name, type: 'float32' as const, shape: [2] });
const graphOf = (nodes: Node[], inputs: string[], outputs: string[]): Graph => ({
  name: 'g',
  inputs: inputs.map(info),
  outputs: outputs.map(info),
  nodes,
  initializers: new Map(),
  values: new Map(),
});
const modelOf = (graph: Graph): OnnxModel => ({
  irVersion: 9,
  producer: '',
  opsets: new Map([['', 20]]),
  graph,
  functions: [],
  metadata: new Map(),
});
const x = float32([2], [1, -2]);

describe('constants', () => {
  it('become initializers under their names, through Identity too', async () => {
    const nodes = [
      node('Constant', [], ['c'], { value: float32([2], [3, 5]) }),
      node('Identity', ['c'], ['d']),
      node('Constant', [], ['e'], { value_float: { float: 0.5 } }),
      node('Mul', ['x', 'd'], ['m']),
      node('Add', ['m', 'e'], ['y']),
    ];
    const { model } = lower(modelOf(graphOf(nodes, ['x'], ['y'])));
    expect(model.graph.nodes.map((n) => n.op)).toEqual(['Mul', 'Add']);
    expect([...model.graph.initializers.keys()]).toEqual(['c', 'd', 'e']);
    expect([...((await runModel(model, { x })).y.data as Float32Array)]).toEqual([3.5, -9.5]);
  });

  it('keep the place of their bytes in the file, so that they are referred to instead of copied', () => {
    const origin = { path: 'model.onnx', offset: 64, length: 8 };
    const value = { kind: 'tensor' as const, value: float32([2], [3, 5]), origin };
    const constant = { ...node('Constant', [], ['c']), attributes: { value } };
    const { model } = lower(modelOf(graphOf([constant, node('Mul', ['x', 'c'], ['y'])], ['x'], ['y'])));
    expect(model.graph.initializers.get('c')?.origin).toEqual(origin);
  });

  it('that are graph outputs stay produced by a node', async () => {
    const { model } = lower(
      modelOf(graphOf([node('Constant', [], ['y'], { value: float32([2], [3, 5]) })], ['x'], ['y'])),
    );
    expect([...((await runModel(model, { x })).y.data as Float32Array)]).toEqual([3, 5]);
  });

  it('of every attribute kind keep their types', () => {
    const kinds: [PlainAttributes, string, number[]][] = [
      [{ value_int: 3 }, 'int64', []],
      [{ value_ints: [1, 2] }, 'int64', [2]],
      [{ value_floats: { floats: [1, 2, 3] } }, 'float32', [3]],
      [{ value_string: 'a' }, 'string', []],
    ];
    const nodes = kinds.map(([attributes], i) => node('Constant', [], [`c${i}`], attributes));
    const { initializers } = lower(modelOf(graphOf(nodes, [], []))).model.graph;
    kinds.forEach(([, type, shape], i) => {
      expect(initializers.get(`c${i}`)).toMatchObject({ type, shape });
    });
  });
});

describe('If with a constant condition', () => {
  const branch = (nodes: Node[], output: string) => ({ kind: 'graph' as const, value: graphOf(nodes, [], [output]) });
  const conditional = (condition: boolean): Graph => {
    const nodes: Node[] = [
      node('Constant', [], ['condition'], { value: tensor('bool', [], Uint8Array.of(condition ? 1 : 0)) }),
      node('Relu', ['x'], ['r']),
      {
        ...node('If', ['condition'], ['y']),
        attributes: {
          then_branch: branch([node('Neg', ['r'], ['inner']), node('Exp', ['inner'], ['then'])], 'then'),
          else_branch: branch([node('Identity', ['r'], ['else'])], 'else'),
        },
      },
    ];
    return graphOf(nodes, ['x'], ['y']);
  };

  it('becomes the branch that it takes; inner names are prefixed, outputs keep theirs', async () => {
    const { model, notes } = lower(modelOf(conditional(true)));
    expect(model.graph.nodes.map((n) => [n.op, n.outputs[0]])).toEqual([
      ['Relu', 'r'],
      ['Neg', 'If_y/inner'],
      ['Exp', 'y'],
    ]);
    expect(notes).toMatchObject([{ code: 'branch-inlined', node: 'If_y', branch: 'then' }]);
    const { y } = await runModel(model, { x });
    expect((y.data as Float32Array)[0]).toBeCloseTo(Math.exp(-1), 6);
  });

  it('takes the other branch', async () => {
    const { model } = lower(modelOf(conditional(false)));
    expect([...((await runModel(model, { x })).y.data as Float32Array)]).toEqual([1, 0]);
  });

  it('passes a captured value on', async () => {
    const graph = conditional(true);
    const through = { ...graph.nodes[2], attributes: { then_branch: branch([], 'r'), else_branch: branch([], 'r') } };
    const { model } = lower(modelOf({ ...graph, nodes: [...graph.nodes.slice(0, 2), through] }));
    expect([...((await runModel(model, { x })).y.data as Float32Array)]).toEqual([1, 0]);
  });

  it('stays when a caller may replace the condition', () => {
    const graph = conditional(true);
    const condition = { name: 'condition', type: 'bool' as const, shape: [] };
    const value = tensor('bool', [], Uint8Array.of(1));
    const overridable: Graph = {
      ...graph,
      inputs: [...graph.inputs, condition],
      nodes: graph.nodes.slice(1),
      initializers: new Map([['condition', { ...condition, location: { kind: 'memory', tensor: value } }]]),
    };
    expect(lower(modelOf(overridable)).model.graph.nodes.map((n) => n.op)).toEqual(['Relu', 'If']);
    // Before version 4 of the format every initializer was listed as an input, and none could be replaced.
    const old = lower({ ...modelOf(overridable), irVersion: 3 }).model.graph;
    expect(old.nodes.map((n) => n.op)).toEqual(['Relu', 'Neg', 'Exp']);
    expect(old.inputs.map((i) => i.name)).toEqual(['x']);
  });
});

import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { float32 } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';
import { foldNormalization } from './fold-normalization.ts';

/** A 1×1 convolution of one channel into two, normalised. */
function normalised(options: { readonly bias?: boolean; readonly branch?: boolean } = {}): {
  graph: Graph;
  facts: Facts;
} {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 1, 2, 2]);
  const weight = builder.initializer('W', float32([2, 1, 1, 1], [2, 3]));
  const bias = options.bias ? [builder.initializer('b', float32([2], [10, 20]))] : [];
  builder.op('Conv', ['x', weight, ...bias], {}, { outputs: ['conv'] });
  // √(variance + epsilon) is 2 and 4 with epsilon 1.
  const parameters = [
    builder.initializer('scale', float32([2], [1, 8])),
    builder.initializer('shift', float32([2], [0.5, 0.25])),
    builder.initializer('mean', float32([2], [4, 12])),
    builder.initializer('variance', float32([2], [3, 15])),
  ];
  builder.op('BatchNormalization', ['conv', ...parameters], { epsilon: { float: 1 } }, { outputs: ['y'] });
  if (options.branch) builder.output(builder.op('Relu', ['conv'], {}, { outputs: ['z'] }), 'float32', [1, 2, 2, 2]);
  builder.output('y', 'float32', [1, 2, 2, 2]);
  const graph = builder.build();
  const shapes = new Map([...graph.initializers.values()].map(({ name, shape }) => [name, shape] as const));
  const types = new Map([...graph.initializers.keys(), 'x', 'conv', 'y'].map((name) => [name, 'float32'] as const));
  return { graph, facts: { shapes, types, constants: new Map() } };
}

/** Evaluates the element-wise nodes that make the folded weights; vectors of two channels, scalars repeated. */
function elementsOf(graph: Graph, name: string): number[] {
  const weight = graph.initializers.get(name);
  if (weight) {
    const data = [...(readInitializer(weight).data as Float32Array)];
    return data.length === 1 ? [data[0], data[0]] : data;
  }
  const node = graph.nodes.find(({ outputs }) => outputs[0] === name);
  if (!node) throw new Error(`nothing makes ${name}`);
  const [a, b] = node.inputs.slice(0, node.op === 'Reshape' ? 1 : 2).map((input) => elementsOf(graph, input));
  const compute: Record<string, (i: number) => number> = {
    Add: (i) => a[i] + b[i],
    Sub: (i) => a[i] - b[i],
    Mul: (i) => a[i] * b[i],
    Div: (i) => a[i] / b[i],
    Sqrt: (i) => Math.sqrt(a[i]),
    Neg: (i) => -a[i],
    Reshape: (i) => a[i],
  };
  return [0, 1].map(compute[node.op]);
}

const operators = ({ nodes }: Graph) =>
  nodes.map(({ op }) => op).filter((op) => op === 'Conv' || op === 'BatchNormalization');

describe('folding normalizations into convolutions', () => {
  it('scales the weights by γ/√(σ² + ε): 2·1/2 and 3·8/4; the bias is (b − μ)·s + β', () => {
    const { graph, facts } = normalised({ bias: true });
    const folded = foldNormalization(graph, facts, new Set(['x']));
    expect(operators(folded.graph)).toEqual(['Conv']);
    const convolution = folded.graph.nodes.find(({ op }) => op === 'Conv');
    expect(convolution?.outputs).toEqual(['y']);
    expect(elementsOf(folded.graph, convolution?.inputs[1] ?? '')).toEqual([1, 6]);
    // (10 − 4)·½ + ½ and (20 − 12)·2 + ¼
    expect(elementsOf(folded.graph, convolution?.inputs[2] ?? '')).toEqual([3.5, 16.25]);
    expect(folded.facts.shapes.get(convolution?.inputs[1] ?? '')).toEqual([2, 1, 1, 1]);
  });

  it('without a bias: −μ·s + β, that is −4·½ + ½ and −12·2 + ¼', () => {
    const { graph, facts } = normalised();
    const folded = foldNormalization(graph, facts, new Set(['x']));
    const convolution = folded.graph.nodes.find(({ op }) => op === 'Conv');
    expect(elementsOf(folded.graph, convolution?.inputs[2] ?? '')).toEqual([-1.5, -23.75]);
  });

  it.each(['conv', 'W', 'scale', 'mean'])('leaves a pair alone when %s is asked for', (name) => {
    const { graph, facts } = normalised({ bias: true });
    expect(foldNormalization(graph, facts, new Set([name])).graph).toBe(graph);
  });

  it('leaves a pair alone when something else reads the value between', () => {
    const { graph, facts } = normalised({ branch: true });
    expect(foldNormalization(graph, facts, new Set(['x'])).graph).toBe(graph);
  });
});

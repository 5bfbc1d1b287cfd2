import { describe, expect, it } from 'vitest';
import { float32, int64, tensor } from '../tensor/tensor.ts';
import { GraphBuilder } from './builder.ts';
import type { Graph, Node } from './graph.ts';

function chain(): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 2]);
  const hidden = builder.op('Relu', ['x'], {}, { outputs: ['hidden'] });
  builder.output(builder.op('Neg', [hidden], {}, { outputs: ['y'] }), 'float32', ['batch', 2]);
  return builder.build();
}

describe('GraphBuilder', () => {
  it('builds a graph in the order of the calls', () => {
    const graph = chain();
    expect(graph.nodes.map((node) => [node.op, node.inputs, node.outputs])).toEqual([
      ['Relu', ['x'], ['hidden']],
      ['Neg', ['hidden'], ['y']],
    ]);
    expect(graph.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 2] }]);
    expect(graph.outputs).toEqual([{ name: 'y', type: 'float32', shape: ['batch', 2] }]);
  });

  it('leaves the graph it starts from alone', () => {
    const graph = chain();
    const builder = new GraphBuilder(graph, { prefix: 'gradient/' });
    const added = builder.op('Relu', ['y']);
    builder.scalar(2);
    builder.output(added);
    expect(graph.nodes).toHaveLength(2);
    expect(graph.initializers.size).toBe(0);
    expect(graph.outputs).toHaveLength(1);
    expect(added).toBe('gradient/Relu');
    const built = builder.build();
    builder.op('Relu', [added]);
    expect(built.nodes).toHaveLength(3);
  });

  it('never hands out a name twice, also not one used inside a nested graph', () => {
    const body = new GraphBuilder();
    body.op('Identity', ['outer'], {}, { outputs: ['Add'] });
    body.output('Add');
    const branch: Node = {
      op: 'If',
      domain: '',
      name: 'branch',
      inputs: ['condition'],
      outputs: ['chosen'],
      attributes: { then_branch: { kind: 'graph', value: body.build() } },
    };
    const builder = new GraphBuilder();
    builder.input('condition', 'bool', []);
    builder.input('outer', 'float32', []);
    builder.append(branch);
    const names = [builder.op('Add', ['outer', 'outer']), builder.fresh('Add'), builder.op('Add', ['outer', 'outer'])];
    expect(names).not.toContain('Add');
    expect(new Set(names).size).toBe(3);
    expect(new GraphBuilder(builder.build()).fresh('Add')).not.toBe('Add');
  });

  it('refuses a name that is taken and an output that nothing produces', () => {
    const builder = new GraphBuilder(chain());
    expect(() => builder.input('hidden', 'float32', [])).toThrow(/already has a value "hidden"/);
    expect(() => builder.op('Abs', ['x'], {}, { outputs: ['y'] })).toThrow(/already has a value "y"/);
    expect(() => builder.output('z')).toThrow(/"z" is not a value/);
  });

  it('accepts a name that was reserved before', () => {
    const builder = new GraphBuilder(chain());
    const name = builder.fresh('later');
    expect(builder.op('Abs', ['y'], {}, { outputs: [name] })).toBe(name);
  });

  it('shares small constants by type, shape and bits', () => {
    const builder = new GraphBuilder();
    expect(builder.scalar(1)).toBe(builder.scalar(1));
    expect(builder.ints([1, 2])).toBe(builder.constant(int64([2], [1, 2])));
    const distinct = [
      builder.scalar(0),
      builder.scalar(-0),
      builder.scalar(0, 'float64'),
      builder.constant(float32([1], [0])),
      builder.ints([0]),
      builder.constant(tensor('string', [1], ['0'])),
      builder.constant(float32([100], new Float32Array(100))),
      builder.constant(float32([100], new Float32Array(100))),
    ];
    expect(new Set(distinct).size).toBe(distinct.length);
  });

  it('saturates integers at 64 bits', () => {
    const builder = new GraphBuilder();
    const name = builder.ints([2 ** 63, Number.POSITIVE_INFINITY, -(2 ** 70), -7]);
    const { location } = builder.build().initializers.get(name) ?? {};
    expect(location?.kind === 'memory' && [...location.tensor.data]).toEqual([
      9223372036854775807n,
      9223372036854775807n,
      -9223372036854775808n,
      -7n,
    ]);
  });

  it('gives a node further outputs in place', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 1, 4]);
    const pooled = builder.op('MaxPool', ['x'], { kernel_shape: [2] });
    builder.op('Relu', [pooled]);
    const changed = builder.setOutputs(builder.nodes[0], [pooled, builder.fresh('indices')]);
    expect(builder.nodes[0]).toBe(changed);
    expect(changed.outputs).toEqual([pooled, 'indices']);
    expect(() => builder.setOutputs({ ...changed }, [pooled])).toThrow(/not in this builder/);
    expect(() => builder.setOutputs(changed, ['x'])).toThrow(/already has a value "x"/);
  });

  it('fills in what it knows about an output', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float16', ['n', 3]);
    builder.output('x');
    builder.output(builder.initializer('w', float32([2], [1, 2])));
    expect(builder.build().outputs).toEqual([
      { name: 'x', type: 'float16', shape: ['n', 3] },
      { name: 'w', type: 'float32', shape: [2] },
    ]);
  });
});

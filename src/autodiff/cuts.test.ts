import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { inferTypes } from '../onnx/types.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { gradientCuts } from './cuts.ts';

type Build = (b: GraphBuilder) => string;

/** The cuts of a graph of x [2, 3], whose values have the shapes given (those of x where none is). */
function cutsOf(build: Build, shapes: Readonly<Record<string, readonly number[]>> = {}): string[] {
  const b = new GraphBuilder();
  b.input('x', 'float32', [2, 3]);
  const y = build(b);
  const graph = b.build();
  const constants = new Map<string, Tensor>();
  for (const { name, location } of graph.initializers.values())
    if (location.kind === 'memory') constants.set(name, location.tensor);
  const all = new Map<string, readonly number[]>([...graph.initializers].map(([name, { shape }]) => [name, shape]));
  for (const name of ['x', ...graph.nodes.flatMap(({ outputs }) => outputs)]) all.set(name, shapes[name] ?? [2, 3]);
  const facts = { shapes: all, types: inferTypes(graph), constants };
  return gradientCuts(graph.nodes, facts, ['x'], [y]).map(({ text }) => text);
}

const toInteger = (b: GraphBuilder, value: string, name = 'cut') => b.op('Cast', [value], { to: 7 }, { name });
const table = (b: GraphBuilder) => b.constant(float32([4, 1], [1, 2, 3, 4]));
const at = (b: GraphBuilder, ...columns: number[]) => b.constant(int64([columns.length], columns));
const named = (b: GraphBuilder, op: string, inputs: readonly string[], name: string, attributes = {}) =>
  b.op(op, inputs, attributes, { outputs: [name], name });

const columns: Readonly<
  Record<string, { build: Build; shapes: Readonly<Record<string, readonly number[]>>; of: string }>
> = {
  'a column by its number': {
    build: (b) => b.op('Gather', [table(b), toInteger(b, named(b, 'Gather', ['x', at(b, 1)], 'c', { axis: 1 }))]),
    shapes: { c: [2, 1], cut: [2, 1] },
    of: 'column 1 of "x"',
  },
  'columns of a slice, counted from the end': {
    build: (b) =>
      b.op('Gather', [table(b), toInteger(b, named(b, 'Slice', ['x', b.ints([-2]), b.ints([9]), b.ints([1])], 'c'))]),
    shapes: { c: [2, 2], cut: [2, 2] },
    of: 'columns 1, 2 of "x"',
  },
  'a piece of a split, moved about and scaled': {
    build: (b) => {
      const [, second] = b.ops('Split', ['x', b.ints([2, 1])], { axis: 1 }, { outputs: ['a', 'c'] });
      const turned = named(b, 'Transpose', [second], 't');
      return b.op('Gather', [table(b), toInteger(b, named(b, 'Mul', [turned, b.scalar(2)], 'm'))]);
    },
    shapes: { a: [2, 2], c: [2, 1], t: [1, 2], m: [1, 2], cut: [1, 2] },
    of: 'column 2 of "x"',
  },
  'every column, where the path mixes them': {
    build: (b) => b.op('Gather', [table(b), toInteger(b, named(b, 'ReduceSum', ['x', b.ints([1])], 's'))]),
    shapes: { s: [2, 1], cut: [2, 1] },
    of: '"x"',
  },
};

describe('where a gradient ends on the way', () => {
  it.each(Object.entries(columns))('%s', (_, { build, shapes, of }) => {
    // Beside the cut there is a path with a gradient.
    const cuts = cutsOf((b) => b.op('Add', [b.op('Mul', ['x', 'x']), build(b)]), shapes);
    expect(cuts).toHaveLength(1);
    expect(cuts[0]).toMatch(/^node "cut" \(Cast\) cuts the gradient of /);
    expect(cuts[0]).toContain(`of ${of}:`);
  });

  const parts: Readonly<Record<string, { build: Build; nodes: readonly string[] }>> = {
    'a rounding, named once however often it is read': {
      build: (b) => {
        const whole = b.op('Floor', ['x'], {}, { name: 'floor' });
        return b.op('Add', [b.op('Mul', [whole, whole]), 'x']);
      },
      nodes: ['floor'],
    },
    'a step that is multiplied with': {
      build: (b) => {
        const step = b.op('Greater', ['x', b.scalar(0)], {}, { name: 'step' });
        return b.op('Add', ['x', b.op('Cast', [step], { to: 1 })]);
      },
      nodes: ['step'],
    },
    'a choice between constants': {
      build: (b) => {
        const step = b.op('Less', ['x', b.scalar(0)], {}, { name: 'step' });
        return b.op('Add', ['x', b.op('Where', [step, b.scalar(1), b.scalar(2)])]);
      },
      nodes: ['step'],
    },
    'not a kink: a choice between values that carry the gradient': {
      build: (b) => b.op('Where', [b.op('Not', [b.op('Greater', ['x', b.scalar(0)])]), b.scalar(0), 'x']),
      nodes: [],
    },
    'not a guard for missing values': {
      build: (b) => b.op('Where', [b.op('IsNaN', ['x']), b.scalar(0), 'x']),
      nodes: [],
    },
    'not a size': {
      build: (b) => b.op('Mul', ['x', b.op('Cast', [b.op('Size', ['x'])], { to: 1 })]),
      nodes: [],
    },
    'nothing in a plain network': { build: (b) => b.op('Relu', [b.op('Mul', ['x', b.scalar(2)])]), nodes: [] },
  };
  it.each(Object.entries(parts))('%s', (_, { build, nodes }) => {
    expect(cutsOf(build).map((text) => /node "(.*?)"/.exec(text)?.[1])).toEqual(nodes);
  });
});

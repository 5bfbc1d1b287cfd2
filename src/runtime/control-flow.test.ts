import { afterAll, describe, expect, it } from 'vitest';
import { modelOf } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Attribute, Graph } from '../onnx/graph.ts';
import { float32, int64, tensor } from '../tensor/tensor.ts';
import { gradientsOf } from './gradient.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const truth = (value: boolean) => tensor('bool', [], Uint8Array.of(value ? 1 : 0));

let bodies = 0;

/** A nested graph: its inputs, and what it gives. */
function body(inputs: Graph['inputs'], make: (b: GraphBuilder) => readonly string[]): Attribute {
  const b = new GraphBuilder(
    { name: 'body', inputs, outputs: [], nodes: [], initializers: new Map(), values: new Map() },
    { prefix: `body${bodies++}/` },
  );
  const outputs = make(b).map((name) => ({ name, type: undefined, shape: undefined }));
  return { kind: 'graph', value: { ...b.build(), outputs } };
}

function nested(
  b: GraphBuilder,
  op: string,
  inputs: readonly string[],
  attributes: Record<string, Attribute>,
  outputs: readonly string[],
) {
  b.append({ op, domain: '', name: outputs[0], inputs, outputs, attributes });
  return outputs[0];
}

const counters = (i: string): Graph['inputs'] => [
  { name: `${i}/number`, type: 'int64', shape: [] },
  { name: `${i}/goes-on`, type: 'bool', shape: [] },
];
const state = (name: string): Graph['inputs'][number] => ({ name, type: 'float32', shape: undefined });

/** x² where the sum of x is above 0, else −3x. */
const either = (b: GraphBuilder, x = 'x', name = 'chosen') => {
  const isAbove = b.op('Greater', [b.op('ReduceSum', [x], { keepdims: 0 }), b.scalar(0)]);
  const branches = {
    then_branch: body([], (t) => [t.op('Mul', [x, x])]),
    else_branch: body([], (e) => [e.op('Mul', [x, e.scalar(-3)])]),
  };
  return nested(b, 'If', [isAbove], branches, [name]);
};

/** 2ⁿ x, doubled until the sum is above 20. */
const doubled = (b: GraphBuilder, most = b.scalar(50, 'int64')) => {
  const loop = body([...counters('d'), state('d/x')], (inner) => {
    const next = inner.op('Mul', ['d/x', inner.scalar(2)]);
    return [inner.op('Less', [inner.op('ReduceSum', [next], { keepdims: 0 }), inner.scalar(20)]), next];
  });
  return nested(b, 'Loop', [most, b.constant(truth(true)), 'x'], { body: loop }, ['doubled']);
};

async function gradientAt(build: (b: GraphBuilder) => string, values: readonly number[]) {
  const model = modelOf(runtime, [1, values.length], build, values.length);
  const seeds = new Map([
    [
      'y',
      float32(
        [1, values.length],
        values.map(() => 1),
      ),
    ],
  ]);
  const { gradients, notes } = await gradientsOf(model, {
    inputs: new Map([['x', float32([1, values.length], values)]]),
    seeds,
    wrt: ['x'],
  });
  return { gradient: [...(gradients.get('x')?.data ?? [])], notes };
}

describe('decisions by the data', () => {
  it('an If: the gradient of the branch taken, with a note', async () => {
    expect((await gradientAt(either, [1, 3])).gradient).toEqual([2, 6]);
    const below = await gradientAt(either, [-1, -3]);
    expect(below.gradient).toEqual([-3, -3]);
    expect(below.notes).toMatchObject([{ code: 'decision', operator: 'If', node: 'chosen' }]);
    expect(below.notes[0].text).toContain('"else"');
  });

  it('one model, asked at both sides in turn', async () => {
    const model = modelOf(runtime, [1, 2], either, 2);
    const seeds = new Map([['y', float32([1, 2], [1, 1])]]);
    const at = async (values: readonly number[]) => {
      const inputs = new Map([['x', float32([1, 2], values)]]);
      return [...((await gradientsOf(model, { inputs, seeds, wrt: ['x'] })).gradients.get('x')?.data ?? [])];
    };
    expect(await at([1, 3])).toEqual([2, 6]);
    expect(await at([-1, -3])).toEqual([-3, -3]);
    expect(await at([2, 5])).toEqual([4, 10]);
  });

  it.each([
    [[2, 3], 4],
    [[1, 0.25], 16],
  ])('a Loop until the sum of %j is above 20: as many copies as it runs', async (x, factor) => {
    const { gradient, notes } = await gradientAt(doubled, x);
    expect(gradient).toEqual([factor, factor]);
    // 2², 2⁴
    expect(notes[0].text).toContain(`${Math.log2(factor)} iterations`);
  });

  it('a number of iterations that the data gives', async () => {
    // ⌊x_0⌋ times
    const build = (b: GraphBuilder) => {
      const count = b.op('Cast', [b.op('Slice', ['x', b.ints([0]), b.ints([1]), b.ints([1])])], { to: 7 });
      return doubled(b, b.op('Reshape', [count, b.ints([])]));
    };
    expect((await gradientAt(build, [3.5, -100])).gradient).toEqual([8, 8]);
  });

  it('an If inside a Loop', async () => {
    // Twice: x → x² where the sum is above 0. From (−1, −3): (3, 9), then (9, 81): dy/dx = 2 · 3 · −3 and 2 · 9 · −3.
    const build = (b: GraphBuilder) => {
      const loop = body([...counters('l'), state('l/x')], (inner) => [
        inner.op('Identity', ['l/goes-on']),
        either(inner, 'l/x', 'l/chosen'),
      ]);
      return nested(b, 'Loop', [b.scalar(2, 'int64'), b.constant(truth(true)), 'x'], { body: loop }, ['looped']);
    };
    expect((await gradientAt(build, [-1, -3])).gradient).toEqual([-18, -54]);
  });
});

describe('loops that do not run', () => {
  const loop = () =>
    body([...counters('n'), state('n/x')], (inner) => {
      const next = inner.op('Mul', ['n/x', inner.scalar(2)]);
      return [inner.op('Identity', ['n/goes-on']), next, inner.op('ReduceSum', [next], { keepdims: 0 })];
    });

  it.each([
    ['of no trips', 0, true],
    ['whose condition is false', 5, false],
  ])('%s hand on what they were given, and collect nothing', async (_, trips, condition) => {
    const build = (b: GraphBuilder) => {
      const inputs = [b.scalar(trips, 'int64'), b.constant(truth(condition)), 'x'];
      nested(b, 'Loop', inputs, { body: loop() }, ['last', 'collected']);
      return b.op('Add', ['last', b.op('ReduceSum', ['collected'], { keepdims: 0 })]);
    };
    expect((await gradientAt(build, [1, 2])).gradient).toEqual([1, 1]);
  });
});

describe('sequences', () => {
  const at = (b: GraphBuilder, i: number) => b.constant(int64([], [i]));

  it('are the tensors that they hold', async () => {
    // [a, b, c] = columns of x; insert ab before c, drop a: [b, ab, c]; y = (b, ab, c) · 3 with 3 its length.
    const build = (b: GraphBuilder) => {
      const pieces = b.op('SplitToSequence', ['x'], { axis: 1 });
      const [first, second] = [b.op('SequenceAt', [pieces, at(b, 0)]), b.op('SequenceAt', [pieces, at(b, -2)])];
      const longer = b.op('SequenceInsert', [pieces, b.op('Mul', [first, second]), at(b, -1)]);
      const shorter = b.op('SequenceErase', [longer, at(b, 0)]);
      const length = b.op('Cast', [b.op('SequenceLength', [shorter])], { to: 1 });
      return b.op('Mul', [b.op('ConcatFromSequence', [shorter], { axis: 1 }), length]);
    };
    // d/da = 3b, d/db = 3(1 + a), d/dc = 3 at (2, 5, 7)
    expect((await gradientAt(build, [2, 5, 7])).gradient).toEqual([15, 9, 3]);
  });

  it('split into pieces of a size and of several sizes, and stacked along a new axis', async () => {
    const build = (b: GraphBuilder) => {
      const pairs = b.op('SplitToSequence', ['x', b.constant(int64([], [2]))], { axis: 1 });
      const uneven = b.op('SplitToSequence', ['x', b.ints([1, 3])], { axis: 1 });
      const product = b.op('Mul', [b.op('SequenceAt', [pairs, at(b, 0)]), b.op('SequenceAt', [pairs, at(b, 1)])]);
      const both = b.op('SequenceConstruct', [product, b.op('Mul', [product, product])]);
      const stacked = b.op('ReduceSum', [b.op('ConcatFromSequence', [both], { axis: 0, new_axis: 1 })], {
        keepdims: 0,
      });
      const first = b.op('SequenceAt', [uneven, at(b, 0)]);
      return b.op('Expand', [b.op('Add', [first, stacked]), b.ints([1, 4])]);
    };
    // Four times Σ (p + p²) + x_0 with p = (x_0 x_2, x_1 x_3) = (3, 8) at (1, 2, 3, 4): (1 + 2p) times the other factor.
    expect((await gradientAt(build, [1, 2, 3, 4])).gradient).toEqual([4 * (7 * 3 + 1), 4 * 17 * 4, 4 * 7, 4 * 17 * 2]);
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { gradientsOf } from '../runtime/gradient.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** `y`, a vector of 2, of x (any shape) plus of z [1, 2], which is whole: ∂Σy/∂z = 1. */
async function gradients(x: Tensor, build: (builder: GraphBuilder) => string) {
  const builder = new GraphBuilder();
  builder.input(
    'x',
    'float32',
    x.shape.map(() => undefined),
  );
  builder.input('z', 'float32', [1, 2]);
  builder.op('Add', ['z', build(builder)], {}, { outputs: ['y'] });
  builder.output('y', 'float32');
  const inputs = new Map<string, Tensor>([
    ['x', x],
    ['z', float32([1, 2], [1, 2])],
  ]);
  const seeds = new Map([['y', float32([1, 2], [1, 1])]]);
  const found = await gradientsOf(handModel(runtime, builder.build()), { inputs, seeds, wrt: ['x', 'z'] });
  expect([...(found.gradients.get('z')?.data ?? [])]).toEqual([1, 1]);
  return found.gradients.get('x') as Tensor<'float32'>;
}

const nothing = float32([1, 0, 2], []);
const something = float32([1, 3, 2], [1, 2, 3, 4, 5, 6]);
const sum = (b: GraphBuilder, value: string, axis = 1) => b.op('ReduceSum', [value, b.ints([axis])], { keepdims: 0 });

describe('values without elements', () => {
  // PyTorch: an empty gradient of an empty input.
  const empty: [string, (b: GraphBuilder) => string][] = [
    ['a sum over an empty axis', (b) => sum(b, 'x')],
    ['a product', (b) => sum(b, b.op('MatMul', ['x', b.constant(float32([2, 2], [1, 2, 3, 4]))]))],
    ['softmax and a reshape', (b) => sum(b, b.op('Reshape', [b.op('Softmax', ['x']), b.ints([1, -1, 2])]))],
    [
      'a concatenation with an empty part',
      (b) => sum(b, b.op('Concat', ['x', b.constant(float32([1, 1, 2], [1, 2]))], { axis: 1 })),
    ],
    ['a broadcast sum', (b) => sum(b, b.op('Add', ['x', b.constant(float32([2], [1, 2]))]))],
    [
      'a product over an empty inner axis',
      (b) =>
        b.op('Squeeze', [
          b.op('MatMul', [b.op('Transpose', ['x'], { perm: [0, 2, 1] }), b.constant(float32([1, 0, 1], []))]),
          b.ints([2]),
        ]),
    ],
  ];
  it.each(empty)('an empty input: %s', async (_, build) => {
    expect(await gradients(nothing, build)).toEqual(float32([1, 0, 2], []));
  });

  // PyTorch: zeros where nothing is selected.
  const selected: [string, (b: GraphBuilder) => string][] = [
    ['a slice', (b) => sum(b, b.op('Slice', ['x', b.ints([3]), b.ints([3]), b.ints([1])]))],
    ['a gather of no index', (b) => sum(b, b.op('Gather', ['x', b.ints([])], { axis: 1 }))],
    [
      'elements of no position',
      (b) => {
        const above = b.op('NonZero', [b.op('Greater', ['x', b.scalar(10)])]);
        const found = b.op('GatherND', ['x', b.op('Transpose', [above], { perm: [1, 0] })]);
        return b.op('ReduceSum', [b.op('Exp', [found])], { keepdims: 0 });
      },
    ],
    [
      'a compression by nothing',
      (b) =>
        sum(
          b,
          b.op(
            'Compress',
            [
              'x',
              b.op('Greater', [
                b.op('Reshape', [b.op('ReduceMax', ['x', b.ints([0, 2])]), b.ints([-1])]),
                b.scalar(10),
              ]),
            ],
            { axis: 1 },
          ),
        ),
    ],
    ['the best none', (b) => sum(b, b.ops('TopK', ['x', b.ints([0])], { axis: 1 }, { outputs: 2 })[0])],
    ['an empty part of a split', (b) => sum(b, b.ops('Split', ['x', b.ints([3, 0])], { axis: 1 }, { outputs: 2 })[1])],
  ];
  it.each(selected)('nothing selected: %s', async (_, build) => {
    expect(await gradients(something, build)).toEqual(float32([1, 3, 2], new Float32Array(6)));
  });

  it('what is selected beside nothing keeps its gradient', async () => {
    const build = (b: GraphBuilder) => {
      const [all, none] = b.ops('Split', ['x', b.ints([3, 0])], { axis: 1 }, { outputs: 2 });
      return sum(b, b.op('Concat', [none, b.op('Mul', [all, all]), none], { axis: 1 }));
    };
    expect(await gradients(something, build)).toEqual(float32([1, 3, 2], [2, 4, 6, 8, 10, 12]));
  });
});

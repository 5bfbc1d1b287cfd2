import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { drawn, matrix, modelOf } from '../../../test/attribution-models.ts';
import { readSafetensors } from '../../data/formats/safetensors.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { rows, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import type { Target } from '../targets/kinds/index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const width = 6;
const first = { kind: 'output', index: [0] } as const;

/** `y = (operator of x·W)·v` for a row of six, with weights drawn from a seed; without biases. */
function around(operator: (builder: GraphBuilder, value: string) => string) {
  return modelOf(runtime, [1, width], (b) => {
    const hidden = b.op('MatMul', ['x', matrix(b, width, 8, [...drawn([width * 8], 21).data])]);
    return b.op('MatMul', [operator(b, hidden), matrix(b, 8, 1, [...drawn([8], 22).data])]);
  });
}

const x = drawn([1, width], 23);
const x0 = drawn([1, width], 24);
const explain = (
  model: ReturnType<typeof around>,
  method: 'deep-lift' | 'lrp-epsilon' | 'lrp-alpha-beta',
  parameters = {},
) =>
  attribute(model, {
    inputs: new Map([['x', x]]),
    target: first,
    baseline: { kind: 'input', tensor: x0, description: 'drawn' },
    method,
    parameters,
  });

const simple =
  (op: string, attributes: Record<string, never | number | { float: number }> = {}) =>
  (b: GraphBuilder, value: string) =>
    b.op(op, [value], attributes);
const positive = (b: GraphBuilder, value: string) => b.op('Add', [b.op('Mul', [value, value]), b.scalar(0.5)]);

describe('DeepLIFT passes differences on in full through', () => {
  it.each<[string, (builder: GraphBuilder, value: string) => string]>([
    ['Relu', simple('Relu')],
    ['LeakyRelu', simple('LeakyRelu', { alpha: { float: 0.2 } })],
    ['Sigmoid', simple('Sigmoid')],
    ['Tanh', simple('Tanh')],
    ['Gelu', simple('Gelu')],
    ['Elu', simple('Elu')],
    ['Erf', simple('Erf')],
    ['HardSwish', simple('HardSwish')],
    ['Softplus', simple('Softplus')],
    ['Exp', simple('Exp')],
    ['Abs', simple('Abs')],
    ['Softmax', simple('Softmax', { axis: -1 })],
    ['LogSoftmax', simple('LogSoftmax', { axis: -1 })],
    ['Log', (b, value) => b.op('Log', [positive(b, value)])],
    ['Sqrt', (b, value) => b.op('Sqrt', [positive(b, value)])],
    ['Reciprocal', (b, value) => b.op('Reciprocal', [positive(b, value)])],
    ['Clip', (b, value) => b.op('Clip', [value, b.scalar(-0.5), b.scalar(0.7)])],
    ['Pow', (b, value) => b.op('Pow', [value, b.scalar(3)])],
    ['Mul', (b, value) => b.op('Mul', [value, b.op('Sigmoid', [value])])],
    ['Div', (b, value) => b.op('Div', [value, positive(b, value)])],
    ['Max', (b, value) => b.op('Max', [value, b.op('Neg', [value])])],
    ['Min', (b, value) => b.op('Min', [value, b.scalar(0.1)])],
    [
      'MatMul',
      (b, value) => {
        const square = b.op('Reshape', [value, b.ints([-1, 2, 4])]);
        const other = b.op('Transpose', [square], { perm: [0, 2, 1] });
        return b.op('Reshape', [
          b.op('Concat', [b.op('MatMul', [square, other]), b.op('MatMul', [square, other])], { axis: 1 }),
          b.ints([-1, 8]),
        ]);
      },
    ],
    [
      'LayerNormalization',
      (b, value) =>
        b.op('LayerNormalization', [value, b.constant(drawn([8], 25)), b.constant(drawn([8], 26))], { axis: -1 }),
    ],
    [
      'InstanceNormalization',
      (b, value) => {
        const channels = b.op('Reshape', [value, b.ints([-1, 2, 4])]);
        const y = b.op('InstanceNormalization', [channels, b.constant(drawn([2], 25)), b.constant(drawn([2], 26))]);
        return b.op('Reshape', [y, b.ints([-1, 8])]);
      },
    ],
    [
      'ReduceMax',
      (b, value) => {
        const largest = b.op('ReduceMax', [b.op('Reshape', [value, b.ints([-1, 8, 1])]), b.ints([1])], { keepdims: 0 });
        return b.op('Mul', [largest, b.constant(drawn([1, 8], 27))]);
      },
    ],
    [
      'MaxPool',
      (b, value) => {
        const line = b.op('Reshape', [value, b.ints([-1, 1, 8])]);
        return b.op('Reshape', [b.op('MaxPool', [line], { kernel_shape: [3], pads: [1, 1] }), b.ints([-1, 8])]);
      },
    ],
  ])('%s', async (_, operator) => {
    const result = await explain(around(operator), 'deep-lift');
    // float32: the differences divided and multiplied again, through three products.
    expect(Math.abs(result.attributionTarget as number)).toBeGreaterThan(1e-3);
    expect(result.relativeError).toBeLessThan(1e-4);
    expect(result.gradientNotes.filter(({ code }) => code === 'override')).toEqual([]);
  });

  it('says where it has no rule', async () => {
    const product = (b: GraphBuilder, value: string) =>
      b.op('Mul', [b.op('ReduceProd', [value, b.ints([1])]), b.constant(drawn([1, 8], 27))]);
    const result = await explain(around(product), 'deep-lift');
    expect(result.gradientNotes.map(({ text }) => text).join()).toMatch(/no rule for ReduceProd/);
  });
});

describe('DeepLIFT adds up on exported networks', () => {
  const folder = fileURLToPath(new URL('../../../test/fixtures/architectures/', import.meta.url));
  // At the embedding of token models; those with sums over tokens that were left out are no cut, their E says so.
  it.each<[string, string | undefined, Target]>([
    ['vit.script', undefined, { kind: 'classLogit', class: 3 }],
    ['swin.script', undefined, { kind: 'classProbability', class: 3 }],
    ['convnext.dynamo', undefined, { kind: 'classLogProbability', class: 1 }],
    ['efficientnet.script', undefined, { kind: 'logitDifference', a: 1, b: 2 }],
  ])('%s', async (name, layer, target) => {
    const model = createModel(decodeModel(readFileSync(`${folder}${name}.onnx`)), runtime, { name, hash: '' });
    const { tensors } = readSafetensors(readFileSync(`${folder}${name}.safetensors`));
    const [[key, both]] = [...tensors].filter(([found]) => found.startsWith('input:'));
    const input = key.slice('input:'.length);
    const result = await attribute(model, {
      inputs: new Map([[input, rows(both as Tensor<'float32'>, 0, 1)]]),
      target,
      baseline: { kind: 'input', tensor: rows(both as Tensor<'float32'>, 1, 2), description: 'the other row' },
      layer: layer ? { names: [layer] } : undefined,
      method: 'deep-lift',
    });
    // float32 through some tens of layers, where differences cancel.
    expect(result.relativeError).toBeLessThan(1e-3);
    await model.close();
  });
});

describe('LRP conserves relevance without biases through', () => {
  it.each<[string, (builder: GraphBuilder, value: string) => string]>([
    ['Relu', simple('Relu')],
    ['Gelu', simple('Gelu')],
    ['Abs', simple('Abs')],
    ['Tanh', simple('Tanh')],
    ['Mul', (b, value) => b.op('Mul', [value, b.op('Sigmoid', [value])])],
    ['Add', (b, value) => b.op('Add', [value, b.op('Relu', [value])])],
    [
      'MaxPool',
      (b, value) => {
        const line = b.op('Reshape', [value, b.ints([-1, 1, 8])]);
        return b.op('Reshape', [b.op('MaxPool', [line], { kernel_shape: [3], pads: [1, 1] }), b.ints([-1, 8])]);
      },
    ],
    [
      'AveragePool',
      (b, value) => {
        const line = b.op('Reshape', [value, b.ints([-1, 1, 8])]);
        return b.op('Reshape', [
          b.op('AveragePool', [line], { kernel_shape: [2], pads: [0, 1], count_include_pad: 1 }),
          b.ints([-1, 8]),
        ]);
      },
    ],
  ])('%s', async (_, operator) => {
    const model = around(operator);
    for (const method of ['lrp-epsilon', 'lrp-alpha-beta'] as const) {
      const result = await explain(model, method, { epsilon: 0 });
      expect(result.implicitTarget).toBe(result.value);
      // float32 through three layers with parts that cancel.
      expect((result.implicitError as number) / Math.abs(result.value), method).toBeLessThan(1e-4);
    }
  });

  it('a bias takes its part with the ε-rule', async () => {
    const model = modelOf(runtime, [1, width], (b) =>
      b.op('Add', [b.op('MatMul', ['x', matrix(b, width, 1, [...drawn([width], 28).data])]), b.scalar(0.7)]),
    );
    const result = await explain(model, 'lrp-epsilon', { epsilon: 0 });
    expect(result.implicitError).toBeCloseTo(0.7, 5);
  });

  it('ε takes its part: y/(y + ε) of the relevance is left', async () => {
    const model = modelOf(runtime, [1, width], (b) =>
      b.op('MatMul', ['x', matrix(b, width, 1, [...drawn([width], 29).data])]),
    );
    const { value, sum } = await explain(model, 'lrp-epsilon', { epsilon: 0.5 });
    expect(sum).toBeCloseTo((value * value) / (value + 0.5 * Math.sign(value)), 5);
  });
});

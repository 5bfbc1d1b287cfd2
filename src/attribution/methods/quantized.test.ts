import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { matrix, modelOf } from '../../../test/attribution-models.ts';
import { readSafetensors } from '../../data/formats/safetensors.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { fromNumbers, toNumbers } from '../../tensor/convert.ts';
import { float32, rows, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import { prepare } from '../prepare.ts';
import type { MethodName } from './index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** x stored in steps of 0.1 between −12.8 and 12.7, and read back. */
function roundTrip(b: GraphBuilder, x: string): string {
  const scale = b.scalar(0.1);
  const zero = b.constant(fromNumbers('int8', [], [0]));
  return b.op('DequantizeLinear', [b.op('QuantizeLinear', [x, scale, zero]), scale, zero]);
}

const explain = async (model: Parameters<typeof attribute>[0], x: Tensor, x0: Tensor, method: MethodName) =>
  attribute(model, {
    inputs: new Map([['x', x]]),
    target: { kind: 'output', index: [0] },
    baseline: { kind: 'input', tensor: x0, description: 'by hand' },
    method,
  });

describe('quantised values', () => {
  const y = () => modelOf(runtime, [1, 2], (b) => b.op('MatMul', [roundTrip(b, 'x'), matrix(b, 2, 1, [2, 3])]));

  it('DeepLIFT counts what saturates up to the end of the range: 2·12.7 of 20, 3·4 of 4', async () => {
    const { values, gradientNotes } = await explain(
      y(),
      float32([1, 2], [20, 4]),
      float32([1, 2], [0, 0]),
      'deep-lift',
    );
    const [a, b] = toNumbers(values.get('x') as Tensor);
    expect(a).toBeCloseTo(25.4, 4);
    expect(b).toBeCloseTo(12, 4);
    expect(gradientNotes.filter((note) => note.text.includes('no rule'))).toEqual([]);
  });

  it('DeepLIFT leaves rounding out: 2·0.04 of 0.04, which is stored as 0', async () => {
    const { values } = await explain(y(), float32([1, 2], [0.04, 0]), float32([1, 2], [0, 0]), 'deep-lift');
    expect(toNumbers(values.get('x') as Tensor)[0]).toBeCloseTo(0.08, 5);
  });

  it('LRP hands relevance through: 2·3, 3·4', async () => {
    const { values, gradientNotes } = await explain(
      y(),
      float32([1, 2], [3, 4]),
      float32([1, 2], [0, 0]),
      'lrp-epsilon',
    );
    const [a, b] = toNumbers(values.get('x') as Tensor);
    expect(a).toBeCloseTo(6, 3);
    expect(b).toBeCloseTo(12, 3);
    expect(gradientNotes.filter((note) => note.text.includes('no rule'))).toEqual([]);
  });

  const folder = fileURLToPath(new URL('../../../test/fixtures/quantized/', import.meta.url));
  const { tensors } = readSafetensors(readFileSync(`${folder}resnet.safetensors`));
  const image = rows(tensors.get('input:x') as Tensor, 0, 1);

  it.each(['qdq', 'qdq-channel', 'qoperator', 'qoperator-int8', 'qoperator-channel', 'dynamic', 'dynamic-channel'])(
    'DeepLIFT and LRP have rules for all of a ResNet, %s',
    async (variant) => {
      const model = createModel(decodeModel(readFileSync(`${folder}resnet.${variant}.onnx`)), runtime, {
        name: variant,
        hash: '',
      });
      const black = float32(image.shape, new Float32Array(image.data.length));
      for (const method of ['deep-lift', 'lrp-epsilon', 'lrp-alpha-beta'] as const) {
        const { sum, value, attributionTarget, gradientNotes } = await explain(model, image, black, method);
        expect(gradientNotes.filter((note) => note.text.includes('no rule'))).toEqual([]);
        expect(Number.isFinite(sum)).toBe(true);
        // Rounding, of a logit of about 1 in steps of some hundredths, is all that is lost.
        if (method === 'deep-lift') expect(Math.abs(sum - (attributionTarget as number))).toBeLessThan(0.05);
        // Biases take nothing, whether a layer holds them or a node behind it adds them: but for ε all of f(x) is shared.
        if (method === 'lrp-alpha-beta') expect(Math.abs(sum - value)).toBeLessThan(0.1);
      }
      await model.close();
    },
  );

  it('DeepLIFT leaves out the rounding of activations whose steps follow from the input: 2·5·0.5, 3·4·0.5', async () => {
    const model = modelOf(runtime, [1, 2], (b) => {
      const [q, scale, zero] = b.ops('DynamicQuantizeLinear', ['x'], {}, { outputs: 3 });
      const weights = b.constant(fromNumbers('int8', [2, 1], [2, 3]));
      const sum = b.op('Cast', [b.op('MatMulInteger', [q, weights, zero])], { to: 1 });
      return b.op('Mul', [sum, b.op('Mul', [scale, b.scalar(0.5)])]);
    });
    const { values, gradientNotes } = await explain(
      model,
      float32([1, 2], [5, 4]),
      float32([1, 2], [0, 0]),
      'deep-lift',
    );
    const [a, b] = toNumbers(values.get('x') as Tensor);
    expect(a).toBeCloseTo(5, 4);
    expect(b).toBeCloseTo(6, 4);
    expect(gradientNotes.filter((note) => note.text.includes('no rule'))).toEqual([]);
  });

  // Steps of (2 − 0)/255 alone; in one batch with (100, 200) of 200/255, in which 1 and 2 become .78 and 2.35. The first
  // and the last point agree in one run.
  it('takes points one by one where the steps of rounding follow from the whole batch', async () => {
    const model = modelOf(runtime, [1, 2], (b) => {
      const read = b.op('DequantizeLinear', b.ops('DynamicQuantizeLinear', ['x'], {}, { outputs: 3 }));
      return b.op('ReduceSum', [read, b.ints([1])], { keepdims: 1 });
    });
    const inputs = new Map([['x', float32([1, 2], [1, 2])]]);
    const prepared = await prepare(model, inputs, { kind: 'output', index: [0] });
    const all = float32([3, 2], [1, 2, 100, 200, 1, 2]);
    const points = { cut: ['x'], count: 3, at: (from: number, to: number) => new Map([['x', rows(all, from, to)]]) };
    const { target } = await prepared.evaluate(points);
    expect(target[0]).toBeCloseTo(3, 2);
    expect(target[2]).toBeCloseTo(3, 2);
  });
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { decodeModel } from '../onnx/decode.ts';
import { toNumbers } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gradientsOf } from './gradient.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

const folder = fileURLToPath(new URL('../../test/fixtures/quantized/', import.meta.url));
const index = JSON.parse(readFileSync(`${folder}index.json`, 'utf8')) as {
  readonly network: string;
  readonly variant: string;
}[];
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/**
 * How near a gradient by straight-through estimate comes to that of the network before it was quantised. Rounding the
 * weights to 8 bits moves the float64 gradient of PyTorch by 0.17 of its length in this ResNet (cosine 0.986), where ReLU
 * and max-pool choose other branches, and by 0.02 in the transformer; activations of 8 bits by 0.25 and 0.03. The bounds
 * leave a third more, for the integer kernels of other processors.
 */
const bounds: Readonly<Record<string, { readonly cosine: number; readonly error: number }>> = {
  resnet: { cosine: 0.94, error: 0.36 },
  transformer: { cosine: 0.995, error: 0.11 },
  '4bit': { cosine: 0.92, error: 0.45 },
};

/** Cosine of two tensors as vectors, and |actual − expected| / |expected|. */
function compare(actual: Tensor, expected: Tensor): { readonly cosine: number; readonly error: number } {
  const [a, e] = [toNumbers(actual), toNumbers(expected)];
  let [product, ofActual, ofExpected, difference] = [0, 0, 0, 0];
  for (let i = 0; i < e.length; i++) {
    product += a[i] * e[i];
    ofActual += a[i] ** 2;
    ofExpected += e[i] ** 2;
    difference += (a[i] - e[i]) ** 2;
  }
  return { cosine: product / Math.sqrt(ofActual * ofExpected), error: Math.sqrt(difference / ofExpected) };
}

describe('networks quantised by onnxruntime', () => {
  it.each(index)('$network, $variant: a gradient near that of the real network', async ({ network, variant }) => {
    const { tensors } = readSafetensors(readFileSync(`${folder}${network}.safetensors`));
    const name = `${network}.${variant}`;
    const model = createModel(decodeModel(readFileSync(`${folder}${name}.onnx`)), runtime, { name, hash: '' });
    const { gradients, outputs } = await gradientsOf(model, {
      inputs: new Map([['x', tensors.get('input:x') as Tensor]]),
      seeds: new Map([['y', tensors.get('seed:y') as Tensor]]),
      wrt: ['x'],
    });
    const forward = compare(outputs.get('y') as Tensor, tensors.get('output:y') as Tensor);
    const { cosine, error } = compare(gradients.get('x') as Tensor, tensors.get('gradient:x') as Tensor);
    await model.close();
    const bound = bounds[variant.startsWith('4bit') ? '4bit' : network];
    expect(forward.error, 'output').toBeLessThan(bound.error);
    expect(cosine, 'cosine').toBeGreaterThan(bound.cosine);
    expect(error, 'relative error').toBeLessThan(bound.error);
  });
});

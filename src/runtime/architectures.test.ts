import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { decodeModel } from '../onnx/decode.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gradientsOf, hessianVectorProduct } from './gradient.ts';
import { createModel, type Model } from './model.ts';
import { createNodeRuntime } from './node.ts';

// Reference gradients come from PyTorch in float64; the scripts lie beside the fixtures.
const fixtures = (name: string) => fileURLToPath(new URL(`../../test/fixtures/${name}/`, import.meta.url));
const runtime = createNodeRuntime({ threads: 2 });
afterAll(() => runtime.close());

function load(folder: string, name: string) {
  const bytes = readFileSync(`${folder}${name}.onnx`);
  const model = createModel(decodeModel(bytes), runtime, { name, hash: '' });
  const { tensors } = readSafetensors(readFileSync(`${folder}${name}.safetensors`));
  const under = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([key]) => key.startsWith(`${prefix}:`))
        .map(([key, tensor]) => [key.slice(prefix.length + 1), tensor]),
    );
  return { model, under };
}

/** Median over the rows of the first axis of the largest error in a row, relative to the largest reference in the row. */
function medianError(actual: Tensor, expected: Tensor): number {
  const rows = expected.shape[0] ?? 1;
  const width = expected.data.length / rows;
  const [a, e] = [actual.data as Float32Array, expected.data as Float32Array];
  const errors = Array.from({ length: rows }, (_, row) => {
    let [difference, largest] = [0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      difference = Math.max(difference, Math.abs(a[i] - e[i]));
      largest = Math.max(largest, Math.abs(e[i]));
    }
    return largest === 0 ? difference : difference / largest;
  }).sort((x, y) => x - y);
  return errors[Math.floor((rows - 1) / 2)];
}

function largestError(actual: Tensor, expected: Tensor): number {
  const [a, e] = [actual.data as Float32Array, expected.data as Float32Array];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < e.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - e[i]));
    largest = Math.max(largest, Math.abs(e[i]));
  }
  return difference / Math.max(largest, 1e-30);
}

async function close(model: Model) {
  await model.close();
}

describe('exported architectures', () => {
  const folder = fixtures('architectures');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => name.slice(0, -5));
  it.each(names)('%s: outputs and gradients agree with PyTorch', async (name) => {
    const { model, under } = load(folder, name);
    const expected = under('gradient');
    expect(expected.size).toBeGreaterThan(0);
    const { gradients, outputs } = await gradientsOf(model, {
      inputs: under('input'),
      seeds: under('seed'),
      wrt: [...expected.keys()],
    });
    await close(model);
    const references = under('output');
    // float32 against float64 through some tens of layers; exporters reorder sums as well.
    for (const [output, value] of outputs)
      expect(largestError(value, references.get(output) as Tensor), output).toBeLessThan(1e-4);
    for (const [value, reference] of expected) {
      const actual = gradients.get(value) as Tensor;
      expect(actual.shape, value).toEqual(reference.shape);
      // ReLU and max kinks make single elements differ; a row's median does not.
      expect(medianError(actual, reference), value).toBeLessThan(1e-4);
    }
  });
});

describe('second derivatives', () => {
  const folder = fixtures('hessian');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => name.slice(0, -5));
  it.each(names)('%s: Hessian-vector products agree with PyTorch', async (name) => {
    const { model, under } = load(folder, name);
    const references = under('hvp');
    for (const [value, vector] of under('vector')) {
      const { gradients } = await hessianVectorProduct(model, {
        inputs: under('input'),
        seeds: under('seed'),
        vectors: new Map([[value, vector]]),
      });
      // Two float32 passes on top of each other.
      expect(largestError(gradients.get(value) as Tensor, references.get(value) as Tensor), value).toBeLessThan(1e-4);
    }
    await close(model);
  });
});

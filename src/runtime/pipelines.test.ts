import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { decodeModel } from '../onnx/decode.ts';
import { toNumbers } from '../tensor/convert.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { gradientsOf } from './gradient.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

// Outputs of scikit-learn and float64 gradients of the same function; the script lies beside the fixtures.
const folder = fileURLToPath(new URL('../../test/fixtures/pipelines/', import.meta.url));
const index = JSON.parse(readFileSync(`${folder}index.json`, 'utf8')) as {
  readonly name: string;
  readonly words?: Readonly<Record<string, readonly string[]>>;
}[];
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function largestError(actual: Tensor, expected: Tensor): number {
  const [a, e] = [toNumbers(actual), toNumbers(expected)];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < e.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - e[i]));
    largest = Math.max(largest, Math.abs(e[i]));
  }
  return difference / largest;
}

describe('pipelines of scikit-learn', () => {
  it.each(index)('$name: outputs and gradients', async ({ name, words = {} }) => {
    const { tensors } = readSafetensors(readFileSync(`${folder}${name}.safetensors`));
    const under = (prefix: string) =>
      new Map(
        [...tensors].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
      );
    const inputs = under('input:');
    for (const [input, column] of Object.entries(words))
      inputs.set(input, tensor('string', [column.length, 1], [...column]));
    const model = createModel(decodeModel(readFileSync(`${folder}${name}.onnx`)), runtime, { name, hash: '' });
    const { gradients, outputs, notes } = await gradientsOf(model, { inputs, seeds: under('seed:'), wrt: ['x'] });
    await model.close();
    // Sums of some tens of float32 products, in a support vector machine through 8 sweeps of divisions.
    for (const [output, value] of under('output:'))
      expect(largestError(outputs.get(output) as Tensor, value), output).toBeLessThan(2e-5);
    expect(largestError(gradients.get('x') as Tensor, tensors.get('gradient:x') as Tensor)).toBeLessThan(5e-5);
    expect(notes).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { decodeModel } from '../onnx/decode.ts';
import { lower } from '../onnx/lowering/index.ts';
import { inferTypes } from '../onnx/types.ts';
import { convert, toNumbers } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gradientsOf } from './gradient.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

// Outputs and gradients of PyTorch in float64; the script lies beside the fixtures.
const folder = fileURLToPath(new URL('../../test/fixtures/float64/', import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const decoded = (name: string) => decodeModel(readFileSync(`${folder}${name}.onnx`));

function largestError(actual: Tensor, expected: Tensor): number {
  const [a, e] = [toNumbers(actual), toNumbers(expected)];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < e.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - e[i]));
    largest = Math.max(largest, Math.abs(e[i]));
  }
  return difference / largest;
}

describe('models of float64', () => {
  it.each(['rows', 'image', 'series', 'group-norm'])('%s: outputs and gradients, computed in float32', async (name) => {
    const { tensors } = readSafetensors(readFileSync(`${folder}${name}.safetensors`));
    const stored = (key: string) => tensors.get(key) as Tensor;
    const model = createModel(decoded(name), runtime, { name, hash: '' });
    const { gradients, outputs } = await gradientsOf(model, {
      inputs: new Map([['x', convert(stored('input:x'), 'float32')]]),
      seeds: new Map([['y', convert(stored('seed:y'), 'float32')]]),
      wrt: ['x'],
    });
    await model.close();
    // float32 has 7 digits; `rows` subtracts means from inputs 4 times as large as the difference.
    expect(largestError(outputs.get('y') as Tensor, stored('output:y'))).toBeLessThan(2e-6);
    expect(largestError(gradients.get('x') as Tensor, stored('gradient:x'))).toBeLessThan(5e-6);
    expect(model.notes.filter(({ code }) => code === 'precision-changed').map(({ text }) => text)).toEqual([
      "the model's float64 values are computed in float32; its own results have more digits",
    ]);
  });

  it('keep their type in the constants of what their operators are written out to', () => {
    const { graph } = lower(decoded('group-norm')).model;
    const [inner] = graph.nodes.filter(({ op }) => op === 'InstanceNormalization');
    const types = inferTypes(graph);
    expect(inner.inputs.map((name) => types.get(name))).toEqual(['float64', 'float64', 'float64']);
    expect(graph.nodes.map(({ op }) => op)).not.toContain('CastLike');
  });
});

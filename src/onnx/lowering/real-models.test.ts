import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { fromNumbers, toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { decodeModel } from '../decode.ts';
import type { OnnxModel } from '../graph.ts';
import { lower } from './index.ts';

const files = [
  'squeezenet/squeezenet-fp32.onnx',
  'mnist/mnist-onnxjs.onnx',
  'mnist/mnist-winml.onnx',
  'yolox-nano/yolox_nano.onnx',
  'stories260k/stories260k.onnx',
];

describe('real models compute the same after lowering', () => {
  for (const file of files) {
    const path = sharedData(file);
    it.skipIf(!path)(file, async () => {
      const bytes = readFileSync(path as string);
      const model = decodeModel(bytes);
      const lowered = lower(model);
      const feeds = feedsOf(model);
      const before = await runModel(bytes, feeds);
      const after = await runModel(lowered.model, feeds);
      expect(Object.keys(after)).toEqual(Object.keys(before));
      for (const [name, expected] of Object.entries(before)) {
        expect(after[name].shape).toEqual(expected.shape);
        const [a, b] = [toNumbers(after[name]), toNumbers(expected)];
        // Float32 rounding through some tens of layers, relative to the largest element.
        const scale = largest(b);
        expect(largest(a.map((value, i) => value - b[i])) / scale).toBeLessThan(1e-5);
      }
    });

    it.skipIf(!path)(`${file} keeps the name of every value`, () => {
      const model = decodeModel(readFileSync(path as string));
      const { graph } = lower(model).model;
      const names = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
      const lost = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name && !names.has(name));
      expect(lost).toEqual([]);
    });
  }
});

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => (Math.abs(value) <= most ? most : Math.abs(value)), 0);
}

/** A wave of values in the declared range of each input: token ids for integers, reals for floats. */
function feedsOf({ graph }: OnnxModel): Record<string, Tensor> {
  const fed = graph.inputs.filter((input) => !graph.initializers.has(input.name));
  return Object.fromEntries(
    fed.map(({ name, type, shape }) => {
      const sizes = (shape ?? []).map((dimension, axis) => (typeof dimension === 'number' && dimension > 0 ? dimension : axis ? 7 : 1));
      const count = sizes.reduce((a, b) => a * b, 1);
      const wave = Array.from({ length: count }, (_, i) => (type === 'int64' ? (name.includes('mask') ? 1 : i + 1) : 100 * Math.sin(i)));
      return [name, fromNumbers(type ?? 'float32', sizes, wave)];
    }),
  );
}

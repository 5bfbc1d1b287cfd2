import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { fromNumbers, toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { decodeModel } from '../decode.ts';
import type { OnnxModel } from '../graph.ts';
import { lower } from './index.ts';

const real = [
  'squeezenet/squeezenet-fp32.onnx',
  'mnist/mnist-onnxjs.onnx',
  'mnist/mnist-winml.onnx',
  'yolox-nano/yolox_nano.onnx',
  'stories260k/stories260k.onnx',
];
const folder = fileURLToPath(new URL('../../../test/fixtures/architectures/', import.meta.url));
/** What the exporters of PyTorch write, at opsets 11 to 20, constants and functions included. */
const exported = readdirSync(folder).filter((file) => file.endsWith('.onnx'));

describe('models compute the same after lowering, under the same names', () => {
  for (const file of real) {
    const path = sharedData(file);
    it.skipIf(!path)(file, () => compare(path as string));
  }
  it.each(exported)('%s', (file) => compare(folder + file));
});

async function compare(path: string): Promise<void> {
  const bytes = readFileSync(path);
  const model = decodeModel(bytes);
  const lowered = lower(model).model;
  const feeds = feedsOf(model);
  const before = await runModel(bytes, feeds);
  const after = await runModel(lowered, feeds);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [name, expected] of Object.entries(before)) {
    expect(after[name].shape).toEqual(expected.shape);
    const [a, b] = [toNumbers(after[name]), toNumbers(expected)];
    // Float32 rounding through some tens of layers, relative to the largest element.
    expect(largest(a.map((value, i) => value - b[i])) / largest(b)).toBeLessThan(1e-5);
  }
  const { initializers, nodes } = lowered.graph;
  const names = new Set([...initializers.keys(), ...nodes.flatMap((node) => node.outputs)]);
  expect(model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name && !names.has(name))).toEqual([]);
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Waves of values for the floats, small ids for the integers (ones for masks, an increasing row for offsets). */
function feedsOf({ graph }: OnnxModel): Record<string, Tensor> {
  const fed = graph.inputs.filter((input) => !graph.initializers.has(input.name));
  return Object.fromEntries(
    fed.map(({ name, type, shape }) => {
      const sizes = (shape ?? []).map((dimension, axis) =>
        typeof dimension === 'number' && dimension > 0 ? dimension : axis ? 7 : 1,
      );
      const count = sizes.reduce((a, b) => a * b, 1);
      const element = (i: number) => {
        if (type === 'float32') return Math.sin(i);
        return name.includes('mask') ? 1 : name.includes('offset') ? i : i % 3;
      };
      return [
        name,
        fromNumbers(
          type ?? 'float32',
          sizes,
          Array.from({ length: count }, (_, i) => element(i)),
        ),
      ];
    }),
  );
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../data/formats/safetensors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type AttributionRequest, attribute } from '../attribute.ts';

// Attributions by PyTorch in float64, independent of this project's code; make.py lies beside them.
const folder = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

interface Fixture {
  readonly network: string;
  readonly input: string;
  readonly layer: string;
  readonly index: readonly number[];
  readonly samples: number;
  readonly steps: number;
}

const fixtures: readonly Fixture[] = JSON.parse(readFileSync(`${folder}attribution/index.json`, 'utf8'));

/** Largest difference of an element, relative to the largest element of the reference. */
function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

describe.each(fixtures)('$network', ({ network, input, layer, index, samples, steps }) => {
  const model = createModel(decodeModel(readFileSync(`${folder}architectures/${network}.onnx`)), runtime, {
    name: network,
    hash: '',
  });
  const { tensors } = readSafetensors(readFileSync(`${folder}attribution/${network.split('.')[0]}.safetensors`));
  const stored = (key: string) => tensors.get(key) as Tensor<'float32'>;
  const group = stored('group');
  const coalitionRows = stored('coalitions');
  const [rows, groups] = coalitionRows.shape;
  const bits = toNumbers(coalitionRows);
  const coalitions = Array.from({ length: rows }, (_, k) => bits.slice(k * groups, (k + 1) * groups));
  const integrated = { method: 'integrated-gradients', parameters: { steps, tolerance: 0, nodes: 'even' } } as const;

  const cases: readonly (readonly [string, Omit<AttributionRequest, 'inputs' | 'target'>])[] = [
    ['integrated-gradients', integrated],
    ['layer-integrated-gradients', { ...integrated, layer: { names: [layer] } }],
    ['grad-cam', { method: 'grad-cam', layer: { names: [layer] } }],
    ['deep-lift', { method: 'deep-lift' }],
    [
      'expected-gradients',
      {
        method: 'expected-gradients',
        parameters: { positions: toNumbers(stored('positions')) },
        baseline: { kind: 'sample', tensors: new Map([[input, stored('sample')]]), description: 'sample' },
      },
    ],
    [
      'kernel-shap',
      {
        method: 'kernel-shap',
        parameters: { coalitions },
        groups: { kind: 'indices', tensors: new Map([[input, group]]) },
      },
    ],
  ];

  it.each(cases)('%s agrees with PyTorch', async (key, request) => {
    const errors: number[] = [];
    for (let k = 0; k < samples; k++) {
      const result = await attribute(model, {
        inputs: new Map([[input, stored(`${k}:input`)]]),
        target: { kind: 'output', index },
        baseline: { kind: 'input', tensor: stored(`${k}:baseline`), description: 'drawn' },
        explained: [input],
        ...request,
      });
      const [values] = [...result.values.values()];
      const expected = stored(`${k}:${key}`).data;
      // Shares of groups are spread evenly over their elements: added up again, they are the shares.
      errors.push(largestError(key === 'kernel-shap' ? perGroup(values, group, groups) : values.data, expected));
    }
    // float32 against float64: a kink that the two see on different sides makes single samples differ, not the median.
    expect(median(errors), errors.map((error) => error.toExponential(1)).join(', ')).toBeLessThan(1e-4);
  });
});

function perGroup(values: Tensor<'float32'>, group: Tensor, groups: number): Float64Array {
  const sums = new Float64Array(groups);
  toNumbers(group).forEach((label, i) => {
    sums[label] += values.data[i];
  });
  return sums;
}

it('has fixtures of at least five networks', () => {
  expect(fixtures.length).toBeGreaterThanOrEqual(5);
});

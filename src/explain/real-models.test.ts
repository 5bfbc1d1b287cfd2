import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../test/shared-data.ts';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import { gradientsOf, oneHotSeed } from '../runtime/gradient.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import type { ExplainOptions } from './explain-options.ts';
import { preprocessingOf } from './preprocessing-of.ts';

// Gradients of real models against PyTorch in float64 (test/fixtures/real-models/make.py), and the completeness of
// integrated gradients at the input and at inner layers. `npm run test:full` adds the slow ones.

const full = process.env.WHEREFORE_FULL === '1';

interface Case {
  readonly name: string;
  readonly path: string;
  /** A file of the real data, or what a person would type. */
  readonly input: string;
  readonly output: string;
  readonly index: readonly number[];
  readonly options?: Partial<ExplainOptions>;
  /** Layers where integrated gradients must add up, and those of the quick run. */
  readonly layers: readonly string[];
  readonly quick: readonly string[];
}

const squeezenet = {
  input: 'squeezenet/kitten_224.png',
  output: 'softmaxout_1',
  index: [0, 281, 0, 0],
  layers: ['input', 'pool1_1', 'fire3/concat_1', 'fire6/concat_1', 'fire9/concat_1'],
};
const mnist = {
  input: 'mnist/mnist_28.png',
  output: 'Plus214_Output_0',
  index: [0, 8],
  layers: ['input', 'ReLU32_Output_0', 'Pooling66_Output_0', 'ReLU114_Output_0', 'Pooling160_Output_0'],
};

const cases: readonly Case[] = [
  {
    name: 'squeezenet-fp32',
    path: 'squeezenet/squeezenet-fp32.onnx',
    ...squeezenet,
    quick: ['fire9/concat_1', 'conv10_2'],
  },
  { name: 'squeezenet-fp16', path: 'squeezenet/squeezenet-fp16.onnx', ...squeezenet, quick: ['fire9/concat_1'] },
  { name: 'mnist-onnxjs', path: 'mnist/mnist-onnxjs.onnx', ...mnist, quick: mnist.layers },
  { name: 'mnist-winml', path: 'mnist/mnist-winml.onnx', ...mnist, quick: mnist.layers },
  {
    name: 'stories260k',
    path: 'stories260k/stories260k.onnx',
    input: 'input_ids=[[1,403,407,261]]',
    output: 'logits',
    index: [0, 3, 378],
    layers: ['input', 'add_622', 'add_1194', 'add_1530', 'mul_1461'],
    quick: ['input', 'add_622', 'add_1194', 'add_1530', 'mul_1461'],
  },
  {
    name: 'yolox-nano',
    path: 'yolox-nano/yolox_nano.onnx',
    input: 'photos/both.png',
    output: 'output',
    index: [0, 3238, 2],
    layers: ['input', '691', '725', '781'],
    quick: [],
  },
];

function fixture(name: string): ReadonlyMap<string, Tensor> {
  const path = fileURLToPath(new URL(`../../test/fixtures/real-models/${name}.safetensors`, import.meta.url));
  return readSafetensors(readFileSync(path), path).tensors;
}

/** The detector's reference gradient was taken at an image that any language makes alike. */
function pattern(shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, (_, i) => (i * 7919) % 256),
  );
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

describe.each(cases)('$name', ({ name, path, input, output, index, layers, quick }) => {
  const file = sharedData(path);
  const source = input.includes('=') ? input : sharedData(input);

  it.skipIf(!file || !source)('has the gradients of PyTorch in float64', async () => {
    const model = await loadModel(file as string);
    try {
      const expected = fixture(name);
      const inputs =
        name === 'yolox-nano'
          ? new Map([['images', pattern([1, 3, 416, 416])]])
          : (await readModelInputs(model, source as string, preprocessingOf(model, {})))[0].tensors;
      const wrt = [...expected.keys()].flatMap((key) => (key.startsWith('gradient:') ? [key.slice(9)] : []));
      const { facts } = await model.executor.specialise(model.graph, inputs);
      const seed = oneHotSeed(facts.shapes.get(output) as number[], index);
      const { gradients, disconnected } = await gradientsOf(model, { inputs, seeds: new Map([[output, seed]]), wrt });
      expect(disconnected).toEqual([]);
      expect(wrt).toHaveLength(3);
      for (const value of wrt) {
        const positions = expected.get(`positions:${value}`)?.data as Int32Array;
        const reference = expected.get(`gradient:${value}`)?.data as Float32Array;
        const found = (gradients.get(value) as Tensor<'float32'>).data;
        // Elements that are exactly zero (behind a ReLU) say nothing of a relative error; they must be zero here too.
        const errors: number[] = [];
        reference.forEach((wanted, k) => {
          const got = found[positions[k]];
          if (wanted !== 0) errors.push(Math.abs(got - wanted) / Math.abs(wanted));
        });
        expect(errors.length).toBeGreaterThan(10);
        // Float32 keeps about 7 digits a step; some tens of layers leave 4 of them in the median element.
        expect(median(errors), `median relative error at ${value}`).toBeLessThanOrEqual(1e-4);
      }
    } finally {
      await model.close();
    }
  });

  const wanted = full ? layers : quick;
  it.skipIf(!file || !source || wanted.length === 0)(
    `integrated gradients add up at ${wanted.join(', ')}`,
    async () => {
      const model = await loadModel(file as string);
      try {
        const explained = await explain(model, source as string, { layers: wanted });
        expect(explained).toHaveLength(wanted.length);
        for (const { document } of explained) {
          expect(document.isCut).toBe(true);
          // The bound that the adaptive steps are set to reach: 1 % of the attribution target.
          expect(document.relativeError, `at ${document.layer.join(' + ')}`).toBeLessThanOrEqual(0.01);
          expect(document.converged).toBe(true);
        }
      } finally {
        await model.close();
      }
    },
    600_000,
  );
});

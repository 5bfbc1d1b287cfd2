import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { decodeModel } from '../onnx/decode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { convert } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Loss } from './losses.ts';
import type { Optimizer } from './optimizers.ts';
import { openTrainingStep } from './step.ts';

const folder = new URL('../../test/fixtures/training/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

interface Case {
  readonly name: string;
  readonly loss: {
    readonly type: Loss['kind'];
    readonly target: string;
    readonly labelSmoothing?: number;
    readonly classWeights?: boolean;
  };
  readonly optimizer: {
    readonly type: Optimizer['kind'];
    readonly learningRate: number;
    readonly momentum?: number;
    readonly nesterov?: boolean;
    readonly weightDecay?: number;
    readonly betas?: readonly [number, number];
    readonly epsilon?: number;
    readonly clipNorm?: number;
  };
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
}
interface Reference {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly Case[];
}
const { models } = JSON.parse(new TextDecoder().decode(read('index.json'))) as { models: Reference[] };

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Largest difference relative to the largest element of the reference. */
function distance(actual: Tensor, expected: Tensor): number {
  const [a, b] = [actual.data as Float32Array, expected.data as Float32Array];
  let [worst, scale] = [0, 0];
  b.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - a[i]));
    scale = Math.max(scale, Math.abs(value));
  });
  return worst / scale;
}

describe.each(models)(
  'ten steps agree with PyTorch float64: $name',
  ({ name: modelName, input, output, parameters, cases }) => {
    const model = decodeModel(read(`${modelName}.onnx`));
    const { tensors } = readSafetensors(read(`${modelName}.safetensors`));
    const tensorOf = (name: string) => tensors.get(name) as Tensor;

    it.each(cases)('$name', async ({ name, loss, optimizer, losses, gradientNorms }) => {
      const { type, target, labelSmoothing, classWeights } = loss;
      const { type: kind, learningRate, betas, clipNorm, ...rest } = optimizer;
      const targets = tensorOf(`target:${target}`);
      const x = tensorOf('x');
      const batch = {
        inputs: new Map([[input, x]]),
        targets: type === 'cross-entropy' ? convert(targets, 'int64') : convert(targets, 'float32'),
        weights: new Float32Array(x.shape[0]).fill(1),
      };
      const weights = classWeights ? [...(tensorOf('class-weights').data as Float32Array)] : undefined;
      const step = await openTrainingStep(
        {
          model,
          output,
          runtime,
          trainable: Object.keys(parameters),
          loss: (type === 'cross-entropy'
            ? { kind: type, labelSmoothing, classWeights: weights }
            : { kind: type }) as Loss,
          optimizer: { kind, ...rest, ...(betas ? { beta1: betas[0], beta2: betas[1] } : {}) } as Optimizer,
          // A limit that is never reached still reports the norm.
          clipNorm: clipNorm ?? 1e9,
        },
        batch,
      );
      for (let i = 1; i <= 10; i++) {
        const result = await step.run(batch, i, learningRate);
        // float32 against float64: a loss is a mean of some dozen terms of size about 1.
        expect(Math.abs(result.loss - losses[i - 1])).toBeLessThan(2e-6);
        expect(Math.abs((result.gradientNorm as number) - gradientNorms[i - 1])).toBeLessThan(
          5e-6 * Math.max(1, gradientNorms[i - 1]),
        );
        if (i !== 1 && i !== 10) continue;
        const trained = (await step.read()).parameters;
        for (const parameter of Object.keys(parameters)) {
          // PyTorch's own float32 strays by up to 4.4e-7; Adam divides tiny gradients by their size, hence the reserve.
          expect(
            distance(trained.get(parameter) as Tensor, tensorOf(`${name}/${i}/${parameter}`)),
            `${parameter} after ${i}`,
          ).toBeLessThan(5e-6);
        }
      }
      await step.close();
    });
  },
);

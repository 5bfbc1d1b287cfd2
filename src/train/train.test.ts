import { afterAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../dataset/dataset.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { random } from '../tensor/random.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { paddedBatch } from './batch.ts';
import { checkpointsInMemory } from './checkpoint.ts';
import { evaluateLoss } from './evaluate.ts';
import { activation, linear } from './layers/index.ts';
import { Network } from './network.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import { epochOrders } from './plan.ts';
import { learningRateAt } from './schedules.ts';
import type { TrainOptions } from './settings.ts';
import { openTrainingStep } from './step.ts';
import { train } from './train.ts';

// Two threads, as a user has: the promise of equal bits is about them, too.
const runtime = createNodeRuntime({ threads: 2 });
afterAll(() => runtime.close());

/** Two rings around the origin: not linearly separable. */
function rings(count: number, seed: number) {
  const source = random(seed);
  const x = new Float32Array(2 * count);
  const y: number[] = [];
  for (let i = 0; i < count; i++) {
    const label = i % 2;
    const [angle, radius] = [2 * Math.PI * source.uniform(), 0.5 + label + 0.1 * source.normal()];
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i);
    y.push(label);
  }
  return datasetOf({ x: float32([count, 2], x) }, { labels: int64([count], y) });
}

function classifier(): OnnxModel {
  const network = new Network({ seed: 11 });
  const x = network.input('x', 'float32', ['N', 2]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 16 }), 'hidden.active', 'tanh');
  return network.build([linear(network, hidden, 'logits', { features: 2 })]);
}

// 50 samples in batches of 16: the last batch of each epoch has 2.
const options = (changes: Partial<TrainOptions> = {}): TrainOptions => ({
  model: classifier(),
  samples: rings(50, 1),
  loss: { kind: 'cross-entropy' },
  optimizer: { kind: 'adam' },
  schedule: { kind: 'cosine', learningRate: 0.05, warmUp: 3 },
  epochs: 4,
  batchSize: 16,
  seed: 5,
  runtime,
  ...changes,
});

const bits = (model: OnnxModel) =>
  [...readParameters(model, trainableParameters(model))].map(([name, { data }]) => [name, [...(data as Float32Array)]]);

describe('training', () => {
  it('learns what a line cannot separate', async () => {
    const test = rings(200, 2);
    const { model, history } = await train(
      options({ samples: rings(150, 1), batchSize: 32, epochs: 30, evaluate: test }),
    );
    const { accuracy, loss, count } = await evaluateLoss({
      model,
      samples: test,
      loss: { kind: 'cross-entropy' },
      runtime,
      batchSize: 32,
    });
    expect(accuracy).toBeGreaterThan(0.97);
    expect(count).toBe(200);
    expect(history.epochs.at(-1)?.evaluation).toEqual({ accuracy, loss, count });
    expect(history.epochs[29].loss).toBeLessThan(history.epochs[0].loss / 4);
    expect(history.learningRates.length).toBe(150);
  });

  it('tells the loss of an epoch as the mean over its samples, of which the last batch has fewer', async () => {
    const { history } = await train(options({ epochs: 2 }));
    expect(history.losses).toHaveLength(8);
    for (const epoch of [0, 1]) {
      const [a, b, c, d] = history.losses.slice(4 * epoch);
      expect(history.epochs[epoch].loss).toBeCloseTo((16 * (a + b + c) + 2 * d) / 50, 10);
    }
  });

  it('gives the same bits twice', async () => {
    const [a, b] = [await train(options()), await train(options())];
    expect(bits(a.model)).toEqual(bits(b.model));
    expect(a.history).toEqual(b.history);
    const other = await train(options({ seed: 6 }));
    expect(bits(other.model)).not.toEqual(bits(a.model));
  });

  for (const every of [{ epochs: 1 }, { steps: 3 }]) {
    it(`goes on from any checkpoint (${JSON.stringify(every)}) to the same bits`, async () => {
      const whole = await train(options({ checkpointEvery: every }));
      const steps = await whole.checkpoints.steps();
      expect(steps).toEqual('epochs' in every ? [4, 8, 12, 16] : [3, 6, 9, 12, 15, 16]);
      for (const step of steps.slice(0, 3)) {
        const resumed = await train(options({ resume: await whole.checkpoints.load(step) }));
        expect(bits(resumed.model)).toEqual(bits(whole.model));
        expect(resumed.history).toEqual(whole.history);
      }
      const last = await whole.checkpoints.load(16);
      expect(last.learningRate).toBe(whole.history.learningRates[15]);
      expect([...last.state.keys()]).toContain('logits.bias/second-moment');
    });
  }

  it('is the same whether the last batch is filled up or of its own size', async () => {
    // One epoch of one batch of 10: with batch size 16 of 10 samples nothing is filled up; as the tail of 16 it is.
    const samples = rings(10, 3);
    const full = await paddedBatch(
      samples,
      Uint32Array.from({ length: 10 }, (_, i) => i),
      10,
      0,
    );
    const padded = await paddedBatch(
      samples,
      Uint32Array.from({ length: 10 }, (_, i) => i),
      16,
      0,
    );
    const results: { loss: number; weight: Tensor<'float32'> }[] = [];
    for (const batch of [full, padded]) {
      const step = await openTrainingStep(options(), batch);
      const { loss } = await step.run(batch, 1, 0.1);
      const weight = (await step.read()).parameters.get('hidden.weight') as Tensor<'float32'>;
      results.push({ loss, weight });
      await step.close();
    }
    // The sums are taken in another order: float32 rounding of a few terms.
    expect(results[1].loss).toBeCloseTo(results[0].loss, 6);
    for (const [i, value] of results[1].weight.data.entries()) {
      expect(value).toBeCloseTo(results[0].weight.data[i], 4);
    }
  });

  it('stops at a loss that is not a number and says where', async () => {
    const bad = rings(50, 1);
    const samples: Dataset = {
      ...bad,
      read: async (indices, epoch) => {
        const rows = await bad.read(indices, epoch);
        if (epoch === 1) (rows.inputs.x as Tensor<'float32'>).data[0] = Number.NaN;
        return rows;
      },
    };
    const checkpoints = checkpointsInMemory();
    await expect(train(options({ samples, checkpoints, checkpointEvery: { epochs: 1 } }))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringMatching(
        /^step 5 \(epoch 2\): the loss is not a finite number \(got NaN at learning rate 0\.0/,
      ),
    });
    expect(await checkpoints.steps()).toEqual([4]);
  });

  it('stops between batches when it is cancelled and keeps the checkpoints', async () => {
    const abort = new AbortController();
    const checkpoints = checkpointsInMemory();
    const seen: number[] = [];
    const training = train(
      options({
        checkpoints,
        checkpointEvery: { epochs: 1 },
        signal: abort.signal,
        onProgress: ({ step }) => {
          seen.push(step);
          if (step === 6) abort.abort();
        },
      }),
    );
    await expect(training).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    const resumed = await train(options({ resume: await checkpoints.load(4) }));
    expect(bits(resumed.model)).toEqual(bits((await train(options())).model));
  });

  it('refuses to go on with other settings', async () => {
    const { checkpoints } = await train(options({ epochs: 1, checkpointEvery: { epochs: 1 } }));
    const resume = await checkpoints.load(4);
    await expect(train(options({ epochs: 1, resume, batchSize: 8 }))).rejects.toThrow(
      /other settings \(got batchSize 8.*expected batchSize 16/,
    );
  });

  it('may be made longer where the schedule does not depend on the length, and only there', async () => {
    const constant = { schedule: { kind: 'constant', learningRate: 0.05 } } as const;
    const short = await train(options({ ...constant, epochs: 1, checkpointEvery: { epochs: 1 } }));
    const longer = await train(options({ ...constant, epochs: 2, resume: await short.checkpoints.load(4) }));
    expect(bits(longer.model)).toEqual(bits((await train(options({ ...constant, epochs: 2 }))).model));
    const { checkpoints } = await train(options({ epochs: 1, checkpointEvery: { epochs: 1 } }));
    await expect(train(options({ epochs: 2, resume: await checkpoints.load(4) }))).rejects.toThrow(
      /other settings \(got steps 8.*expected steps 4/,
    );
  });

  it('refuses settings that make no sense', async () => {
    await expect(train(options({ epochs: 0 }))).rejects.toThrow(/epochs \(got 0, expected a whole number from 1\)/);
    await expect(train(options({ schedule: { kind: 'constant', learningRate: -1 } }))).rejects.toThrow(
      /learningRate of the schedule/,
    );
    await expect(
      train(options({ samples: datasetOf({ x: float32([0, 1], []) }, { labels: int64([0], []) }) })),
    ).rejects.toThrow(/no samples/);
  });
});

it('every epoch uses every sample once, in another order', () => {
  const orders = epochOrders(1, 20);
  const [first, second] = [orders(0), orders(1)];
  expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(first).not.toEqual(second);
  expect(epochOrders(1, 20)(1)).toEqual(second);
});

it('schedules', () => {
  expect([0, 1, 2, 3].map((step) => learningRateAt({ kind: 'constant', learningRate: 1, warmUp: 2 }, step, 4))).toEqual(
    [0.5, 1, 1, 1],
  );
  // cos 0 = 1, cos π/2 = 0, cos π = −1 is reached after the last step
  const cosine = [0, 5, 10].map((step) =>
    learningRateAt({ kind: 'cosine', learningRate: 1, final: 0.1 }, step, 10).toFixed(12),
  );
  expect(cosine.map(Number)).toEqual([1, 0.55, 0.1]);
  const falling = [0, 1, 2, 3, 4].map((step) =>
    learningRateAt({ kind: 'step', learningRate: 1, every: 2, factor: 0.5 }, step, 9),
  );
  expect(falling).toEqual([1, 1, 0.5, 0.5, 0.25]);
});

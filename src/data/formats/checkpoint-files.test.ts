import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { datasetOf, linear, Network, readParameters, type TrainOptions, train } from '../../train/index.ts';
import { checkpointFiles } from './checkpoint-files.ts';

const runtime = createNodeRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

function options(changes: Partial<TrainOptions> = {}): TrainOptions {
  const network = new Network({ seed: 1 });
  const model = network.build([linear(network, network.input('x', 'float32', ['N', 2]), 'y', { features: 1 })]);
  const samples = datasetOf({ x: float32([3, 2], [1, 2, 3, 4, 5, 6]) }, { labels: float32([3, 1], [1, 0, 2]) });
  return {
    model,
    samples,
    evaluate: samples,
    loss: { kind: 'mean-squared-error' },
    optimizer: { kind: 'sgd', momentum: 0.9 },
    schedule: { kind: 'constant', learningRate: 0.01 },
    epochs: 3,
    batchSize: 2,
    seed: 1,
    runtime,
    ...changes,
  };
}

it('goes on from a file to the same bits, also for longer than was planned', async () => {
  const store = checkpointFiles(join(folder, 'run'));
  expect(await store.steps()).toEqual([]);
  await train(options({ epochs: 2, checkpoints: store, checkpointEvery: { epochs: 1 } }));
  expect(await readdir(join(folder, 'run'))).toEqual(['step-2.safetensors', 'step-4.safetensors']);
  const resumed = await train(options({ resume: await store.load(4) }));
  const whole = await train(options());
  expect(readParameters(resumed.model, ['y.weight'])).toEqual(readParameters(whole.model, ['y.weight']));
  expect(resumed.history).toEqual(whole.history);
});

it('refuses what is not a checkpoint', async () => {
  const store = checkpointFiles(join(folder, 'run'));
  await expect(store.load(3)).rejects.toThrow(/no checkpoint of step 3 \(expected 2, 4\)/);
  await writeFile(join(folder, 'run', 'step-9.safetensors'), 'nonsense');
  await expect(store.load(9)).rejects.toMatchObject({ code: 'invalid-data' });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { openRetraining } from '../influence/retraining/retraining.ts';
import { readShardFile } from '../run/compute.ts';
import { inProcess } from '../run/driver.ts';
import { openStorage } from '../run/open-storage.ts';
import { runShards } from '../run/run.ts';
import { putBlob } from '../run/storage.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, datasetOf, linear, Network, type TrainOptions, train, trainingFiles } from '../train/index.ts';
import { planRetraining, retrainedFile } from './retrain-shards.ts';
import { shardPrograms } from './shard-programs.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-retrain-'));
const runtime = createNodeRuntime({ threads: 1 });
afterAll(async () => {
  await runtime.close();
  rmSync(root, { recursive: true, force: true });
});

const rowsOf = (count: number, phase: number) =>
  datasetOf(
    {
      x: float32(
        [count, 3],
        Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(i + phase)),
      ),
    },
    {
      labels: int64(
        [count],
        Array.from({ length: count }, (_, i) => i % 2),
      ),
      weights: Float32Array.from({ length: count }, (_, i) => 1 + (i % 3)),
    },
  );
const [samples, queries] = [rowsOf(12, 0), rowsOf(4, 0.5)];

function recipe(): TrainOptions {
  const network = new Network({ seed: 5 });
  const x = network.input('x', 'float32', ['N', 3]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 4 }), 'tanh', 'tanh');
  const model = network.build([linear(network, hidden, 'logits', { features: 2 })]);
  const schedule = { kind: 'constant', learningRate: 0.1 } as const;
  const loss = { kind: 'cross-entropy' } as const;
  return { model, samples, loss, optimizer: { kind: 'adam' }, schedule, epochs: 3, batchSize: 5, seed: 5, runtime };
}

/** Leave-one-out of the first rows, each with two seeds, the third with another class for row 5, and a training that uses a row three times. */
const trainings = [0, 1, 2, 3].flatMap((row) =>
  [5, 6].map((seed) => ({
    seed,
    counts: Uint32Array.from({ length: 12 }, (_, i) => (i === row ? (row === 3 ? 3 : 0) : 1)),
    ...(row === 2 && { labels: new Map([[5, 0]]) }),
  })),
);

it('gives, in shards of any size, the bits of trainings one after another', async () => {
  const files = await trainingFiles(recipe(), await train(recipe()));
  const driver = inProcess({ programs: shardPrograms, cache: join(root, 'cache') });
  const found: number[][] = [];
  for (const shardSize of [3, 8]) {
    const storage = await openStorage(join(root, `run-${shardSize}`));
    const { work, data, blobs } = await planRetraining({ files, samples, queries, trainings, shardSize });
    for (const content of [data, ...blobs]) await putBlob(storage, content);
    const { shards, cost } = await runShards(work, { storage, driver });
    expect(shards.length).toBe(Math.ceil(8 / shardSize));
    // 8 trainings of 3 epochs of 12 rows.
    expect(cost.backward).toBe(8 * 36);
    const values: number[] = [];
    for (const shard of shards) {
      const { tensors } = readSafetensors(await readShardFile(storage, shard, retrainedFile));
      for (const value of tensors.get('queries')?.data ?? []) values.push(Number(value));
    }
    found.push(values);
  }
  expect(found[1]).toEqual(found[0]);

  const direct = await openRetraining({ recipe: recipe(), queries });
  const expected: number[] = [];
  for (const planned of trainings)
    for (const value of (await direct.trainOn(undefined, planned)).queries) expected.push(value);
  await direct.close();
  expect(found[0]).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(24);
});

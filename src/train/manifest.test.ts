import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, linear } from './layers/index.ts';
import { manifestOf, optionsOf, readManifest } from './manifest.ts';
import { Network } from './network.ts';
import type { TrainOptions } from './settings.ts';
import { type Trained, train } from './train.ts';
import { openTraining, trainingFiles } from './training-files.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function modelOf(features: number, seed = 2) {
  const network = new Network({ seed });
  const x = network.input('x', 'float32', ['N', 3]);
  const hidden = activation(network, linear(network, x, 'hidden', { features }), 'tanh', 'tanh');
  return network.build([linear(network, hidden, 'logits', { features: 2 })]);
}

const rows = (count: number) =>
  datasetOf(
    {
      x: float32(
        [count, 3],
        Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(i)),
      ),
    },
    {
      labels: int64(
        [count],
        Array.from({ length: count }, (_, i) => i % 2),
      ),
    },
  );

const options: TrainOptions = {
  model: modelOf(4),
  samples: rows(10),
  loss: { kind: 'cross-entropy', labelSmoothing: 0.1 },
  optimizer: { kind: 'adam', weightDecay: 0.01 },
  schedule: { kind: 'cosine', learningRate: 0.01 },
  epochs: 3,
  batchSize: 4,
  seed: 8,
  divisor: 'rows',
  rowWeights: Float32Array.from({ length: 10 }, (_, i) => (i % 3) / 3),
  clipNorm: 0.5,
  checkpointEvery: { epochs: 1 },
  runtime,
};
const data = { key: 'sha256:abc', ids: Array.from({ length: 10 }, (_, i) => `row-${i}`) };

let trained: Trained;
let files: Map<string, Uint8Array>;
beforeAll(async () => {
  trained = await train(options);
  files = await trainingFiles(options, trained, data);
});

const read = async (name: string) => files.get(name) as Uint8Array;

describe('the manifest of a training', () => {
  it('makes the same training again, to the bit', async () => {
    const { manifest, options: again } = await openTraining(read, { samples: rows(10), runtime, ...data });
    expect(manifest.checkpoints).toEqual([3, 6, 9]);
    expect(manifest.losses).toEqual([...trained.history.losses]);
    const replayed = await train({ ...again, checkpointEvery: { epochs: 1 } });
    expect(replayed.history).toEqual(trained.history);
    const second = await manifestOf({ ...again, checkpointEvery: { epochs: 1 } }, replayed, data);
    expect(second).toEqual(manifest);
  });

  it('holds an order that was given', async () => {
    const order = [Uint32Array.of(3, 2, 1, 0, 4, 5, 6, 7, 8, 9)];
    const given = { ...options, epochs: 1, order };
    const { model } = options;
    const manifest = await manifestOf(given, await train(given));
    expect(manifest.order).toEqual([[3, 2, 1, 0, 4, 5, 6, 7, 8, 9]]);
    expect((await optionsOf(manifest, { model, samples: rows(10), runtime })).order).toEqual(order);
  });

  it.each([
    ['fewer rows', { samples: rows(9) }, /rows of another training \(got 9, expected 10\)/],
    ['changed rows', { key: 'sha256:abd' }, /rows of another training \(got sha256:abd, expected sha256:abc\)/],
    ['rows in another order', { ids: [...data.ids].reverse() }, /^row 0: rows of another training.*got row-9/],
    ['one id too many', { ids: [...data.ids, 'row-10'] }, /^row 10: rows of another training/],
    ['another architecture', { model: modelOf(5) }, /a model of another training/],
    ['other initial weights', { model: modelOf(4, 3) }, /initial weights of another training/],
  ])('refuses %s', async (_, change, message) => {
    const { manifest } = await openTraining(read, { samples: rows(10), runtime, ...data });
    const materials = { model: modelOf(4), samples: rows(10), runtime, ...data, ...change };
    await expect(optionsOf(manifest, materials)).rejects.toThrow(message);
  });

  it('says what is wrong with a file that is none', async () => {
    expect(() => readManifest('{', 'training.json')).toThrow(/training.json: not JSON/);
    const manifest = await manifestOf(options, trained);
    const broken = (change: object) => () => readManifest(JSON.stringify({ ...manifest, ...change }), 'training.json');
    expect(broken({})).not.toThrow();
    expect(broken({ version: 2 })).toThrow(/^training.json, version: not the manifest of a training/);
    expect(broken({ losses: 'none' })).toThrow(/^training.json, losses:/);
    expect(broken({ optimizer: 'adam' })).toThrow(/^training.json, optimizer:/);
    await expect(manifestOf(options, trained, { ids: ['a'] })).rejects.toThrow(/ids of the rows \(got 1, expected 10/);
  });
});

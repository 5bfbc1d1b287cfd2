import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toyImages, toySide, trainedToy } from '../../test/toy-images.ts';
import { datasetOf } from '../dataset/in-memory.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { validateModel } from '../onnx/validate.ts';
import { createModel, type Model } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { bytesOf, float32, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type CheckpointStore, checkpointsInMemory } from '../train/index.ts';
import { adapt } from './adapt.ts';
import { checkExplains, openExplainer } from './explainer.ts';
import type { Adapted } from './open-adaptation.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const settings = { channels: 8, detail: 8, ranking: 1, epochs: 4, batchSize: 12, learningRate: 5e-3, seed: 3 } as const;
const dataset = datasetOf({ image: toyImages(360, 7).images });
const heldOut = toyImages(64, 99, 3);
const checkpoints: CheckpointStore = checkpointsInMemory();
let onnx: OnnxModel;
let model: Model;
let adapted: Adapted;

beforeAll(async () => {
  onnx = await trainedToy(runtime);
  model = createModel(onnx, runtime, { name: 'toy.onnx', hash: 'toy' });
  adapted = await adapt(model, dataset, { settings, checkpoints });
});

const through = (one: OnnxModel) => decodeModel(encodeModel(one));

async function predictions(of: OnnxModel, batch: number): Promise<Uint8Array[]> {
  const session = await runtime.open(of);
  try {
    const size = toySide * toySide;
    const results: Uint8Array[] = [];
    for (let i = 0; i + batch <= 32; i += batch) {
      const data = heldOut.images.data.slice(i * size, (i + batch) * size);
      const feeds = new Map<string, Tensor>([
        ['image', { type: 'float32', shape: [batch, 1, toySide, toySide], data }],
      ]);
      results.push(bytesOf((await session.run(feeds, ['logits'])).get('logits') as Tensor).slice());
    }
    return results;
  } finally {
    await session.release();
  }
}

async function masksOf(one: Adapted): Promise<Float32Array> {
  const explainer = openExplainer(createModel(through(one.explainer), runtime, { name: 'explainer.onnx', hash: '' }));
  return (await explainer.masks(heldOut.images, Array.from(heldOut.labels.data, Number))).data;
}

describe('a trained explainer', () => {
  it('finds the patch that the class depends on', async () => {
    const masks = await masksOf(adapted);
    const size = toySide * toySide;
    let [inside, covered, both] = [0, 0, 0];
    heldOut.patches.forEach((patch, n) => {
      for (let i = 0; i < size; i++) {
        const above = masks[n * size + i] >= 0.5 ? 1 : 0;
        inside += patch[i];
        covered += above;
        both += patch[i] * above;
      }
    });
    // A mask by chance over a share p of the image has an IoU with a patch of share .14 of at most .14.
    expect(both / (inside + covered - both)).toBeGreaterThan(0.4);
    // What it covers lies in the patch far more often than the 14 % of chance.
    expect(both / covered).toBeGreaterThan(0.5);
  });

  it('separates: what it keeps tells the class, what it leaves does not', () => {
    const last = adapted.validations.at(-1);
    expect(last?.kept).toBeGreaterThan(0.75);
    // A quarter of the images have no patch: they keep their class whatever is left out.
    expect(last?.removed).toBeLessThan(0.4);
    expect(last?.area).toBeLessThan(0.4);
  });

  it('leaves the predictions their bits, in batches of any size', async () => {
    expect(adapted.comparison).toMatchObject({ identical: true, difference: 0, keepsNodes: true });
    const fused = through(adapted.fused);
    validateModel(fused);
    for (const batch of [1, 8]) expect(await predictions(fused, batch)).toEqual(await predictions(onnx, batch));
    // The same nodes with the same weights, in the same order, before those of the explainer.
    expect(fused.graph.nodes.slice(0, onnx.graph.nodes.length)).toEqual(through(onnx).graph.nodes);
  });

  it('gives the same mask beside the model and alone', async () => {
    const session = await runtime.open(through(adapted.fused));
    const results = await session.run(new Map([['image', heldOut.images]]), ['logits', 'mask']);
    await session.release();
    const logits = (results.get('logits') as Tensor<'float32'>).data;
    const classes = heldOut.patches.map((_, n) => {
      const row = logits.subarray(4 * n, 4 * n + 4);
      return row.indexOf(Math.max(...row));
    });
    const explainer = openExplainer(createModel(through(adapted.explainer), runtime, { name: 'e', hash: '' }));
    const alone = (await explainer.masks(heldOut.images, classes)).data;
    expect((results.get('mask') as Tensor<'float32'>).data).toEqual(alone);
  });

  it('ends at 1 where the runtime rounds its sigmoid above', async () => {
    // ONNX Runtime gives 1 + 2⁻²³ for this logit, alone of those between 0 and 40.
    const highest = 17.844;
    const { graph } = adapted.explainer;
    const initializers = new Map(graph.initializers);
    for (const [name, { shape }] of graph.initializers) {
      if (!/^lax\/(head|near)\./.test(name)) continue;
      const value = name === 'lax/head.bias' ? highest : 0;
      const tensor = float32(shape, new Float32Array(sizeOf(shape)).fill(value));
      initializers.set(name, { name, type: 'float32', shape, location: { kind: 'memory', tensor } });
    }
    const saturated = { ...adapted.explainer, graph: { ...graph, initializers } };
    const explainer = openExplainer(createModel(through(saturated), runtime, { name: 'e', hash: '' }));
    const masks = await explainer.masks(heldOut.images, Array.from(heldOut.labels.data, Number));
    expect(new Set(masks.data)).toEqual(new Set([1]));
  });

  it('says in its file what it is, and refuses other models', async () => {
    const explainer = openExplainer(createModel(through(adapted.explainer), runtime, { name: 'e', hash: '' }));
    expect(explainer.facts).toMatchObject({
      model: 'toy',
      threshold: 0.5,
      references: ['mean', 'noise', 'colour', 'image'],
      gradients: { points: [1], notes: [] },
      seed: 3,
      classes: 4,
      layers: [{ name: 'relu2' }, { name: 'relu3' }],
    });
    const other = { ...model, hash: 'another' };
    expect(() => checkExplains(explainer, model)).not.toThrow();
    expect(() => checkExplains(explainer, other)).toThrow('trained on another model');
    expect(() => openExplainer(model)).toThrow('no explainer');
    await expect(explainer.masks(heldOut.images, [0])).rejects.toThrow('images for the explainer');
    await expect(explainer.masks(heldOut.images, new Array(64).fill(4))).rejects.toThrow('0 to 3');
  });
});

describe('a training', () => {
  it('gives the same bits again, and when it goes on from a checkpoint', async () => {
    const [, second] = await checkpoints.steps();
    const resumed = await adapt(model, dataset, { settings, checkpoints, resume: await checkpoints.load(second) });
    expect(encodeModel(resumed.explainer)).toEqual(encodeModel(adapted.explainer));
    expect(resumed.validations).toEqual(adapted.validations);
    expect(resumed.history.losses).toEqual(adapted.history.losses);
  });

  it('refuses a checkpoint of other settings', async () => {
    const resume = await checkpoints.load((await checkpoints.steps())[0]);
    const other = adapt(model, dataset, { settings: { ...settings, minimality: 2 }, resume });
    await expect(other).rejects.toThrow('other settings');
  });

  it.each([
    ['nothing', { minimality: 400, necessity: 0, gradients: [] }],
    ['all', { minimality: 0, necessity: 0, ranking: 0, variation: 0, detail: 0, learningRate: 2e-2 }],
  ])('stops when the mask keeps %s', async (what, weights) => {
    const run = adapt(model, dataset, { settings: { ...settings, ...weights, epochs: 2 } });
    await expect(run).rejects.toThrow(`keeps ${what} of the image`);
  });
});

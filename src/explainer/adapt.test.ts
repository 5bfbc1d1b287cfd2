import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toyPictures, trainedToy } from '../../test/toy-pictures.ts';
import { tensorDataset } from '../data/dataset.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createModel, type Model } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { checkpointsInMemory } from '../train/index.ts';
import { type Adapted, adapt } from './adapt.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const settings = { channels: 8, epochs: 6, batchSize: 32, learningRate: 5e-3, seed: 3 } as const;
let onnx: OnnxModel;
let model: Model;
let adapted: Adapted;
const dataset = tensorDataset({ image: toyPictures(512, 7).pictures });

beforeAll(async () => {
  onnx = await trainedToy(runtime);
  model = createModel(onnx, runtime, { name: 'toy.onnx', hash: 'toy' });
  const t = performance.now();
  adapted = await adapt(model, dataset, {
    settings,
    onValidation: (v) => console.log(JSON.stringify(v)),
    onStart: (p) => console.log(JSON.stringify(p)),
  });
  console.log(performance.now() - t, JSON.stringify(adapted.comparison));
});

describe('adapt', () => {
  it('finds a small mask', () => {
    expect(adapted.comparison.identical).toBe(true);
  });
});

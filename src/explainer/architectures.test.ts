import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { normals, random } from '../tensor/random.ts';
import { float32, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { adapt } from './adapt.ts';
import { openExplainer } from './explainer.ts';
import type { LaxOptions } from './settings.ts';

interface Entry {
  readonly architecture: string;
  readonly exporter: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

const folder = fileURLToPath(new URL('../../test/fixtures/architectures/', import.meta.url));
const entries = JSON.parse(readFileSync(`${folder}index.json`, 'utf8')) as Entry[];
/** A solver of equations takes fields of four axes that are no images. */
const images = entries.filter(({ architecture, inputs }) => {
  const shapes = Object.values(inputs);
  return architecture !== 'fno' && shapes.length === 1 && shapes[0].length === 4;
});
/** A segmentation and a detector: no classes of an image. */
const others = new Set(['unet', 'yolo']);
const classifiers = images.filter(({ architecture }) => !others.has(architecture));
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

async function trained({ architecture, exporter, inputs }: Entry, settings: LaxOptions = {}) {
  const name = `${architecture}.${exporter}`;
  const source = decodeModel(readFileSync(`${folder}${name}.onnx`));
  const model = createModel(source, runtime, { name, hash: name });
  const [[input, shape]] = Object.entries(inputs);
  const one = [12, ...shape.slice(1)];
  const data = float32(one, normals(sizeOf(one), random(1)));
  const adapted = await adapt(model, datasetOf({ [input]: data }), {
    settings: { channels: 4, epochs: 1, batchSize: 4, validation: 0.3, seed: 1, ...settings },
  });
  const explainer = openExplainer(
    createModel(decodeModel(encodeModel(adapted.explainer)), runtime, { name, hash: '' }),
  );
  const [, a, b, c] = shape;
  const first = float32([1, a, b, c], data.data.slice(0, a * b * c));
  const masks: Tensor<'float32'> = await explainer.masks(first, [0]);
  await model.close();
  return { adapted, masks, shape };
}

const plainly = new Map<Entry, ReturnType<typeof trained>>();

/** Trained with the settings of all, once. */
function trainedPlainly(entry: Entry): ReturnType<typeof trained> {
  const found = plainly.get(entry) ?? trained(entry);
  plainly.set(entry, found);
  return found;
}

describe('networks as PyTorch exports them', () => {
  /** Each is another way to hold maps of an image: convolutions, joins, gates, windows, tokens, channels that come last. */
  const kinds = ['resnet-basic', 'densenet', 'mobilenetv3', 'convnext', 'swin', 'vit', 'channels-last'];
  it('cover convolutions, transformers and channels that come last', () => {
    const named = new Set(classifiers.map(({ architecture }) => architecture));
    for (const name of kinds) expect(named).toContain(name);
  });

  /** One of each kind, by its first exporter; in full mode every architecture by every one. */
  const tried = classifiers.filter(
    ({ architecture }, i) =>
      process.env.WHEREFORE_FULL === '1' ||
      (kinds.includes(architecture) && classifiers.findIndex((entry) => entry.architecture === architecture) === i),
  );

  it.each(tried.map((entry) => [`${entry.architecture} (${entry.exporter})`, entry] as const))(
    '%s gets an explainer and keeps the bits of its predictions',
    async (_, entry) => {
      const { adapted, masks, shape } = await trainedPlainly(entry);
      const last = adapted.facts.channelAxis === 3;
      const [height, width] = last ? shape.slice(1, 3) : shape.slice(2);
      expect(masks.shape).toEqual([1, 1, height, width]);
      expect(masks.data.every((value) => value > 0 && value < 1)).toBe(true);
      expect(adapted.comparison.identical).toBe(true);
    },
  );

  it('are read at three depths where all maps are tokens of one grid', async () => {
    const vit = classifiers.find(({ architecture }) => architecture === 'vit') as Entry;
    const { adapted } = await trainedPlainly(vit);
    expect(adapted.facts.layers.map(({ form, height, width }) => [form, height, width])).toEqual([
      ['tokens', 4, 4],
      ['tokens', 4, 4],
      ['tokens', 4, 4],
    ]);
  });

  it('are refused where the model does not choose among classes', async () => {
    for (const entry of images.filter(({ architecture }) => others.has(architecture)))
      await expect(trained(entry)).rejects.toThrow('no list of classes');
  });

  it.each([
    ['without internals', { reads: 'input' }],
    ['with an information bottleneck', { bottleneck: 'information' }],
    ['on one stated layer', { layers: ['STATED'] }],
  ] as const)('get an explainer %s', async (_, settings) => {
    const resnet = classifiers.find(({ architecture }) => architecture === 'resnet-basic') as Entry;
    const whole = await trainedPlainly(resnet);
    const stated = 'layers' in settings ? { layers: [whole.adapted.facts.layers[0].name] } : settings;
    const { adapted, masks } = await trained(resnet, stated);
    expect(adapted.comparison.identical).toBe(true);
    expect(masks.data.every((value) => value > 0 && value < 1)).toBe(true);
    expect(adapted.facts.layers.length).toBe(
      'reads' in settings ? 0 : 'layers' in settings ? 1 : whole.adapted.facts.layers.length,
    );
    if ('bottleneck' in settings) expect(adapted.facts.references).toEqual(['noise']);
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { preprocessImage } from '../inputs/image-input.ts';
import { type ImageInput, preprocessingSchema } from '../model/preprocessing.ts';
import { readImageProcessor } from '../model/preprocessor-config.ts';
import { readImage } from './image.ts';
import { readNpz } from './npz.ts';
import { type Kernel, resizeImage } from './resize.ts';

// Every value here was made by Pillow 12.3, torchvision 0.28 and transformers 5.18; bytes have to be equal to the bit.
const folder = fileURLToPath(new URL('../../../test/fixtures/images/', import.meta.url));
const cases = JSON.parse(readFileSync(`${folder}cases.json`, 'utf8')) as {
  resize: {
    targets: [number, number][];
    cases: { kind: 'noise' | 'edges' | 'ramp'; source: [number, number]; filter: Kernel; digests: string[] }[];
  };
  torchvision: { key: string; source: number; input: object }[];
  transformers: { key: string; source: number; config: Record<string, unknown>; corner: number[] }[];
};
const prepared = readNpz(readFileSync(`${folder}prepared.npz`), 'prepared.npz') as ReadonlyMap<string, Tensor<'uint8'>>;
const decoded = readNpz(readFileSync(`${folder}decoded.npz`), 'decoded.npz') as ReadonlyMap<string, Tensor<'uint8'>>;
const array = (key: string) => prepared.get(key) as Tensor<'uint8'>;

function describedInput(input: object): ImageInput {
  return preprocessingSchema.parse({ inputs: { x: { kind: 'image', range: [0, 1], ...input } } }).inputs
    .x as ImageInput;
}

function differing(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return (a.data as Uint8Array).reduce((count, value, i) => count + Number(value !== b.data[i]), 0);
}

describe('resizeImage gives the bytes of Pillow', () => {
  const formulas: Readonly<Record<string, (i: number) => number>> = {
    noise: (i) => (i * i * 7 + i * 13) % 256,
    edges: (i) => Number(Math.floor((i * i) / 3) % 7 < 3) * 255,
    ramp: (i) => Math.floor((i * 5) / 3) % 256,
  };
  it.each(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const)('%s', (filter) => {
    const { targets, cases: all } = cases.resize;
    const own = all.filter((one) => one.filter === filter);
    expect(own).toHaveLength(24);
    for (const { kind, source, digests } of own) {
      const [height, width] = source;
      const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => formulas[kind](i));
      for (const [t, target] of targets.entries()) {
        const { data } = resizeImage(tensor('uint8', [height, width, 3], bytes), target, filter);
        const digest = createHash('sha256').update(data).digest('hex').slice(0, 16);
        expect(digest, `${kind} ${source} to ${target}`).toBe(digests[t]);
      }
    }
  });

  it('without antialiasing takes the neighbours alone', () => {
    // Centres of 1 of 4 pixels at 2: between pixels 1 and 2, half each.
    const line = tensor('uint8', [1, 4, 1], Uint8Array.of(0, 100, 200, 50));
    expect([...resizeImage(line, [1, 1], 'bilinear', { antialias: false }).data]).toEqual([150]);
    // With it the triangle reaches over all four: (.625·0 + .875·100 + .875·200 + .625·50)/3 = 97.9.
    expect([...resizeImage(line, [1, 1], 'bilinear').data]).toEqual([98]);
  });

  it('refuses what has no pixels', () => {
    expect(() => resizeImage(tensor('uint8', [0, 4, 3]), [1, 1], 'bilinear')).toThrow(/not an image/);
  });
});

describe('readImage gives the pixels of convert("RGB")', () => {
  it.each([...decoded.keys()])('%s', async (name) => {
    const { pixels } = await readImage(`${folder}${name}`);
    expect(differing(pixels, decoded.get(name) as Tensor)).toBe(0);
  });
});

describe('an image is made ready as torchvision does', () => {
  it.each(cases.torchvision)('$key: $input', async ({ key, source, input }) => {
    const { seen } = await preprocessImage(array(`source-${source}`), describedInput(input));
    expect(differing(seen, array(key))).toBe(0);
  });
});

describe('an image is made ready as transformers does', () => {
  it.each(cases.transformers)('$key: $config.image_processor_type', async ({ key, source, config, corner }) => {
    const processor = readImageProcessor(config, 'preprocessor_config.json');
    const input = describedInput({ range: undefined, ...processor?.input });
    const { seen, tensor: values } = await preprocessImage(array(`source-${source}`), input);
    const expected = array(key);
    const [height, width] = expected.shape;
    // MobileViT turns the channels round before the model sees them.
    const turned = config.do_flip_channel_order ? [2, 1, 0] : [0, 1, 2];
    const rgb = expected.data.map((_, i) => expected.data[i - (i % 3) + turned[i % 3]]);
    expect(differing(seen, tensor('uint8', [height, width, 3], rgb))).toBe(0);
    const own = [0, 1, 2].flatMap((c) =>
      [0, 1].flatMap((y) => [0, 1, 2].map((x) => values.data[(c * height + y) * width + x])),
    );
    // Both compute in float32, in another order: a few units in the last place of values up to 8.
    for (const [i, value] of own.entries()) expect(Math.abs(value - corner[i])).toBeLessThan(4e-6);
  });
});

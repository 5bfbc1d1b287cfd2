import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { mapToSource, toGrid, toSource, transformForGrid } from '../inputs/grid.ts';
import { colourInModelUnits, preprocessImage, unprocessImage } from '../inputs/image-input.ts';
import { type ImageInput, preprocessingSchema } from '../model/preprocessing.ts';
import { readImage, writePng } from './image.ts';
import { resizeImage } from './resize.ts';

/** height × width pixels whose red is 10·y, green 10·x, blue 200. */
function gradientImage(height: number, width: number): Tensor<'uint8'> {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([10 * y, 10 * x, 200], (y * width + x) * 3);
  return tensor('uint8', [height, width, 3], data);
}

function imageInput(options: object): ImageInput {
  return preprocessingSchema.parse({ inputs: { x: { kind: 'image', range: [0, 255], ...options } } }).inputs
    .x as ImageInput;
}

describe('readImage', () => {
  it('returns the pixels of a PNG, and writePng writes them', async () => {
    const pixels = gradientImage(4, 5);
    const image = await readImage(await writePng(pixels));
    expect(image).toEqual({ pixels, notes: [] });
  });

  it('turns an image upright', async () => {
    const lying = await sharp(gradientImage(4, 5).data, { raw: { width: 5, height: 4, channels: 3 } })
      .png()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { pixels, notes } = await readImage(lying);
    expect(pixels.shape).toEqual([5, 4, 3]);
    // Orientation 6: turn clockwise, so that the bottom left pixel (red 30, green 0) comes to the top left.
    expect([...pixels.data.slice(0, 3)]).toEqual([30, 0, 200]);
    expect(notes).toEqual(['turned upright by its orientation tag 6']);
  });

  it('drops transparency as Pillow does, or lays it over a colour', async () => {
    const bytes = await writePng(tensor('uint8', [1, 2, 4], Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0)));
    const dropped = await readImage(bytes);
    expect([...dropped.pixels.data]).toEqual([10, 20, 30, 10, 20, 30]);
    expect(dropped.notes).toEqual([expect.stringMatching(/^transparency dropped/)]);
    const white = await readImage(bytes, { background: [255, 255, 255] });
    expect([...white.pixels.data]).toEqual([10, 20, 30, 255, 255, 255]);
    expect(white.notes).toEqual(['transparent parts laid over rgb(255, 255, 255)']);
    const opaque = await readImage(await writePng(tensor('uint8', [1, 1, 4], Uint8Array.of(10, 20, 30, 255))));
    expect(opaque.notes).toEqual([]);
    const black = await readImage(bytes, { background: [0, 0, 0] });
    expect([...black.pixels.data]).toEqual([10, 20, 30, 0, 0, 0]);
  });

  it('reads grey and 16-bit images', async () => {
    const grey = await readImage(await writePng(tensor('uint8', [1, 2, 1], Uint8Array.of(7, 250))));
    expect([...grey.pixels.data]).toEqual([7, 7, 7, 250, 250, 250]);
    expect(grey.notes).toEqual(['grey repeated into red, green and blue']);
    const deep = await sharp(Uint16Array.of(0, 65535, 0x8080), { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const { pixels, notes } = await readImage(deep);
    expect([...pixels.data]).toEqual([0, 255, 128]);
    expect(notes).toEqual(['reduced from 16 bits to 8']);
  });

  it('refuses what is no image, and half an image', async () => {
    await expect(readImage(new TextEncoder().encode('hello'), { name: 'a.png' })).rejects.toMatchObject({
      code: 'invalid-data',
      message: expect.stringMatching(/^a\.png: cannot be read as an image/),
    });
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await expect(readImage(jpeg.subarray(0, jpeg.length / 2))).rejects.toMatchObject({ code: 'invalid-data' });
    await expect(readImage('/no/such/image.png')).rejects.toMatchObject({ code: 'file-not-found' });
  });
});

describe('resizeImage', () => {
  it('refuses sizes that no memory holds, also of one pass alone: 2 × 2^26 pixels', () => {
    const image = tensor('uint8', [2, 1, 1], Uint8Array.of(1, 2));
    expect(() => resizeImage(image, [2 ** 31, 2 ** 31], 'bicubic')).toThrow(
      /too large .got 2×1 to 2147483648×2147483648/,
    );
    expect(() => resizeImage(image, [1, 2 ** 25], 'nearest')).toThrow(/at most 64 million/);
    expect(() => resizeImage(image, [1, Number.POSITIVE_INFINITY], 'nearest')).toThrow(/at most 64 million/);
  });

  it('averages when it shrinks', async () => {
    const two = tensor('uint8', [2, 2, 3], Uint8Array.of(0, 0, 0, 100, 100, 100, 100, 100, 100, 200, 200, 200));
    const one = resizeImage(two, [1, 1], 'bilinear');
    expect([...one.data]).toEqual([100, 100, 100]);
  });
});

describe('preprocessImage', () => {
  it('reorders and scales: (low + pixel · scale − mean) / std, channel by channel', async () => {
    const image = tensor('uint8', [1, 1, 3], Uint8Array.of(0, 51, 255));
    const rgb = await preprocessImage(
      image,
      imageInput({ size: [1, 1], range: [0, 1], mean: [0.5, 0.2, 0], std: [1, 2, 0.5] }),
    );
    // R (0 − .5)/1, G (51/255 − .2)/2 = 0, B (1 − 0)/.5
    expect([...rgb.tensor.data]).toEqual([-0.5, expect.closeTo(0, 7), 2]);
    const bgr = await preprocessImage(
      image,
      imageInput({ size: [1, 1], range: undefined, scale: 1, colour: 'BGR', mean: [1, 2, 3] }),
    );
    expect([...bgr.tensor.data]).toEqual([254, 49, -3]);
    const grey = await preprocessImage(image, imageInput({ size: [1, 1], colour: 'grey', range: [255, 0] }));
    // .587 · 51 + .114 · 255 = 59.007 → 59; inverted 196
    expect([...grey.tensor.data]).toEqual([196]);
    expect(grey.tensor.shape).toEqual([1, 1, 1, 1]);
  });

  it('lays out NCHW and NHWC', async () => {
    const image = gradientImage(2, 3);
    const first = await preprocessImage(image, imageInput({ size: [2, 3] }));
    expect(first.tensor.shape).toEqual([1, 3, 2, 3]);
    expect([...first.tensor.data]).toEqual([0, 0, 0, 10, 10, 10, 0, 10, 20, 0, 10, 20, 200, 200, 200, 200, 200, 200]);
    const last = await preprocessImage(image, imageInput({ size: [2, 3], layout: 'NHWC' }));
    expect(last.tensor.shape).toEqual([1, 2, 3, 3]);
    expect([...last.tensor.data]).toEqual([...image.data]);
  });

  it('letterboxes in the centre and in the corner', async () => {
    const wide = gradientImage(2, 4);
    const options = { size: [4, 4], resize: 'letterbox', pad: [1, 2, 3], layout: 'NHWC' };
    const centre = await preprocessImage(wide, imageInput(options));
    expect(centre.transform).toEqual({ source: [2, 4], grid: [4, 4], scale: [1, 1], offset: [1, 0] });
    expect([...centre.tensor.data.slice(0, 3)]).toEqual([1, 2, 3]);
    expect([...centre.tensor.data.slice(12, 36)]).toEqual([...wide.data]);
    const corner = await preprocessImage(wide, imageInput({ ...options, place: 'corner', pad: 114 }));
    expect(corner.transform.offset).toEqual([0, 0]);
    expect([...corner.tensor.data.slice(0, 24)]).toEqual([...wide.data]);
    expect([...corner.tensor.data.slice(24)]).toEqual(Array(24).fill(114));
  });

  it('crops around the centre', async () => {
    const wide = gradientImage(2, 6);
    const { seen, transform } = await preprocessImage(wide, imageInput({ size: [2, 2], resize: 'crop' }));
    expect(transform).toEqual({ source: [2, 6], grid: [2, 2], scale: [1, 1], offset: [0, -2] });
    expect([...seen.data]).toEqual([0, 20, 200, 0, 30, 200, 10, 20, 200, 10, 30, 200]);
    const larger = await preprocessImage(
      gradientImage(20, 30),
      imageInput({ size: [8, 8], resize: 'crop', shorterSide: 10 }),
    );
    // 15 − 8 = 7 pixels are cut: between 3 and 4, torchvision takes the even one and transformers the one before.
    expect(larger.transform).toEqual({ source: [20, 30], grid: [8, 8], scale: [0.5, 0.5], offset: [-1, -4] });
    const up = { size: [8, 8], resize: 'crop', shorterSide: 10, centre: 'up' };
    const other = await preprocessImage(gradientImage(20, 30), imageInput(up));
    expect(other.transform.offset).toEqual([-1, -3]);
  });

  it.each([
    { size: [3, 4], mean: [103.939, 116.779, 123.68], colour: 'BGR' },
    { size: [3, 4], range: [0, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    { size: [3, 4], range: [1, -1], layout: 'NHWC' },
  ])('unprocessImage is its inverse: %o', async (options) => {
    const input = imageInput(options);
    const { tensor: prepared, seen } = await preprocessImage(gradientImage(3, 4), input);
    expect(unprocessImage(prepared, input)).toEqual({ pixels: [seen], clipped: 0 });
    const blue = colourInModelUnits([0, 0, 200], input);
    // The top left pixel is (0, 0, 200); float32 holds it to seven digits.
    const step = input.layout === 'NCHW' ? 12 : 1;
    for (const [c, value] of blue.entries()) expect(prepared.data[c * step]).toBeCloseTo(value, 4);
  });

  it('counts what it cannot show', () => {
    const input = imageInput({ size: [1, 1] });
    const shown = unprocessImage({ type: 'float32', shape: [1, 3, 1, 1], data: Float32Array.of(-5, 10, 300) }, input);
    expect([...shown.pixels[0].data]).toEqual([0, 10, 255]);
    expect(shown.clipped).toBe(2);
    expect(() => unprocessImage({ type: 'float32', shape: [2], data: new Float32Array(2) }, input)).toThrow(
      /expected N×3×1×1/,
    );
  });
});

describe('grid', () => {
  const transform = { source: [4, 8], grid: [4, 4], scale: [0.5, 0.5], offset: [1, 0] } as const;

  it('goes there and back', () => {
    expect(toSource(transform, [1, 0])).toEqual([0, 0]);
    expect(toSource(transform, [3, 4])).toEqual([4, 8]);
    expect(toGrid(transform, toSource(transform, [2.5, 1.25]))).toEqual([2.5, 1.25]);
    expect(transformForGrid(transform, [2, 2])).toEqual({
      source: [4, 8],
      grid: [2, 2],
      scale: [0.25, 0.25],
      offset: [0.5, 0],
    });
  });

  it('spreads shares over the source and keeps their sum', () => {
    // Rows 0 and 3 are padding: 1 + 1 fall outside. Each other value covers 2×2 source pixels.
    const map = {
      type: 'float32',
      shape: [4, 4],
      data: Float32Array.of(1, 0, 0, 0, 4, 8, 0, 0, 0, 0, -4, 0, 0, 0, 0, 1),
    } as const;
    const { values, outside } = mapToSource(map, transform);
    expect(outside).toBe(2);
    expect([...values.data]).toEqual([
      1, 1, 2, 2, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0,
    ]);
  });

  it('gives 0 to what was cut away, and shrinks as it enlarges', () => {
    const crop = { source: [1, 4], grid: [1, 4], scale: [1, 2], offset: [0, -2] } as const;
    const { values, outside } = mapToSource(
      { type: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) },
      crop,
    );
    expect([...values.data]).toEqual([0, 3, 7, 0]);
    expect(outside).toBe(0);
  });
});

const kitten = sharedData('squeezenet/kitten_224.png');
const horses = sharedData('photos/horses.jpg');

describe('real images', () => {
  it.skipIf(!kitten)('the kitten in SqueezeNet units comes back as it was', async () => {
    const { pixels } = await readImage(kitten as string);
    const input = imageInput({ size: [224, 224], colour: 'BGR', mean: [103.939, 116.779, 123.68] });
    const { tensor: prepared } = await preprocessImage(pixels, input);
    expect(unprocessImage(prepared, input).pixels[0]).toEqual(pixels);
  });

  it.skipIf(!horses)('the horses in YOLOX letterbox: 425×280 becomes 416×274 in the top left corner', async () => {
    const input = imageInput({ size: [416, 416], colour: 'BGR', resize: 'letterbox', pad: 114, place: 'corner' });
    const { transform, seen } = await preprocessImage(await readImage(horses as string), input);
    expect(transform.scale).toEqual([274 / 280, 416 / 425]);
    expect([...seen.data.slice(274 * 416 * 3)].every((value) => value === 114)).toBe(true);
  });
});

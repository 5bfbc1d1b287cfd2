import { extname, join } from 'node:path';
import type { Sharp } from 'sharp';
import { WhereforeError } from '../../errors.ts';
import { formatShape, type Tensor } from '../../tensor/tensor.ts';
import { folderEntries } from '../files/folders.ts';
import { readBytes } from '../files/read-file.ts';
import { checkPixels, imageOf } from './image-pixels.ts';
import { type Colour, type Image, imageExtensions } from './image-type.ts';

/**
 * Paths of the images of a folder, sub-folders included, in alphabetical order.
 * @throws WhereforeError `invalid-data` for a folder without images
 */
export async function imagesIn(folder: string): Promise<string[]> {
  const images = (await folderEntries(folder, { deep: true })).filter(
    ({ name, isFolder }) => !isFolder && imageExtensions.has(extname(name).toLowerCase()),
  );
  if (images.length > 0) return images.map(({ name }) => join(folder, name));
  throw new WhereforeError('invalid-data', 'the folder holds no images', {
    where: folder,
    expected: [...imageExtensions].join(', '),
  });
}

/**
 * Reads an image (PNG, JPEG, WebP, GIF, TIFF, AVIF, SVG) as 8-bit RGB, with the pixels of Pillow's `convert('RGB')`.
 * Applied, and told in `notes`: the camera's orientation tag, which Pillow leaves alone; 16 bits and grey to 8-bit RGB
 * (Pillow cuts 16-bit grey off at 255 instead of dividing it); CMYK without a profile; the first frame of several;
 * transparency is dropped. An embedded colour profile is not applied, because the pipelines that models are trained with
 * do not.
 * @param options.background Colour to lay under transparent pixels; default: opacity is dropped, and the colours of
 *   transparent pixels, which nobody sees otherwise, count.
 * @throws WhereforeError `file-not-found`, `file-unreadable`; `invalid-data` when it is no image or a damaged one;
 *   `out-of-range` beyond 64 million pixels.
 */
export async function readImage(
  source: string | Uint8Array,
  options: { readonly background?: Colour; readonly name?: string } = {},
): Promise<Image> {
  const { background } = options;
  const where = options.name ?? (typeof source === 'string' ? source : 'image');
  const bytes = typeof source === 'string' ? await readBytes(source, 'image') : source;
  const { default: sharp } = await import('sharp');
  try {
    const image = sharp(bytes, { ignoreIcc: true, limitInputPixels: false });
    const facts = await image.metadata();
    checkPixels(facts, where);
    const cmyk = facts.space === 'cmyk';
    const { data, info } = await (cmyk ? image.pipelineColourspace('cmyk') : image)
      .autoOrient()
      .toColourspace(cmyk ? 'cmyk' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const told = {
      orientation: facts.orientation ?? 1,
      depth: facts.depth === 'uchar' ? undefined : facts.depth === 'ushort' ? '16 bits' : facts.depth,
      isGrey: facts.channels < 3,
      profile: facts.icc,
      isCmyk: cmyk,
      frames: facts.pages,
    };
    const raw = { width, height, channels: cmyk ? 3 : channels, data: cmyk ? rgbOfInks(data) : data };
    return imageOf(raw, told, background);
  } catch (cause) {
    if (cause instanceof WhereforeError) throw cause;
    throw new WhereforeError('invalid-data', 'cannot be read as an image', {
      where,
      got: (cause as Error).message.split('\n')[0],
      expected: 'a whole PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG',
      fix: 'open it in an image viewer to see whether it is damaged',
      cause,
    });
  }
}

/** Four bytes of ink a pixel as light, as Pillow does: (255 − k) − c·(255 − k)/255, rounded in integers. */
function rgbOfInks(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let i = 0, out = 0; i < inks.length; i += 4) {
    const light = 255 - inks[i + 3];
    for (let c = 0; c < 3; c++) {
      const product = inks[i + c] * light + 128;
      rgb[out++] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
  return rgb;
}

/** The bytes of a PNG of a height × width × (1, 3 or 4) tensor: grey, RGB or RGB with opacity. */
export async function writePng(pixels: Tensor<'uint8'>): Promise<Uint8Array> {
  return new Uint8Array(await (await open(pixels)).png({ compressionLevel: 9 }).toBuffer());
}

async function open(pixels: Tensor<'uint8'>): Promise<Sharp> {
  const [height, width, channels] = pixels.shape;
  if (pixels.type !== 'uint8' || pixels.shape.length !== 3 || ![1, 3, 4].includes(channels) || height * width === 0) {
    throw new WhereforeError('wrong-shape', 'not an image', {
      got: `${pixels.type} ${formatShape(pixels.shape)}`,
      expected: 'uint8 height×width×(1, 3 or 4)',
    });
  }
  const { default: sharp } = await import('sharp');
  const image = sharp(pixels.data, { raw: { width, height, channels: channels as 1 | 3 | 4 } });
  return channels === 1 ? image.toColourspace('b-w') : image;
}

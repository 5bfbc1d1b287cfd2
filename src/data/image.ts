import { extname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { WhereforeError } from '../errors.ts';
import { formatShape, type Tensor, tensor } from '../tensor/tensor.ts';
import { folderEntries } from './folders.ts';
import { readBytes } from './read-file.ts';

/** Endings of the names of files that {@link readImage} reads. */
export const imageExtensions: ReadonlySet<string> = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.gif',
  '.avif',
  '.tif',
  '.tiff',
  '.bmp',
  '.svg',
]);

/**
 * Paths of the pictures of a folder, sub-folders included, in alphabetical order.
 * @throws WhereforeError `invalid-data` for a folder without pictures
 */
export async function picturesIn(folder: string): Promise<string[]> {
  const pictures = (await folderEntries(folder, { deep: true })).filter(
    ({ name, isFolder }) => !isFolder && imageExtensions.has(extname(name).toLowerCase()),
  );
  if (pictures.length > 0) return pictures.map(({ name }) => join(folder, name));
  throw new WhereforeError('invalid-data', 'the folder holds no pictures', {
    where: folder,
    expected: [...imageExtensions].join(', '),
  });
}

/** A picture as a person sees it: upright, opaque, 8 bits. */
export interface Image {
  /** height × width × 3, RGB, 0–255. */
  readonly pixels: Tensor<'uint8'>;
  /** What reading changed about the picture, each a sentence: turned upright, transparency filled, … */
  readonly notes: readonly string[];
}

/** Red, green, blue, 0–255. */
export type Colour = readonly [number, number, number];

/** Resize kernels, all of the one image library, so that a kernel means the same everywhere. */
export const kernels = ['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3'] as const;
export type Kernel = (typeof kernels)[number];

/**
 * Reads a picture (PNG, JPEG, WebP, GIF, TIFF, AVIF, SVG) as 8-bit RGB. Applied, and told in `notes`: the camera's
 * orientation tag, `background` under transparent pixels, 16 bits and grey to 8-bit RGB, the first frame of several.
 * An embedded colour profile is not applied, because the pipelines that models are trained with do not.
 * @param options.background Colour under transparent pixels; default white.
 * @throws WhereforeError `file-not-found`, `file-unreadable`; `invalid-data` when it is no picture or a damaged one.
 */
export async function readImage(
  source: string | Uint8Array,
  options: { readonly background?: Colour; readonly name?: string } = {},
): Promise<Image> {
  const { background = [255, 255, 255] } = options;
  const where = options.name ?? (typeof source === 'string' ? source : 'picture');
  const bytes = typeof source === 'string' ? await readBytes(source, 'image') : source;
  try {
    const picture = sharp(bytes, { ignoreIcc: true });
    const facts = await picture.metadata();
    const [r, g, b] = background;
    const { data, info } = await picture
      .autoOrient()
      .flatten({ background: { r, g, b } })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const notes: string[] = [];
    if ((facts.orientation ?? 1) !== 1) notes.push(`turned upright by its orientation tag ${facts.orientation}`);
    if (facts.hasAlpha) notes.push(`transparent parts laid over rgb(${background.join(', ')})`);
    if (facts.depth !== 'uchar') notes.push(`reduced from ${facts.depth} to 8 bits`);
    if (facts.channels < 3) notes.push('grey repeated into red, green and blue');
    if (facts.space === 'cmyk') notes.push('converted from CMYK');
    if ((facts.pages ?? 1) > 1) notes.push(`the first of ${facts.pages} frames`);
    if (facts.icc && !isStandardProfile(facts.icc)) notes.push('its colour profile was not applied');
    return { pixels: tensor('uint8', [info.height, info.width, 3], rgbOf(data, info.channels)), notes };
  } catch (cause) {
    if (cause instanceof WhereforeError) throw cause;
    throw new WhereforeError('invalid-data', 'cannot be read as a picture', {
      where,
      got: (cause as Error).message.split('\n')[0],
      expected: 'a whole PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG',
      fix: 'open it in a picture viewer to see whether it is damaged',
      cause,
    });
  }
}

/** sRGB is what 8-bit pixels mean anyway; its profile changes nothing. Names are Latin-1 or UTF-16 in the profile. */
function isStandardProfile(profile: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(profile).replaceAll('\0', '').includes('sRGB');
}

function rgbOf(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[i * channels + (channels > 3 ? c : 0)];
  }
  return rgb;
}

/** Resizes to exactly `height` × `width`, whatever the proportions. Shrinking averages over the pixels covered. */
export async function resizeImage(
  pixels: Tensor<'uint8'>,
  [height, width]: readonly [number, number],
  kernel: Kernel,
): Promise<Tensor<'uint8'>> {
  const [h, w, channels] = pixels.shape;
  if (h === height && w === width) return pixels;
  const { data, info } = await open(pixels)
    .resize(width, height, { fit: 'fill', kernel })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new WhereforeError('internal', 'resizing changed the number of channels');
  return tensor('uint8', [height, width, channels], new Uint8Array(data));
}

/** The bytes of a PNG of a height × width × (1, 3 or 4) tensor: grey, RGB or RGB with opacity. */
export async function writePng(pixels: Tensor<'uint8'>): Promise<Uint8Array> {
  return new Uint8Array(await open(pixels).png({ compressionLevel: 9 }).toBuffer());
}

function open(pixels: Tensor<'uint8'>): Sharp {
  const [height, width, channels] = pixels.shape;
  if (pixels.type !== 'uint8' || pixels.shape.length !== 3 || ![1, 3, 4].includes(channels) || height * width === 0) {
    throw new WhereforeError('wrong-shape', 'not a picture', {
      got: `${pixels.type} ${formatShape(pixels.shape)}`,
      expected: 'uint8 height×width×(1, 3 or 4)',
    });
  }
  const picture = sharp(pixels.data, { raw: { width, height, channels: channels as 1 | 3 | 4 } });
  return channels === 1 ? picture.toColourspace('b-w') : picture;
}

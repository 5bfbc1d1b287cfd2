import { WhereforeError } from '../../errors.ts';
import { tensor } from '../../tensor/tensor.ts';
import type { Colour, Image } from './image-type.ts';
import { mostPixels } from './resize.ts';

/** An image as a decoder gives it, upright or not. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity. */
  readonly channels: number;
  readonly data: Uint8Array;
  /** What its samples have where that is not 8 bits: `16 bits`. */
  readonly depth: string | undefined;
  /** How a camera was held, by EXIF, 1 to 8. */
  readonly orientation: number;
  /** The embedded colour profile, if any. */
  readonly profile: Uint8Array | undefined;
}

/** What a file says of its image, and a reader tells. */
export interface ImageFacts {
  readonly orientation: number;
  readonly depth: string | undefined;
  readonly isGrey: boolean;
  readonly profile: Uint8Array | undefined;
  readonly isCmyk?: boolean;
  readonly frames?: number;
}

/**
 * Decoded pixels, upright, as a person sees them, with what was done to them in notes: the same words wherever they were
 * decoded.
 * @param background Colour under transparent pixels; default: opacity is dropped.
 */
export function imageOf(
  { width, height, channels, data }: Pick<RawImage, 'width' | 'height' | 'channels' | 'data'>,
  { orientation, depth, isGrey, profile, isCmyk = false, frames = 1 }: ImageFacts,
  background: Colour | undefined,
): Image {
  const notes: string[] = [];
  if (orientation !== 1) notes.push(`turned upright by its orientation tag ${orientation}`);
  if (hasOpacity(channels) && isTransparent(data, channels)) {
    notes.push(
      background
        ? `transparent parts laid over rgb(${background.join(', ')})`
        : "transparency dropped, as Pillow's convert('RGB') does: the colours under it count (background: [255, 255, 255] in wherefore.yaml lays white under it)",
    );
  }
  if (depth !== undefined) notes.push(`reduced from ${depth} to 8`);
  if (isGrey) notes.push('grey repeated into red, green and blue');
  if (isCmyk) notes.push('converted from CMYK');
  if (frames > 1) notes.push(`the first of ${frames} frames`);
  if (profile && !isStandardProfile(profile)) notes.push('its colour profile was not applied');
  return { pixels: tensor('uint8', [height, width, 3], rgbOf(data, channels, background)), notes };
}

/** The stated size is checked before a pixel is decoded: a small file may state a huge one. */
export function checkPixels({ width, height }: { readonly width: number; readonly height: number }, where: string) {
  if (width * height <= mostPixels) return;
  throw new WhereforeError('out-of-range', 'the image is too large to be read', {
    where,
    got: `${width}×${height} pixels`,
    expected: `at most ${mostPixels / 1e6} million`,
    fix: 'make it smaller first',
  });
}

/** sRGB is what 8-bit pixels mean anyway; its profile changes nothing. Names are Latin-1 or UTF-16 in the profile. */
function isStandardProfile(profile: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(profile).replaceAll('\0', '').includes('sRGB');
}

const hasOpacity = (channels: number): boolean => channels === 2 || channels === 4;

function isTransparent(data: Uint8Array, channels: number): boolean {
  for (let i = channels - 1; i < data.length; i += channels) if (data[i] < 255) return true;
  return false;
}

function rgbOf(data: Uint8Array, channels: number, background: Colour | undefined): Uint8Array<ArrayBuffer> {
  if (channels === 3) return new Uint8Array(data);
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  const opacityAt = hasOpacity(channels) ? channels - 1 : undefined;
  for (let i = 0; i < pixels; i++) {
    const opacity = background && opacityAt !== undefined ? data[i * channels + opacityAt] / 255 : 1;
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + (channels > 2 ? c : 0)];
      rgb[i * 3 + c] = background ? Math.round(value * opacity + background[c] * (1 - opacity)) : value;
    }
  }
  return rgb;
}

/** The error for an image of which no pixels can be had. */
export const unreadableImage = (
  where: string,
  got: string,
  { expected = 'a whole PNG, JPEG or WebP', cause }: { readonly expected?: string; readonly cause?: unknown } = {},
) =>
  new WhereforeError('invalid-data', 'cannot be read as an image', {
    where,
    got,
    expected,
    fix: 'open it in an image viewer to see whether it is damaged, or save it as PNG',
    cause,
  });

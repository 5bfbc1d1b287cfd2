import { type ContainerFacts, imageKind, jpegFacts, webpFacts } from '../data/formats/image-container.ts';
import { checkPixels, imageOf, type RawImage, unreadableImage } from '../data/formats/image-pixels.ts';
import { upright } from '../data/formats/orientation.ts';
import type { Edge } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';

/**
 * The pixels of a PNG, JPEG or WebP in a browser: those of Node to the bit, with the same notes. PNG is decoded here,
 * JPEG and WebP by the browser; all are turned upright here. A colour profile is not applied, and opacity is dropped
 * unless a `background` is stated, as in Node.
 * @throws WhereforeError `invalid-data` for what is damaged or cut off, for other kinds, which browsers decode each in
 *   its own way or not at all, for JPEG in CMYK and WebP that is animated or transparent; `out-of-range` beyond 64 million pixels
 */
export const decodeImage: Edge['decodeImage'] = async (bytes, { name, background }) => {
  const kind = imageKind(bytes);
  const read = kind === undefined ? undefined : readers[kind];
  if (!read) throw unreadableImage(name, kind ?? 'something else');
  const raw = await read(bytes, name);
  const { orientation, depth, profile, channels } = raw;
  const facts = { orientation, depth, profile, isGrey: channels < 3 || raw.isGrey === true };
  return imageOf(upright(raw, orientation), facts, background);
};

type Reader = (bytes: Uint8Array<ArrayBuffer>, name: string) => Promise<RawImage & { readonly isGrey?: boolean }>;

const readers: Readonly<Record<string, Reader>> = {
  PNG: async (bytes, name) => {
    const { pngHeader, readPng } = await import('../data/formats/read-png.ts');
    checkPixels(pngHeader(bytes, name), name);
    return readPng(bytes, name);
  },
  JPEG: (bytes, name) => byBrowser(bytes, jpegFacts(bytes, name), name),
  WebP: (bytes, name) => byBrowser(bytes, webpFacts(bytes, name), name),
};

async function byBrowser(bytes: Uint8Array<ArrayBuffer>, facts: ContainerFacts, name: string) {
  checkPixels(facts, name);
  const { orientation, profile, isGrey, hasOpacity } = facts;
  const pixels = await drawn(asItLies(bytes, facts), name);
  if (hasOpacity && isSeeThrough(pixels.data)) {
    throw unreadableImage(name, 'a WebP with transparent pixels, whose colours browsers do not give', {
      expected: 'a PNG, or a WebP without transparency',
    });
  }
  return { ...pixels, channels: 4, orientation, profile, isGrey, depth: undefined };
}

/** Bytes that say nothing of an orientation: some browsers follow it whatever they are told. */
function asItLies(bytes: Uint8Array<ArrayBuffer>, { exif }: ContainerFacts): Uint8Array<ArrayBuffer> {
  if (!exif) return bytes;
  const start = exif.byteOffset - bytes.byteOffset;
  return bytes.slice().fill(0, start, start + exif.length);
}

/** Pixels as a canvas gives them: it keeps colours where nothing is transparent. */
async function drawn(bytes: Uint8Array<ArrayBuffer>, name: string) {
  const bitmap = await createImageBitmap(new Blob([bytes]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw unreadableImage(name, 'one that is damaged', { cause });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new WhereforeError('runtime', 'the browser gives no canvas to read pixels from', { where: name });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: new Uint8Array(data.buffer) };
}

function isSeeThrough(rgba: Uint8Array): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] < 255) return true;
  return false;
}

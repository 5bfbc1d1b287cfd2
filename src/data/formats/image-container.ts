import { joinedBytes } from './bytes.ts';
import { unreadableImage } from './image-pixels.ts';
import { orientationOf } from './orientation.ts';

/** What the bytes of a JPEG or WebP say of the image without being decoded. */
export interface ContainerFacts {
  readonly kind: 'jpeg' | 'webp';
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** The part of the bytes that says it. */
  readonly exif: Uint8Array | undefined;
  readonly profile: Uint8Array | undefined;
  readonly isGrey: boolean;
  /** Whether a pixel may be transparent. */
  readonly hasOpacity: boolean;
}

/** Kinds of images by bytes that they have at a place. */
const kinds: readonly { readonly kind: string; readonly at: number; readonly bytes: readonly number[] }[] = [
  { kind: 'PNG', at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { kind: 'JPEG', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { kind: 'WebP', at: 8, bytes: codes('WEBP') },
  { kind: 'GIF', at: 0, bytes: codes('GIF8') },
  { kind: 'BMP', at: 0, bytes: codes('BM') },
  { kind: 'TIFF', at: 0, bytes: codes('II*\0') },
  { kind: 'TIFF', at: 0, bytes: codes('MM\0*') },
  { kind: 'AVIF', at: 4, bytes: codes('ftypavif') },
  { kind: 'SVG', at: 0, bytes: codes('<svg') },
];

function codes(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

/** What kind of image bytes begin like: `PNG`, `JPEG`, …; undefined where they begin like none that is known. */
export const imageKind = (bytes: Uint8Array): string | undefined =>
  kinds.find((kind) => kind.bytes.every((byte, i) => bytes[kind.at + i] === byte))?.kind;

/**
 * What a JPEG says of itself (ISO/IEC 10918-1, Exif, ICC.1).
 * @throws WhereforeError `invalid-data` for one that is cut off; and for CMYK and 12 bits, which browsers change
 */
export function jpegFacts(bytes: Uint8Array, where: string): ContainerFacts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let exif: Uint8Array | undefined;
  let frame: { width: number; height: number; components: number; bits: number } | undefined;
  const profile: Uint8Array[] = [];
  let at = 2;
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 4 > bytes.length || bytes[at] !== 0xff) throw cutOff(where);
    const marker = bytes[at + 1];
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) throw cutOff(where);
    const content = bytes.subarray(at + 4, end);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && content.length >= 6) {
      const [bits, h1, h0, w1, w0, components] = content;
      frame = { bits, height: (h1 << 8) | h0, width: (w1 << 8) | w0, components };
    }
    if (marker === 0xe1 && !exif && beginsWith(content, 'Exif\0\0')) exif = content;
    if (marker === 0xe2 && beginsWith(content, 'ICC_PROFILE\0')) profile.push(content.subarray(14));
    at = end;
    if (marker === 0xda) break;
  }
  if (!frame || !hasEnd(bytes, at)) throw cutOff(where);
  const { width, height, components, bits } = frame;
  if (components > 3 || bits !== 8)
    throw unreadableImage(where, components > 3 ? 'a JPEG in CMYK' : `a JPEG of ${bits} bits`, {
      expected: 'one in RGB or grey, of 8 bits',
    });
  const facts = {
    width,
    height,
    exif,
    orientation: orientationOf(exif),
    profile: profile.length > 0 ? joinedBytes(profile) : undefined,
  };
  return { kind: 'jpeg', ...facts, isGrey: components === 1, hasOpacity: false };
}

/** The marker of the end: in what is packed, no byte FF is followed by D9. */
function hasEnd(bytes: Uint8Array, from: number): boolean {
  for (let i = bytes.length - 2; i >= from; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  return false;
}

/** What a WebP says of itself (RFC 9649). @throws WhereforeError `invalid-data` for one that is cut off or animated */
export function webpFacts(bytes: Uint8Array, where: string): ContainerFacts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30 || view.getUint32(4, true) + 8 > bytes.length) throw cutOff(where);
  const parts = new Map<string, Uint8Array>();
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = new TextDecoder('latin1').decode(bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > bytes.length) throw cutOff(where);
    if (!parts.has(name)) parts.set(name, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length & 1);
  }
  if (parts.has('ANIM') || parts.has('ANMF'))
    throw unreadableImage(where, 'an animated WebP', { expected: 'a still image' });
  const size = webpSize(parts);
  if (!size) throw cutOff(where);
  return {
    kind: 'webp',
    ...size,
    exif: parts.get('EXIF'),
    orientation: orientationOf(parts.get('EXIF')),
    profile: parts.get('ICCP'),
    isGrey: false,
  };
}

function webpSize(
  parts: ReadonlyMap<string, Uint8Array>,
): Pick<ContainerFacts, 'width' | 'height' | 'hasOpacity'> | undefined {
  const [extended, lossy, lossless] = ['VP8X', 'VP8 ', 'VP8L'].map((name) => parts.get(name));
  const hasAlpha = parts.has('ALPH') || (lossless !== undefined && (lossless[4] & 0x10) !== 0);
  if (extended && extended.length >= 10) {
    const three = (i: number) => extended[i] + (extended[i + 1] << 8) + (extended[i + 2] << 16) + 1;
    return { width: three(4), height: three(7), hasOpacity: hasAlpha || (extended[0] & 0x10) !== 0 };
  }
  if (lossless && lossless.length >= 5) {
    const bits = lossless[1] | (lossless[2] << 8) | (lossless[3] << 16) | (lossless[4] << 24);
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1, hasOpacity: hasAlpha };
  }
  if (!lossy || lossy.length < 10) return undefined;
  const two = (i: number) => (lossy[i] | (lossy[i + 1] << 8)) & 0x3fff;
  return { width: two(6), height: two(8), hasOpacity: hasAlpha };
}

const beginsWith = (bytes: Uint8Array, text: string): boolean => codes(text).every((code, i) => bytes[i] === code);

const cutOff = (where: string) => unreadableImage(where, 'it is cut off or damaged');

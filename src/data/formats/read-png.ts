import { unzlibSync } from 'fflate';
import { joinedBytes } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { type RawImage, unreadableImage } from './image-pixels.ts';
import { orientationOf } from './orientation.ts';

/** Samples of a pixel by the colour type of the header: grey, RGB, palette, grey with opacity, RGB with opacity. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const palette = 3;

/** Bits of a sample that each colour type may have. */
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** Size, bits and colours of a PNG, without decoding it. @throws WhereforeError `invalid-data` */
export function pngHeader(bytes: Uint8Array, where: string): Header {
  const [first] = chunksOf(bytes, where, 1);
  if (first?.name !== 'IHDR' || first.content.length !== 13)
    throw unreadableImage(where, 'it does not begin with a header');
  const { content } = first;
  const view = new DataView(content.buffer, content.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlace] = content.subarray(8);
  if (width === 0 || height === 0 || !depthsOf[colour]?.includes(depth) || interlace > 1)
    throw unreadableImage(where, 'its header is not one of a PNG');
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

/**
 * The pixels of a PNG (ISO/IEC 15948): every colour type and depth, interlaced or not; 16 bits are cut to the upper 8,
 * as libvips does it. An animated one (APNG) is its still image.
 * @throws WhereforeError `invalid-data` for one that is damaged or cut off
 */
export function readPng(bytes: Uint8Array, where: string): RawImage {
  const header = pngHeader(bytes, where);
  const chunks = chunksOf(bytes, where);
  const named = (name: string) => chunks.find((one) => one.name === name)?.content;
  if (!named('IEND')) throw unreadableImage(where, 'it is cut off');
  const packed = joinedBytes(chunks.filter(({ name }) => name === 'IDAT').map(({ content }) => content));
  const samples = samplesOf[header.colour];
  const values = samplesIn(unpacked(packed, header, where), header, where);
  const { width, height, depth, colour } = header;
  const colours = named('PLTE');
  const seeThrough = named('tRNS');
  const facts = {
    ...{ width, height, depth: depth === 16 ? '16 bits' : undefined },
    orientation: orientationOf(named('eXIf')),
    profile: profileIn(named('iCCP')),
  };
  if (colour === palette) {
    if (!colours) throw unreadableImage(where, 'it has no palette');
    return { ...facts, ...coloured(values, colours, seeThrough, where) };
  }
  const data = eightBits(values, depth, samples);
  if (!seeThrough || samples === 2 || samples === 4) return { ...facts, data, channels: samples };
  return { ...facts, data: withOpacity(data, values, seeThrough, samples), channels: samples + 1 };
}

interface Chunk {
  readonly name: string;
  readonly content: Uint8Array;
}

/** The chunks of the file; what is not needed to decode it and is damaged is left out, as libspng does. */
function chunksOf(bytes: Uint8Array, where: string, most = Number.POSITIVE_INFINITY): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length && chunks.length < most; ) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) throw unreadableImage(where, 'it is cut off');
    const name = new TextDecoder('latin1').decode(bytes.subarray(at + 4, at + 8));
    const isSound = crc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4);
    const isCritical = name[0] < 'a';
    if (!isSound && isCritical) throw unreadableImage(where, `the checksum of its part ${name} is wrong`);
    if (isSound) chunks.push({ name, content: bytes.subarray(at + 8, end - 4) });
    if (name === 'IEND') break;
    at = end;
  }
  return chunks;
}

/** The passes of an interlaced image (Adam7): first column and row, and the steps to the next. */
const passes: readonly (readonly [x: number, y: number, dx: number, dy: number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

interface Pass {
  readonly columns: number;
  readonly rows: number;
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

function passesOf({ width, height, interlaced }: Header): Pass[] {
  if (!interlaced) return [{ columns: width, rows: height, x: 0, y: 0, dx: 1, dy: 1 }];
  return passes
    .map(([x, y, dx, dy]) => ({
      columns: Math.ceil((width - x) / dx),
      rows: Math.ceil((height - y) / dy),
      x,
      y,
      dx,
      dy,
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

const strideOf = ({ depth, colour }: Header, columns: number): number =>
  Math.ceil((columns * samplesOf[colour] * depth) / 8);

/** The rows as they are packed, each with its filter before it. */
function unpacked(packed: Uint8Array, header: Header, where: string): Uint8Array {
  const length = passesOf(header).reduce((sum, { columns, rows }) => sum + rows * (1 + strideOf(header, columns)), 0);
  let lines: Uint8Array;
  try {
    lines = unzlibSync(packed, { out: new Uint8Array(length) });
  } catch (cause) {
    throw unreadableImage(where, 'its pixels cannot be unpacked', { cause });
  }
  if (lines.length < length) throw unreadableImage(where, 'it is cut off');
  const stated = new DataView(packed.buffer, packed.byteOffset + packed.length - 4, 4).getUint32(0);
  if (adler32(lines) !== stated) throw unreadableImage(where, 'the checksum of its pixels is wrong');
  return lines;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  // 3,800 bytes are as many as can be added before the sums leave 32 bits.
  for (let start = 0; start < bytes.length; start += 3800) {
    const end = Math.min(bytes.length, start + 3800);
    for (let i = start; i < end; i++) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** Samples of all pixels in order, not yet scaled to 8 bits. */
function samplesIn(lines: Uint8Array, header: Header, where: string): Uint8Array | Uint16Array {
  const { width, height, depth, colour } = header;
  const samples = samplesOf[colour];
  const values = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * samples);
  const reach = Math.max(1, (samples * depth) / 8);
  let at = 0;
  for (const { columns, rows, x, y, dx, dy } of passesOf(header)) {
    const stride = strideOf(header, columns);
    let above: Uint8Array = new Uint8Array(stride);
    for (let row = 0; row < rows; row++) {
      const line = lines.subarray(at + 1, at + 1 + stride);
      unfilter(lines[at], line, above, reach, where);
      for (let column = 0; column < columns; column++) {
        const to = ((y + row * dy) * width + x + column * dx) * samples;
        for (let s = 0; s < samples; s++) values[to + s] = sampleAt(line, column * samples + s, depth);
      }
      above = line;
      at += 1 + stride;
    }
  }
  return values;
}

function sampleAt(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index];
  if (depth === 16) return (line[2 * index] << 8) | line[2 * index + 1];
  const bit = index * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** Undoes the filter of a row in place: what is stored is the difference to its neighbours. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, reach: number, where: string): void {
  if (filter === 0) return;
  if (filter > 4) throw unreadableImage(where, 'a row has a filter that there is not');
  for (let i = 0; i < line.length; i++) {
    const left = i >= reach ? line[i - reach] : 0;
    const corner = i >= reach ? above[i - reach] : 0;
    line[i] += predicted(filter, left, above[i], corner);
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  // Paeth: the neighbour that is nearest to left + above − corner.
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** Grey of fewer bits is spread over 0 to 255; of 16 bits the upper 8 count. */
function eightBits(values: Uint8Array | Uint16Array, depth: number, samples: number): Uint8Array {
  if (depth === 8) return values as Uint8Array;
  const data = new Uint8Array(values.length);
  const scale = samples === 1 && depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  for (let i = 0; i < data.length; i++) data[i] = depth === 16 ? values[i] >> 8 : values[i] * scale;
  return data;
}

function coloured(
  values: Uint8Array | Uint16Array,
  colours: Uint8Array,
  seeThrough: Uint8Array | undefined,
  where: string,
): Pick<RawImage, 'data' | 'channels'> {
  const channels = seeThrough ? 4 : 3;
  const data = new Uint8Array(values.length * channels);
  for (let i = 0, to = 0; i < values.length; i++) {
    const index = values[i];
    if (3 * index + 2 >= colours.length) throw unreadableImage(where, 'a pixel has a colour that its palette lacks');
    for (let c = 0; c < 3; c++) data[to++] = colours[3 * index + c];
    if (seeThrough) data[to++] = seeThrough[index] ?? 255;
  }
  return { data, channels };
}

/** Pixels of exactly one colour are transparent; it is compared before samples are cut to 8 bits. */
function withOpacity(
  data: Uint8Array,
  values: Uint8Array | Uint16Array,
  seeThrough: Uint8Array,
  samples: number,
): Uint8Array {
  const view = new DataView(seeThrough.buffer, seeThrough.byteOffset, seeThrough.byteLength);
  const pixels = data.length / samples;
  const result = new Uint8Array(pixels * (samples + 1));
  for (let i = 0; i < pixels; i++) {
    let isSame = true;
    for (let s = 0; s < samples; s++) {
      result[i * (samples + 1) + s] = data[i * samples + s];
      isSame &&= values[i * samples + s] === view.getUint16(2 * s);
    }
    result[i * (samples + 1) + samples] = isSame ? 0 : 255;
  }
  return result;
}

/** The colour profile: a name, a zero, a byte that says how it is packed, and it. */
function profileIn(content: Uint8Array | undefined): Uint8Array | undefined {
  const end = content?.indexOf(0) ?? -1;
  if (!content || end < 0) return undefined;
  try {
    return unzlibSync(content.subarray(end + 2));
  } catch {
    // A profile is told of and not applied: a damaged one is none.
    return undefined;
  }
}

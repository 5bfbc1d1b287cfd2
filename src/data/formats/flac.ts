import { filled } from '../../tensor/filled.ts';
import { type Audio, checkSamples, refuseAudio } from './audio.ts';

/**
 * Reads a FLAC file (RFC 9639): 4 to 32 bits, up to 8 channels; the checksum of every frame is compared.
 * @throws WhereforeError `invalid-data` for damaged files
 */
export function readFlac(bytes: Uint8Array, where: string): Audio {
  if (new TextDecoder('latin1').decode(bytes.subarray(0, 4)) !== 'fLaC')
    throw refuseAudio('FLAC', 'it does not begin with fLaC', where);
  const bits = new Bits(bytes, 4, where);
  const info = readInfo(bits, where);
  const largest = 2 ** (info.bits - 1);
  const frames: Float32Array[][] = [];
  let count = 0;
  while (bits.byte < bytes.length) {
    // What follows the samples, such as a tag of another format, is no frame.
    if (info.total > 0 && count >= info.total) break;
    const frame = readFrame(bits, info, where);
    count += frame[0].length;
    checkSamples(count * frame.length, where);
    if (frames.length > 0 && frame.length !== frames[0].length)
      throw refuseAudio('FLAC', 'its number of channels changes', where);
    // Held as they are handed on: a file of constant samples unpacks to many times its size.
    frames.push(frame.map((samples) => scaled(samples, largest)));
  }
  if (count === 0) throw refuseAudio('FLAC', 'it holds no samples', where);
  if (count < info.total)
    throw refuseAudio('FLAC', 'it ends before its samples do', where, `${count} of ${info.total}`);
  const channels = frames[0].map((_, channel) => {
    const samples = new Float32Array(count);
    let at = 0;
    for (const frame of frames) {
      samples.set(frame[channel], at);
      at += frame[channel].length;
    }
    return samples;
  });
  return { channels, rate: info.rate, format: `${info.bits}-bit` };
}

function scaled(samples: Float64Array, largest: number): Float32Array {
  const result = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) result[i] = samples[i] / largest;
  return result;
}

interface Info {
  readonly rate: number;
  readonly bits: number;
  /** Samples of each channel; 0 where nobody counted. */
  readonly total: number;
}

function readInfo(bits: Bits, where: string): Info {
  let info: Info | undefined;
  for (let last = false; !last; ) {
    last = bits.read(1) === 1;
    const type = bits.read(7);
    const length = bits.read(24);
    const next = bits.byte + length;
    if (type === 0) {
      bits.skip(80);
      const rate = bits.read(20);
      bits.skip(3);
      info = { rate, bits: bits.read(5) + 1, total: bits.read(36) };
    }
    bits.seek(next);
  }
  if (!info || info.rate === 0) throw refuseAudio('FLAC', 'it states no rate', where);
  return info;
}

/** Samples of a block by its code; 6 and 7 are written out. */
const blockSizes = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
/** Bits of a sample by code; 0: as the file says. */
const sampleBits = [0, 8, 12, undefined, 16, 20, 24, 32];

function readFrame(bits: Bits, info: Info, where: string): Float64Array[] {
  const start = bits.byte;
  if (bits.read(15) !== 0b111111111111100) throw refuseAudio('FLAC', 'a frame does not begin where it should', where);
  bits.skip(1);
  const sizeCode = bits.read(4);
  const rateCode = bits.read(4);
  const assignment = bits.read(4);
  const depth = sampleBits[bits.read(3)];
  bits.skip(1);
  // Number of the frame, in as many bytes as the first one has leading ones.
  for (let first = bits.read(8); first >= 0xc0; first = (first << 1) & 0xff) bits.skip(8);
  const length = sizeCode === 6 || sizeCode === 7 ? bits.read(sizeCode === 6 ? 8 : 16) + 1 : blockSizes[sizeCode];
  if (rateCode >= 12) bits.skip(rateCode === 12 ? 8 : 16);
  bits.skip(8);
  if (length === 0 || depth === undefined || assignment > 10 || rateCode === 15)
    throw refuseAudio('FLAC', 'a frame with reserved values', where);
  const side = assignment < 8 ? -1 : assignment === 9 ? 0 : 1;
  const channels = Array.from({ length: assignment < 8 ? assignment + 1 : 2 }, (_, channel) =>
    readSubframe(bits, length, (depth || info.bits) + (channel === side ? 1 : 0), where),
  );
  bits.align();
  const checksum = crc16(bits.bytes.subarray(start, bits.byte));
  if (bits.read(16) !== checksum) throw refuseAudio('FLAC', 'the checksum of a frame is wrong', where);
  if (assignment >= 8) uncouple(assignment, channels);
  return channels;
}

/** Left and right from left and their difference, the difference and right, or the mean and the difference. */
function uncouple(assignment: number, [a, b]: Float64Array[]): void {
  for (let i = 0; i < a.length; i++) {
    if (assignment === 8) b[i] = a[i] - b[i];
    else if (assignment === 9) a[i] += b[i];
    else {
      // The mean was rounded down; the difference tells by how much.
      const sum = 2 * a[i] + (Math.abs(b[i]) % 2);
      a[i] = (sum + b[i]) / 2;
      b[i] = a[i] - b[i];
    }
  }
}

/** Predictors of fixed coefficients, by order. */
const fixed = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function readSubframe(bits: Bits, length: number, stated: number, where: string): Float64Array {
  bits.skip(1);
  const type = bits.read(6);
  const wasted = bits.read(1) === 1 ? bits.unary() + 1 : 0;
  const depth = stated - wasted;
  if (depth < 1) throw refuseAudio('FLAC', 'a sample of no bits', where);
  const samples = new Float64Array(length);
  if (type === 0) samples.fill(bits.signed(depth));
  else if (type === 1) for (let i = 0; i < length; i++) samples[i] = bits.signed(depth);
  else if ((type >= 8 && type <= 12) || type >= 32) predicted(bits, samples, type, depth, where);
  else throw refuseAudio('FLAC', 'a reserved kind of prediction', where);
  if (wasted > 0) for (let i = 0; i < length; i++) samples[i] *= 2 ** wasted;
  return samples;
}

/** Each sample is the weighted sum of those before it and what the prediction missed. */
function predicted(bits: Bits, samples: Float64Array, type: number, depth: number, where: string): void {
  const order = type >= 32 ? type - 31 : type - 8;
  if (order > samples.length) throw refuseAudio('FLAC', 'a prediction from more samples than there are', where);
  for (let i = 0; i < order; i++) samples[i] = bits.signed(depth);
  let weights: readonly number[] = fixed[order];
  let divisor = 1;
  if (type >= 32) {
    const precision = bits.read(4) + 1;
    divisor = 2 ** bits.signed(5);
    if (precision === 16 || divisor < 1) throw refuseAudio('FLAC', 'a prediction with reserved values', where);
    weights = Array.from({ length: order }, () => bits.signed(precision));
  }
  readResiduals(bits, samples, order, where);
  // Sums stay below 2^53, where doubles are exact: 33 bits of sample, 15 of weight, 32 terms.
  for (let i = order; i < samples.length; i++) {
    let sum = 0;
    for (let k = 0; k < order; k++) sum += weights[k] * samples[i - 1 - k];
    samples[i] += divisor === 1 ? sum : Math.floor(sum / divisor);
  }
}

/** Rice codes in partitions, each with a parameter of its own. */
function readResiduals(bits: Bits, samples: Float64Array, order: number, where: string): void {
  const method = bits.read(2);
  if (method > 1) throw refuseAudio('FLAC', 'a reserved kind of residual', where);
  const width = method === 0 ? 4 : 5;
  const partitions = 2 ** bits.read(4);
  const size = samples.length / partitions;
  if (!Number.isInteger(size) || size < order)
    throw refuseAudio('FLAC', 'partitions that do not fit their block', where);
  for (let partition = 0, at = order; partition < partitions; partition++) {
    const parameter = bits.read(width);
    const isPlain = parameter === 2 ** width - 1;
    const depth = isPlain ? bits.read(5) : parameter;
    for (const end = (partition + 1) * size; at < end; at++) {
      if (isPlain) samples[at] = depth === 0 ? 0 : bits.signed(depth);
      else {
        const value = bits.unary() * 2 ** depth + bits.read(depth);
        samples[at] = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
    }
  }
}

/** Bits from the most significant on. */
class Bits {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #where: string;

  constructor(bytes: Uint8Array, start: number, where: string) {
    this.bytes = bytes;
    this.#at = start * 8;
    this.#where = where;
  }

  /** The byte that holds the next bit. */
  get byte(): number {
    return Math.floor(this.#at / 8);
  }

  /** Goes on at a byte. */
  seek(byte: number): void {
    this.#at = byte * 8;
    this.#check();
  }

  skip(count: number): void {
    this.#at += count;
    this.#check();
  }

  align(): void {
    this.#at = Math.ceil(this.#at / 8) * 8;
  }

  /** Up to 53 bits as a number without a sign. */
  read(count: number): number {
    let value = 0;
    let left = count;
    const end = this.#at + count;
    if (end > this.bytes.length * 8) this.skip(count);
    while (left > 0) {
      const inByte = this.#at & 7;
      const taken = Math.min(8 - inByte, left);
      const part = (this.bytes[this.#at >>> 3] >> (8 - inByte - taken)) & ((1 << taken) - 1);
      value = value * 2 ** taken + part;
      this.#at += taken;
      left -= taken;
    }
    return value;
  }

  signed(count: number): number {
    const value = this.read(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** How many zeros stand before the next one. */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const inByte = this.#at & 7;
      this.#check(1);
      const rest = (this.bytes[this.#at >>> 3] << (24 + inByte)) >>> 0;
      if (rest !== 0) {
        const more = Math.clz32(rest);
        this.#at += more + 1;
        return zeros + more;
      }
      zeros += 8 - inByte;
      this.#at += 8 - inByte;
    }
  }

  #check(more = 0): void {
    if (this.#at + more > this.bytes.length * 8)
      throw refuseAudio('FLAC', 'it ends within a frame', this.#where, `${this.bytes.length} bytes`);
  }
}

/** CRC-16 of the polynomial x¹⁶ + x¹⁵ + x² + 1. */
const crcTable = filled(new Uint16Array(256), (byte) => {
  let value = byte << 8;
  for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? (value << 1) ^ 0x8005 : value << 1;
  return value & 0xffff;
});

function crc16(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = ((value << 8) & 0xffff) ^ crcTable[(value >> 8) ^ byte];
  return value;
}

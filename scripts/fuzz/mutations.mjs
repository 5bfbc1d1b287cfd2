// @ts-nocheck: mutants are put together against the types on purpose.
import { crc32 } from 'node:zlib';

/** Names that are none, or that mean something to somebody. */
export const names = [
  '',
  'x',
  '__proto__',
  'constructor',
  'toString',
  'a\0b',
  '../../etc/passwd',
  'Loop',
  'If',
  'Conv',
  '\ud800',
  'é'.repeat(300),
];

/** Bytes changed, cut off, repeated or replaced. */
export function mutateBytes(bytes, { pick, draw }) {
  const at = () => Math.floor(draw() * bytes.length);
  return pick([
    () => bytes.slice(0, at()),
    () => {
      const copy = bytes.slice();
      for (let i = 0; i <= draw() * 8; i++) copy[at()] = Math.floor(draw() * 256);
      return copy;
    },
    () => {
      const copy = bytes.slice();
      copy[at()] ^= 1 << Math.floor(draw() * 8);
      return copy;
    },
    () => {
      const [from, length] = [at(), Math.floor(draw() * 64)];
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from, from + length), bytes.subarray(from)]);
    },
  ])();
}

/** A text changed where it has words, numbers and brackets. */
export function mutateText(text, { pick, draw }) {
  const pieces = text.split(/(\w+|[^\w])/).filter(Boolean);
  const strange = [
    '__proto__',
    'null',
    '-1',
    '1e999',
    '[',
    '{',
    '}',
    ':',
    '"',
    '*a',
    '&a',
    '\0',
    '99999999999999999999',
    '(a+)+$',
    '\n',
    ',',
  ];
  for (let i = 0; i <= draw() * 4; i++) {
    const at = Math.floor(draw() * pieces.length);
    pick([
      () => (pieces[at] = pick(strange)),
      () => pieces.splice(at, 1),
      () => pieces.splice(at, 0, pieces[at], pick(strange)),
    ])();
  }
  return pieces.join('');
}

/** Values that stand where another was expected. */
const strangers = [
  null,
  true,
  '',
  '__proto__',
  '\u202e',
  'x'.repeat(5000),
  -1,
  0,
  0.5,
  1e308,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[[]]],
  { kind: '__proto__' },
];

/** Every position of a JSON value: the object or list that holds it, and its key. */
function positionsOf(value, found = []) {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    positionsOf(value[key], found);
  }
  return found;
}

/** A JSON text with values exchanged, left out, doubled or of another kind; or changed as a text. */
export function mutateJson(text, chance) {
  const { pick, draw } = chance;
  if (draw() < 0.2) return mutateText(text, chance);
  const whole = JSON.parse(text);
  for (let i = 0; i <= draw() * 3; i++) {
    const positions = positionsOf(whole);
    if (positions.length === 0) break;
    const [holder, key] = pick(positions);
    const set = (value) =>
      Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
    pick([
      () => set(pick(strangers)),
      () => set(structuredClone(((at) => at[0][at[1]])(pick(positions)))),
      () => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
      () => (Array.isArray(holder) ? holder.push(structuredClone(holder[key])) : (holder[pick(names)] = holder[key])),
      () => typeof holder[key] === 'number' && set(holder[key] * pick([-1, 2, 1e9, 1e-9]) + pick([0, 1, 0.1])),
      () => typeof holder[key] === 'string' && set(mutateText(holder[key], chance)),
    ])();
  }
  return JSON.stringify(whole);
}

/** A PNG with changed chunks whose sums are right again, so that the change is looked at; or changed bytes. */
export function mutatePng(bytes, chance) {
  const { pick, draw } = chance;
  if (draw() < 0.4 || bytes.length < 20) return mutateBytes(bytes, chance);
  const file = Buffer.from(bytes);
  const chunks = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    chunks.push({ type: file.subarray(at + 4, at + 8), data: Buffer.from(file.subarray(at + 8, at + 8 + length)) });
    at += 12 + length;
  }
  const chunk = draw() < 0.5 ? chunks[0] : pick(chunks);
  pick([
    () => chunk.data.length && (chunk.data[Math.floor(draw() * chunk.data.length)] = Math.floor(draw() * 256)),
    () =>
      chunk.data.length >= 8 && chunk.data.writeUInt32BE(pick([0, 1, 2 ** 16, 2 ** 31 - 1, 2 ** 32 - 1]), pick([0, 4])),
    () => chunks.splice(chunks.indexOf(chunk), 1),
    () => chunks.push(chunk),
    () => (chunk.data = chunk.data.subarray(0, Math.floor(draw() * chunk.data.length))),
  ])();
  const written = chunks.flatMap(({ type, data }) => {
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(Buffer.concat([type, data])));
    return [length, type, data, sum];
  });
  return Buffer.concat([file.subarray(0, 8), ...written]);
}

function crc16(bytes) {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? ((value << 1) ^ 0x8005) & 0xffff : value << 1;
  }
  return value;
}

/** Where the frames of a whole FLAC file begin, and its end. */
function framesOf(bytes) {
  const starts = [];
  for (let at = 4; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xf8) continue;
    const last = starts.at(-1);
    const sum = (bytes[at - 2] << 8) | bytes[at - 1];
    if (last === undefined || crc16(bytes.subarray(last, at - 2)) === sum) starts.push(at);
  }
  return [...starts, bytes.length];
}

/** A FLAC file with changed bits of a frame whose sum is right again, so that the change is looked at; or changed bytes. */
export function mutateFlac(bytes, chance) {
  const { pick, draw } = chance;
  const frames = framesOf(bytes);
  if (draw() < 0.4 || frames.length < 2) return mutateBytes(bytes, chance);
  const copy = Buffer.from(bytes);
  const which = Math.floor(draw() * (frames.length - 1));
  const [start, end] = [frames[which], frames[which + 1] - 2];
  for (let i = 0; i <= draw() * 4; i++) {
    // The head of a frame and of its first channel say the most.
    const reach = pick([12, end - start]);
    copy[start + 2 + Math.floor(draw() * Math.max(1, reach - 2))] ^= 1 << Math.floor(draw() * 8);
  }
  copy.writeUInt16BE(crc16(copy.subarray(start, end)), end);
  return copy;
}

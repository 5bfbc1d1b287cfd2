import { type FieldFacts, fieldsOf, type Message, type MessageName, type ScalarName } from './messages.ts';

/** Where the bytes of a protobuf message stop making sense. */
export class WireFault extends Error {
  /** Byte position in the file. */
  readonly position: number;
  /** Whether the bytes end before the field does, as in a file that was not transferred completely. */
  readonly cut: boolean;
  /** The field in which it happened, e.g. `graph.node[3].attribute[0]`; '' at the top. */
  path = '';

  constructor(position: number, problem: string, cut = false) {
    super(problem);
    this.position = position;
    this.cut = cut;
  }
}

/** Nesting that protobuf readers accept; about 30 levels of nested ONNX graphs. */
const maximumDepth = 100;

/** How a field is written: its wire type. */
const [varint, eightBytes, delimited, fourBytes] = [0, 1, 2, 5];

/**
 * Reads a protobuf message in one walk over its bytes; bytes fields are views of them. Checked are that every number and
 * field ends where what holds it does, that a field has the wire type of its declaration, and the depth. Fields that the
 * table of messages does not have are passed over.
 * @throws WireFault for the first thing that breaks the format
 */
export function readMessage<N extends MessageName>(name: N, bytes: Uint8Array): Message<N> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const walk: Walk = { bytes, view, position: 0, path: [] };
  try {
    return read(walk, name, bytes.length, undefined) as Message<N>;
  } catch (error) {
    if (error instanceof WireFault) error.path = walk.path.join('.');
    throw error;
  }
}

interface Walk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  position: number;
  /** Not unwound when a fault is thrown: it then says where. */
  readonly path: string[];
}

type Held = Record<string, unknown>;

/** What a message has of a field that is not in the file. */
const defaults: Readonly<Record<ScalarName, unknown>> = {
  int64: 0n,
  uint64: 0n,
  int32: 0,
  float: 0,
  double: 0,
  string: '',
  bytes: new Uint8Array(),
};

interface Reading {
  readonly fields: ReadonlyMap<number, FieldFacts>;
  /** Holds the defaults: fields of the file are a message's own. */
  readonly prototype: Held;
  readonly choices: readonly string[];
}

const known = new Map<MessageName, Reading>();

function readingOf(name: MessageName): Reading {
  const before = known.get(name);
  if (before) return before;
  const fields = fieldsOf(name);
  const defaultOf = ({ times, scalar }: FieldFacts) => {
    if (times && times !== 'choice') return Object.freeze([]);
    return scalar && !times ? defaults[scalar] : undefined;
  };
  const reading: Reading = {
    fields: new Map(fields.map((field) => [field.number, field])),
    prototype: Object.fromEntries(fields.map((field) => [field.name, defaultOf(field)])),
    choices: fields.filter(({ times }) => times === 'choice').map((field) => field.name),
  };
  known.set(name, reading);
  return reading;
}

/** @param earlier the message that the same field had before: what follows adds to it */
function read(walk: Walk, name: MessageName, end: number, earlier: Held | undefined): Held {
  if (walk.path.length > maximumDepth)
    throw new WireFault(walk.position, `messages are nested more than ${maximumDepth} deep`);
  const { fields, prototype, choices } = readingOf(name);
  const message: Held = earlier ?? Object.create(prototype);
  while (walk.position < end) {
    const start = walk.position;
    const tag = readVarint(walk, end);
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0 || number > 0x1fffffff) throw new WireFault(start, `there is no field number ${number}`);
    const field = fields.get(number);
    if (!field) {
      skip(walk, wireType, end, start);
      continue;
    }
    const isList = field.times !== undefined && field.times !== 'choice';
    const list = isList ? (Object.hasOwn(message, field.name) ? (message[field.name] as unknown[]) : []) : undefined;
    walk.path.push(wireName(field.name) + (field.message && list ? `[${list.length}]` : ''));
    if (!accepts(field, wireType))
      throw new WireFault(start, `the field has wire type ${wireType}, which its declaration does not allow`);
    if (field.times === 'choice') for (const other of choices) if (other !== field.name) delete message[other];
    if (list) {
      readElements(walk, field, wireType, end, list);
      message[field.name] = list;
    } else message[field.name] = readValue(walk, field, end, message);
    walk.path.pop();
  }
  return message;
}

/** `rawData` as the format writes it: `raw_data`. */
const wireName = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function readElements(walk: Walk, field: FieldFacts, wireType: number, end: number, list: unknown[]): void {
  const { scalar } = field;
  const isPacked = scalar !== undefined && wireType === delimited && wireTypes[scalar] !== delimited;
  if (!isPacked) {
    list.push(readValue(walk, field, end, undefined));
    return;
  }
  const last = readEnd(walk, end);
  while (walk.position < last) list.push(readScalar[scalar](walk, last));
}

function readValue(walk: Walk, { name, scalar, message }: FieldFacts, end: number, within: Held | undefined): unknown {
  if (scalar) return readScalar[scalar](walk, end);
  const earlier = within && Object.hasOwn(within, name) ? (within[name] as Held) : undefined;
  return read(walk, message as MessageName, readEnd(walk, end), earlier);
}

const wireTypes: Readonly<Record<ScalarName, number>> = {
  int64: varint,
  uint64: varint,
  int32: varint,
  float: fourBytes,
  double: eightBytes,
  string: delimited,
  bytes: delimited,
};

function accepts({ scalar, times }: FieldFacts, wireType: number): boolean {
  if (!scalar) return wireType === delimited;
  // Repeated numbers may be packed into one length-delimited field, whatever the declaration says.
  return wireType === wireTypes[scalar] || (times !== undefined && times !== 'choice' && wireType === delimited);
}

const text = new TextDecoder('utf-8', { ignoreBOM: true });

const readScalar: Readonly<Record<ScalarName, (walk: Walk, end: number) => unknown>> = {
  int64: (walk, end) => BigInt.asIntN(64, readLong(walk, end)),
  uint64: (walk, end) => BigInt.asUintN(64, readLong(walk, end)),
  int32: (walk, end) => Number(BigInt.asIntN(32, readLong(walk, end))),
  float: (walk, end) => walk.view.getFloat32(fixed(walk, 4, end), true),
  double: (walk, end) => walk.view.getFloat64(fixed(walk, 8, end), true),
  string: (walk, end) => text.decode(piece(walk, end)),
  bytes: (walk, end) => piece(walk, end),
};

function piece(walk: Walk, end: number): Uint8Array {
  const last = readEnd(walk, end);
  const start = walk.position;
  walk.position = last;
  return walk.bytes.subarray(start, last);
}

/** Passes over a number of fixed length. @returns where it begins */
function fixed(walk: Walk, length: number, end: number): number {
  const start = walk.position;
  walk.position += length;
  if (walk.position > end) throw new WireFault(start, 'a number is cut off', true);
  return start;
}

function skip(walk: Walk, wireType: number, end: number, start: number): void {
  if (wireType === varint) readVarint(walk, end);
  else if (wireType === delimited) walk.position = readEnd(walk, end);
  else if (wireType === fourBytes) fixed(walk, 4, end);
  else if (wireType === eightBytes) fixed(walk, 8, end);
  else throw new WireFault(start, `wire type ${wireType} does not occur in ONNX files`);
}

/** Reads a length and returns where the field that it belongs to ends. */
function readEnd(walk: Walk, end: number): number {
  const start = walk.position;
  const length = readVarint(walk, end);
  const fieldEnd = walk.position + length;
  if (fieldEnd > end) {
    const left = end - walk.position;
    throw new WireFault(start, `a field of ${length} bytes does not fit into the ${left} bytes that are left`, true);
  }
  return fieldEnd;
}

/** A varint of up to ten bytes; exact up to 2^53, which is all that tags and lengths need. */
function readVarint(walk: Walk, end: number): number {
  const start = walk.position;
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (walk.position >= end) throw new WireFault(start, 'a number is cut off', true);
    const byte = walk.bytes[walk.position++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
  throw new WireFault(start, 'a number is longer than ten bytes');
}

/** A varint with all of its 70 bits. */
function readLong(walk: Walk, end: number): bigint {
  const start = walk.position;
  const value = readVarint(walk, end);
  // Seven bytes hold 49 bits.
  if (walk.position - start <= 7) return BigInt(value);
  let exact = 0n;
  for (let i = walk.position - 1; i >= start; i--) exact = (exact << 7n) | BigInt(walk.bytes[i] & 127);
  return exact;
}

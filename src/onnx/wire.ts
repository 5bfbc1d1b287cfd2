import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { memo } from '../tensor/memo.ts';

/** Where the bytes of a protobuf message stop making sense. */
export interface WireFault {
  /** Byte position in the file. */
  readonly position: number;
  /** The field in which it happened, e.g. `graph.node[3].attribute[0]`; '' at the top. */
  readonly path: string;
  readonly problem: string;
  /** Whether the bytes end before the field does, as in a file that was not transferred completely. */
  readonly cut: boolean;
}

/** Nesting that protobuf readers accept; about 30 levels of nested ONNX graphs. */
const maximumDepth = 100;

/**
 * Walks the skeleton of a protobuf message (tags, wire types, lengths; no strings, weights or numbers) and reports
 * the first thing that breaks the format; undefined when the skeleton is sound.
 *
 * The protobuf library checks neither that a nested message ends inside its parent nor that a field has the wire type
 * of its declaration, and its errors carry no position.
 */
export function findWireFault(schema: DescMessage, bytes: Uint8Array): WireFault | undefined {
  const walk: Walk = { bytes, position: 0, path: [] };
  try {
    walkMessage(walk, schema, bytes.length);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { position: error.position, path: walk.path.join('.'), problem: error.message, cut: error.cut };
  }
}

interface Walk {
  readonly bytes: Uint8Array;
  position: number;
  /** Not unwound when a fault is thrown: it then says where. */
  readonly path: string[];
}

class Fault extends Error {
  readonly position: number;
  readonly cut: boolean;
  constructor(position: number, problem: string, cut = false) {
    super(problem);
    this.position = position;
    this.cut = cut;
  }
}

const fieldsOf = memo(
  (schema: DescMessage): ReadonlyMap<number, DescField> => new Map(schema.fields.map((field) => [field.number, field])),
);

function walkMessage(walk: Walk, schema: DescMessage, end: number): void {
  if (walk.path.length > maximumDepth) {
    throw new Fault(walk.position, `messages are nested more than ${maximumDepth} deep`);
  }
  const fields = fieldsOf(schema);
  const counts = new Map<number, number>();
  while (walk.position < end) {
    const start = walk.position;
    const tag = readVarint(walk, end);
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    const field = fields.get(number);
    if (number === 0 || number > 0x1fffffff) throw new Fault(start, `there is no field number ${number}`);
    if (field && !accepts(field, wireType)) {
      walk.path.push(field.name);
      throw new Fault(start, `the field has wire type ${wireType}, which its declaration does not allow`);
    }
    const nested = field && messageOf(field);
    if (!nested) {
      if (field) walk.path.push(field.name);
      skip(walk, wireType, end, start);
      if (field) walk.path.pop();
      continue;
    }
    const count = counts.get(number) ?? 0;
    counts.set(number, count + 1);
    walk.path.push(field.fieldKind === 'list' ? `${field.name}[${count}]` : field.name);
    walkMessage(walk, nested, readEnd(walk, end));
    walk.path.pop();
  }
}

function messageOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind === 'message') return field.message;
  return field.fieldKind === 'list' && field.listKind === 'message' ? field.message : undefined;
}

function accepts(field: DescField, wireType: number): boolean {
  if (messageOf(field)) return wireType === WireType.LengthDelimited;
  if (field.fieldKind === 'enum') return wireType === WireType.Varint;
  if (field.fieldKind !== 'scalar' && field.fieldKind !== 'list') return true;
  const expected = field.scalar === undefined ? WireType.Varint : (wireTypes.get(field.scalar) ?? WireType.Varint);
  // Repeated numbers may be packed into one length-delimited field, whatever the declaration says.
  return wireType === expected || (field.fieldKind === 'list' && wireType === WireType.LengthDelimited);
}

const wireTypes = new Map<ScalarType, WireType>([
  [ScalarType.STRING, WireType.LengthDelimited],
  [ScalarType.BYTES, WireType.LengthDelimited],
  [ScalarType.FLOAT, WireType.Bit32],
  [ScalarType.FIXED32, WireType.Bit32],
  [ScalarType.SFIXED32, WireType.Bit32],
  [ScalarType.DOUBLE, WireType.Bit64],
  [ScalarType.FIXED64, WireType.Bit64],
  [ScalarType.SFIXED64, WireType.Bit64],
]);

function skip(walk: Walk, wireType: number, end: number, start: number): void {
  if (wireType === WireType.Varint) readVarint(walk, end);
  else if (wireType === WireType.LengthDelimited) walk.position = readEnd(walk, end);
  else if (wireType === WireType.Bit32 || wireType === WireType.Bit64) {
    walk.position += wireType === WireType.Bit32 ? 4 : 8;
    if (walk.position > end) throw new Fault(start, 'a number is cut off', true);
  } else throw new Fault(start, `wire type ${wireType} does not occur in ONNX files`);
}

/** Reads a length and returns where the field that it belongs to ends. */
function readEnd(walk: Walk, end: number): number {
  const start = walk.position;
  const length = readVarint(walk, end);
  const fieldEnd = walk.position + length;
  if (fieldEnd > end) {
    const left = end - walk.position;
    throw new Fault(start, `a field of ${length} bytes does not fit into the ${left} bytes that are left`, true);
  }
  return fieldEnd;
}

/** A varint of up to ten bytes; exact up to 2^53, which is all that tags and lengths need. */
function readVarint(walk: Walk, end: number): number {
  const start = walk.position;
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (walk.position >= end) throw new Fault(start, 'a number is cut off', true);
    const byte = walk.bytes[walk.position++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
  throw new Fault(start, 'a number is longer than ten bytes');
}

import { type FieldFacts, fieldsOf, type MessageInit, type MessageName, type ScalarName } from './messages.ts';

type Given = Readonly<Record<string, unknown>>;

/** Lengths of messages, which stand before them: measured first, written after. */
type Lengths = Map<object, number>;

/** A message as the bytes of a file, fields in the order of their numbers. */
export function writeMessage<N extends MessageName>(name: N, message: MessageInit<N>): Uint8Array {
  const lengths: Lengths = new Map();
  const bytes = new Uint8Array(measure(name, message as Given, lengths));
  const out: Out = { bytes, view: new DataView(bytes.buffer), position: 0, lengths };
  write(out, name, message as Given);
  return bytes;
}

interface Out {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  position: number;
  readonly lengths: Lengths;
}

/** What a message has of a field, as a list; a read message has its defaults on its prototype. */
function valuesOf(message: Given, { name, times }: FieldFacts): readonly unknown[] {
  const value = Object.hasOwn(message, name) ? message[name] : undefined;
  if (value === undefined) return [];
  return times === undefined || times === 'choice' ? [value] : (value as readonly unknown[]);
}

function measure(name: MessageName, message: Given, lengths: Lengths): number {
  let length = 0;
  for (const field of fieldsOf(name)) {
    const values = valuesOf(message, field);
    if (values.length === 0) continue;
    const tag = numberLength(field.number * 8);
    const { scalar, times } = field;
    if (scalar && times === 'packed') {
      const content = contentLength(scalar, values);
      length += tag + numberLength(content) + content;
      continue;
    }
    for (const value of values) {
      const content = scalar
        ? scalars[scalar].length(value)
        : measure(field.message as MessageName, value as Given, lengths);
      const isDelimited = !scalar || scalars[scalar].wireType === 2;
      length += tag + content + (isDelimited ? numberLength(content) : 0);
    }
  }
  lengths.set(message, length);
  return length;
}

function contentLength(scalar: ScalarName, values: readonly unknown[]): number {
  let length = 0;
  for (const value of values) length += scalars[scalar].length(value);
  return length;
}

function write(out: Out, name: MessageName, message: Given): void {
  for (const field of fieldsOf(name)) {
    const values = valuesOf(message, field);
    if (values.length === 0) continue;
    const { scalar, times, number } = field;
    if (scalar && times === 'packed') {
      writeNumber(out, number * 8 + 2);
      writeNumber(out, contentLength(scalar, values));
      for (const value of values) scalars[scalar].write(out, value);
      continue;
    }
    const wireType = scalar ? scalars[scalar].wireType : 2;
    for (const value of values) {
      writeNumber(out, number * 8 + wireType);
      if (scalar) {
        if (wireType === 2) writeNumber(out, scalars[scalar].length(value));
        scalars[scalar].write(out, value);
      } else {
        writeNumber(out, out.lengths.get(value as object) as number);
        write(out, field.message as MessageName, value as Given);
      }
    }
  }
}

interface Scalar {
  readonly wireType: number;
  length(value: unknown): number;
  write(out: Out, value: unknown): void;
}

/** Negative numbers have all of their 64 bits. */
const whole: Scalar = {
  wireType: 0,
  length: (value) => wholeLength(value as number | bigint),
  write: (out, value) => writeVarint(out, BigInt.asUintN(64, BigInt(value as number))),
};

const encoder = new TextEncoder();

const scalars: Readonly<Record<ScalarName, Scalar>> = {
  int64: whole,
  uint64: whole,
  int32: whole,
  float: {
    wireType: 5,
    length: () => 4,
    write: (out, value) => {
      out.view.setFloat32(out.position, value as number, true);
      out.position += 4;
    },
  },
  double: {
    wireType: 1,
    length: () => 8,
    write: (out, value) => {
      out.view.setFloat64(out.position, value as number, true);
      out.position += 8;
    },
  },
  string: {
    wireType: 2,
    length: (value) => textLength(value as string),
    write: (out, value) => {
      out.position += encoder.encodeInto(value as string, out.bytes.subarray(out.position)).written;
    },
  },
  bytes: {
    wireType: 2,
    length: (value) => (value as Uint8Array).length,
    write: (out, value) => {
      out.bytes.set(value as Uint8Array, out.position);
      out.position += (value as Uint8Array).length;
    },
  },
};

/** Bytes of a text in UTF-8. */
function textLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length;
  return text.length;
}

/** Bytes of a varint below 2^53. */
function numberLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest /= 128) length++;
  return length;
}

function wholeLength(value: number | bigint): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return numberLength(Number(value));
  let length = 1;
  for (let rest = BigInt.asUintN(64, BigInt(value)) >> 7n; rest > 0n; rest >>= 7n) length++;
  return length;
}

function writeNumber(out: Out, value: number): void {
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.bytes[out.position++] = (rest % 128) + 128;
  out.bytes[out.position++] = rest;
}

function writeVarint(out: Out, value: bigint): void {
  if (value <= Number.MAX_SAFE_INTEGER) {
    writeNumber(out, Number(value));
    return;
  }
  let rest = value;
  for (; rest > 127n; rest >>= 7n) out.bytes[out.position++] = Number(rest & 127n) | 128;
  out.bytes[out.position++] = Number(rest);
}

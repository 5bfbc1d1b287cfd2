import { WhereforeError } from '../../errors.ts';
import {
  byteLength,
  bytesOf,
  type DataType,
  dataTypes,
  formatShape,
  fromBytes,
  storageLength,
  type Tensor,
} from '../../tensor/tensor.ts';

/** What a `.safetensors` file holds: tensors by name, and free text beside them. */
export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

const typeNames: Readonly<Record<string, DataType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  U64: 'uint64',
  I32: 'int32',
  U32: 'uint32',
  I16: 'int16',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};
const nameOfType = new Map(Object.entries(typeNames).map(([name, type]) => [type, name]));

/** The format's own limit: a longer header is taken for damage. */
const longestHeader = 100_000_000;

/**
 * Reads a `.safetensors` file. Tensors are views into `bytes` wherever their alignment allows it.
 *
 * Every rule of the format is checked: the header's length and JSON, known element types, byte ranges that match
 * type × shape, lie in the file, do not overlap and leave no gap.
 * @param where Name of the file, for messages.
 * @throws WhereforeError `invalid-data` that names the tensor and the rule that it breaks.
 */
export function readSafetensors(bytes: Uint8Array, where = 'safetensors'): Safetensors {
  const { entries, metadata } = safetensorsLayout(bytes, where, bytes.byteLength);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, begin, end } of entries)
    tensors.set(name, fromBytes(type, shape, bytes.subarray(begin, end)));
  return { tensors, metadata };
}

/** What the header of a `.safetensors` file says about one tensor; its bytes lie from `begin` up to `end`. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads the header of a `.safetensors` file, of which parts are read.
 * @param bytes the first bytes of the file, the header at least ({@link safetensorsHeaderEnd} says how many)
 * @param size bytes of the whole file
 * @throws WhereforeError as {@link readSafetensors}
 */
export function safetensorsLayout(
  bytes: Uint8Array,
  where: string,
  size: number,
): { readonly entries: readonly SafetensorsEntry[]; readonly metadata: Record<string, string> } {
  const { header, start } = readHeader(bytes, where, size);
  let metadata: Record<string, string> = {};
  const entries: SafetensorsEntry[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = readMetadata(entry, where);
      continue;
    }
    const { type, shape, begin, end } = readEntry(name, entry, where);
    if (start + end > size) {
      throw new WhereforeError('invalid-data', `tensor "${name}" ends beyond the file, which seems truncated`, {
        where,
        got: `${size} bytes`,
        expected: `at least ${start + end}`,
        fix: 'fetch or write the file again',
      });
    }
    entries.push({ name, type, shape, begin: start + begin, end: start + end });
  }
  checkRanges(
    entries.map(({ name, begin, end }) => ({ name, begin: begin - start, end: end - start })),
    size - start,
    where,
  );
  return { entries, metadata };
}

/** Where the header ends, told by the first eight bytes. @throws WhereforeError `invalid-data` for what is no header */
export function safetensorsHeaderEnd(bytes: Uint8Array, where: string, size: number): number {
  if (bytes.byteLength < 8) {
    throw new WhereforeError('invalid-data', 'too short for a safetensors file', {
      where,
      got: `${bytes.byteLength} bytes`,
      expected: 'at least 8',
    });
  }
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const start = 8 + length;
  if (length > longestHeader || start > size) {
    throw new WhereforeError(
      'invalid-data',
      'the header does not fit into the file: truncated, or not a safetensors file',
      {
        where,
        got: `a header of ${length} bytes in a file of ${size}`,
        expected: `at most ${Math.min(longestHeader, size - 8)} bytes`,
      },
    );
  }
  return start;
}

function readHeader(
  bytes: Uint8Array,
  where: string,
  size: number,
): { header: Record<string, unknown>; start: number } {
  const start = safetensorsHeaderEnd(bytes, where, size);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the header is not JSON: damaged, or not a safetensors file', {
      where,
      cause,
    });
  }
  if (!isRecord(header)) {
    throw new WhereforeError('invalid-data', 'the header is not a JSON object', { where, got: describe(header) });
  }
  return { header, start };
}

function readMetadata(entry: unknown, where: string): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
    throw new WhereforeError('invalid-data', '"__metadata__" is not a map from text to text', {
      where,
      got: describe(entry),
    });
  }
  return entry as Record<string, string>;
}

function readEntry(name: string, entry: unknown, where: string) {
  const refuse = (what: string, got: unknown, expected: string): never => {
    throw new WhereforeError('invalid-data', `tensor "${name}": ${what}`, { where, got: describe(got), expected });
  };
  if (!isRecord(entry)) return refuse('its entry is not an object', entry, 'dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: offsets } = entry;
  const type = typeof dtype === 'string' ? typeNames[dtype] : undefined;
  if (!type) return refuse('unknown element type', dtype, Object.keys(typeNames).join(', '));
  if (!isCounts(shape)) return refuse('its shape is not a list of sizes', shape, 'whole numbers from 0');
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[1] < offsets[0]) {
    return refuse('its data_offsets are not a byte range', offsets, '[begin, end] with begin ≤ end');
  }
  const [begin, end] = offsets;
  const expected = storageLength(type, shape) * dataTypes[type].bytes;
  if (end - begin !== expected) {
    return refuse(`its byte range does not hold ${dtype} ${formatShape(shape)}`, end - begin, `${expected} bytes`);
  }
  return { type, shape, begin, end };
}

function checkRanges(ranges: { name: string; begin: number; end: number }[], length: number, where: string): void {
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== reached) {
      throw new WhereforeError(
        'invalid-data',
        `tensor "${name}" ${begin < reached ? 'overlaps another' : 'leaves a gap before it'}`,
        {
          where,
          got: `a range from byte ${begin}`,
          expected: `from byte ${reached}`,
        },
      );
    }
    reached = end;
  }
  if (reached !== length) {
    throw new WhereforeError('invalid-data', 'bytes after the last tensor', {
      where,
      got: `${length} bytes of data`,
      expected: `${reached}`,
    });
  }
}

/**
 * The bytes of a `.safetensors` file. The header keeps the given order of names; the data is ordered by falling
 * element width, so that every tensor is aligned and a reader can use it in place.
 * @throws WhereforeError `wrong-type` for strings and 4-bit types, which the format does not have.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries = [...(isMap(tensors) ? tensors : Object.entries(tensors))];
  for (const [name, value] of entries) checkWritable(name, value);
  const byWidth = [...entries].sort(([, a], [, b]) => dataTypes[b.type].bytes - dataTypes[a.type].bytes);
  const offsets = new Map<string, number>();
  let length = 0;
  for (const [name, value] of byWidth) {
    offsets.set(name, length);
    length += byteLength(value);
  }

  const header: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  for (const [name, value] of entries) {
    const begin = offsets.get(name) as number;
    header.push([
      name,
      { dtype: nameOfType.get(value.type), shape: value.shape, data_offsets: [begin, begin + byteLength(value)] },
    ]);
  }
  // Object.fromEntries would move names that look like integers to the front; the order of the caller is kept.
  const json = `{${header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;

  const bytes = new Uint8Array(8 + padded + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  bytes.fill(0x20, 8 + text.length, 8 + padded);
  for (const [name, value] of entries) bytes.set(bytesOf(value), 8 + padded + (offsets.get(name) as number));
  return bytes;
}

function checkWritable(name: string, value: Tensor): void {
  if (name === '__metadata__') {
    throw new WhereforeError(
      'invalid-argument',
      'a tensor may not be called "__metadata__": the format uses that name itself',
    );
  }
  if (!nameOfType.has(value.type)) {
    throw new WhereforeError('wrong-type', `tensor "${name}" cannot be stored in safetensors`, {
      got: value.type,
      expected: [...nameOfType.keys()].join(', '),
      fix: 'convert it first',
    });
  }
}

function isMap(value: object): value is ReadonlyMap<string, Tensor> {
  return value instanceof Map;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

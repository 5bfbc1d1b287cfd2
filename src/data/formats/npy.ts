import { WhereforeError } from '../../errors.ts';
import { maxOf } from '../../tensor/extremes.ts';
import {
  bytesOf,
  type DataType,
  dataTypes,
  fromBytes,
  sizeOf,
  stridesOf,
  type Tensor,
  tensor,
} from '../../tensor/tensor.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's type codes, without the byte order. */
const typeCodes: Readonly<Record<string, DataType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};
const codeOfType = new Map(Object.entries(typeCodes).map(([code, type]) => [type, code]));

/** Records of thousands of fields have less. */
const longestHeader = 2 ** 20;

interface Header {
  readonly order: string;
  readonly code: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/**
 * Reads a `.npy` file (format 1, 2 and 3) of numbers, booleans or text. The result is row-major whatever the file's
 * order: a Fortran-ordered array is transposed in memory, so that element [i, j] stays element [i, j].
 * Row-major little-endian data is not copied where its alignment allows that.
 * @param where Name of the file, for messages.
 * @throws WhereforeError `invalid-data` for a damaged or truncated file; `wrong-type` for pickled objects, complex
 * numbers, dates and records.
 */
export function readNpy(bytes: Uint8Array, where = 'npy'): Tensor {
  const { header, start } = readHeader(bytes, where);
  const { fortran, shape } = header;
  const expected = sizeOf(shape) * elementOf(header, where).width;
  if (bytes.byteLength - start !== expected) {
    throw new WhereforeError(
      'invalid-data',
      bytes.byteLength - start < expected ? 'truncated array' : 'bytes after the array',
      {
        where,
        got: `${bytes.byteLength - start} bytes of data`,
        expected: `${expected}`,
        fix: 'write the file again',
      },
    );
  }
  const read = elements(header, fortran ? [...shape].reverse() : shape, bytes.subarray(start), where);
  return fortran ? transposed(read) : read;
}

/** The elements of an array, in the order in which they are stored. */
function elements(header: Header, shape: readonly number[], raw: Uint8Array, where: string): Tensor {
  const { type, width, element } = elementOf(header, where);
  const little = header.order === '>' && element > 1 ? swapped(raw, element) : raw;
  return type
    ? fromBytes(type, shape, little)
    : tensor('string', shape, readText(little, { count: sizeOf(shape), width, element, where }));
}

/** An element: its type, none for text, its bytes, and those of the number or letter whose order counts. */
function elementOf({ order, code }: Header, where: string): { type?: DataType; width: number; element: number } {
  const text = /^([SU])(\d+)$/.exec(code);
  const type = typeCodes[code];
  if (text) return { width: Number(text[2]) * (text[1] === 'U' ? 4 : 1), element: text[1] === 'U' ? 4 : 1 };
  if (type) return { type, width: dataTypes[type].bytes, element: dataTypes[type].bytes };
  throw new WhereforeError('wrong-type', 'an array of this NumPy type cannot be read', {
    where,
    got: `dtype ${order}${code}`,
    expected: `one of ${Object.keys(typeCodes).join(', ')}, or text`,
    fix: code.startsWith('O') ? 'save numbers, not pickled objects' : 'convert it with astype() before np.save',
  });
}

/** What the first bytes of a `.npy` file say about the rest. */
export interface NpyLayout {
  /** `string` for text. */
  readonly type: DataType;
  readonly shape: readonly number[];
  /** Whether the first axis varies quickest, so that rows are scattered. */
  readonly fortran: boolean;
  /** Where the elements begin, and how many bytes each has. */
  readonly start: number;
  readonly width: number;
  /** Elements of some shape out of their bytes, as they are stored. */
  decode(shape: readonly number[], bytes: Uint8Array): Tensor;
}

/**
 * Reads the header of a `.npy` file: of an array of which parts are read.
 * @param bytes its first bytes, a MiB at least where the file has as many
 * @throws WhereforeError as {@link readNpy}
 */
export function npyLayout(bytes: Uint8Array, where = 'npy'): NpyLayout {
  const { header, start } = readHeader(bytes, where);
  const { type = 'string', width } = elementOf(header, where);
  const { shape, fortran } = header;
  return { type, shape, fortran, start, width, decode: (part, raw) => elements(header, part, raw, where) };
}

function readHeader(bytes: Uint8Array, where: string): { header: Header; start: number } {
  if (bytes.byteLength < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw new WhereforeError('invalid-data', 'not a .npy file', {
      where,
      got: bytes.byteLength < 10 ? `${bytes.byteLength} bytes` : 'other first bytes',
      expected: 'a file that begins with \\x93NUMPY',
    });
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new WhereforeError('invalid-data', 'unknown .npy format version', {
      where,
      got: `${version}`,
      expected: '1, 2 or 3',
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefix = version === 1 ? 10 : 12;
  const start =
    bytes.byteLength < prefix ? prefix : prefix + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > longestHeader) {
    throw new WhereforeError('invalid-data', 'the header is longer than any that NumPy writes', {
      where,
      got: `${start} bytes`,
      expected: `at most ${longestHeader}`,
    });
  }
  if (start > bytes.byteLength) throw new WhereforeError('invalid-data', 'truncated in the header', { where });
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(prefix, start));

  const descr = /'descr'\s*:\s*'([<>|=]?)([^']+)'/.exec(text);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  if (!descr && /'descr'\s*:\s*\[/.test(text)) {
    throw new WhereforeError('wrong-type', 'an array of records cannot be read', {
      where,
      expected: 'an array of one type',
      fix: 'save each field as an array of its own',
    });
  }
  if (!descr || !fortran || !shape) {
    throw new WhereforeError('invalid-data', 'the header cannot be understood', {
      where,
      got: text.trim().slice(0, 80),
    });
  }
  const sizes = shape[1]
    .replaceAll('L', '')
    .split(',')
    .map((size) => size.trim())
    .filter(Boolean);
  return {
    header: { order: descr[1], code: descr[2], fortran: fortran[1] === 'True', shape: sizes.map(Number) },
    start,
  };
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += width) {
    for (let j = 0; j < width; j++) result[i + j] = bytes[i + width - 1 - j];
  }
  return result;
}

/** The last code point of Unicode. */
const lastCodePoint = 0x10ffff;

/** Fixed-width text, padded with zeros: bytes (`S`, read as Latin-1) or UTF-32 code points (`U`). */
function readText(
  bytes: Uint8Array,
  {
    count,
    width,
    element,
    where,
  }: { readonly count: number; readonly width: number; readonly element: number; readonly where: string },
): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => {
    let text = '';
    for (let at = index * width; at < (index + 1) * width; at += element) {
      const code = element === 4 ? view.getUint32(at, true) : bytes[at];
      if (code > lastCodePoint) {
        throw new WhereforeError('invalid-data', 'a text with a code that no letter has', {
          where,
          got: `${code}`,
          expected: `at most ${lastCodePoint}`,
        });
      }
      text += String.fromCodePoint(code);
    }
    return text.replace(/\0+$/, '');
  });
}

/** The transpose (all axes reversed) in row-major order. */
function transposed(t: Tensor): Tensor {
  const shape = [...t.shape].reverse();
  const strides = stridesOf(t.shape).reverse();
  const result = tensor(t.type, shape);
  const from = t.data as unknown as number[];
  const to = result.data as unknown as number[];
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[source];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/**
 * The bytes of a `.npy` file: format 1 (2 where the header is long), row-major, little-endian; strings as NumPy's
 * fixed-width `U`.
 * @throws WhereforeError `wrong-type` for bfloat16 and 4-bit types, which NumPy does not have.
 */
export function writeNpy(t: Tensor): Uint8Array<ArrayBuffer> {
  const code = t.type === 'string' ? undefined : codeOfType.get(t.type);
  if (t.type !== 'string' && !code) {
    throw new WhereforeError('wrong-type', `NumPy has no type for ${t.type}`, {
      expected: [...codeOfType.keys()].join(', '),
      fix: 'convert the tensor to float32, or write safetensors',
    });
  }
  const data =
    t.type === 'string'
      ? writeText(t.data as string[])
      : { bytes: bytesOf(t), code: `${dataTypes[t.type].bytes > 1 ? '<' : '|'}${code}` };
  const shape = t.shape.length === 1 ? `${t.shape[0]},` : t.shape.join(', ');
  const header = `{'descr': '${data.code}', 'fortran_order': False, 'shape': (${shape}), }`;
  const version = header.length + 1 + 10 + 63 < 65536 ? 1 : 2;
  const prefix = version === 1 ? 10 : 12;
  const start = Math.ceil((prefix + header.length + 1) / 64) * 64;

  const bytes = new Uint8Array(start + data.bytes.length);
  bytes.set([...magic, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, start - prefix, true);
  else view.setUint32(8, start - prefix, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(start - prefix - 1, ' ')}\n`), prefix);
  bytes.set(data.bytes, start);
  return bytes;
}

function writeText(values: readonly string[]): { bytes: Uint8Array; code: string } {
  const points = values.map((value) => Array.from(value, (character) => character.codePointAt(0) as number));
  const width = maxOf([1, ...points.map((value) => value.length)]);
  const data = new Uint32Array(values.length * width);
  for (const [i, value] of points.entries()) data.set(value, i * width);
  return { bytes: new Uint8Array(data.buffer), code: `<U${width}` };
}

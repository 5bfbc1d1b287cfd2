/** Vectors whose products are computed together: what of them is copied at once. */
export const dotsAtOnce = 4096;

/** Products of whole numbers, of many vectors at once. */
export interface IntegerDots {
  /** Takes the vectors `first` … `first + count` − 1; at most {@link dotsAtOnce}. */
  load(codes: Int8Array, first: number, count: number): void;
  /** Their products with a query; valid until the next call. */
  products(query: Int32Array): Int32Array;
}

/** Bytes of memory that WebAssembly hands out at once. */
const page = 2 ** 16;

/**
 * Opens products of vectors of bytes with queries of 16 bits, eight numbers at a time: JavaScript has no such instruction,
 * WebAssembly has.
 * @param width numbers of a vector; sums of its products must fit 32 bits
 */
export function integerDots(width: number): IntegerDots {
  const padded = 8 * Math.ceil(width / 8);
  const [codesAt, outAt] = [2 * padded, 2 * padded + dotsAtOnce * padded];
  const memory = new WebAssembly.Memory({ initial: Math.ceil((outAt + 4 * dotsAtOnce) / page) });
  const { exports } = new WebAssembly.Instance(compiled(), { m: { memory } });
  const dots = exports.dots as (query: number, codes: number, count: number, width: number, out: number) => void;
  const own = new Int16Array(memory.buffer, 0, padded);
  const codes = new Int8Array(memory.buffer, codesAt, dotsAtOnce * padded);
  const sums = new Int32Array(memory.buffer, outAt, dotsAtOnce);
  let loaded = 0;
  return {
    load(from, first, count) {
      loaded = count;
      if (padded === width) codes.set(from.subarray(first * width, (first + count) * width));
      // What is behind the numbers of a vector stays 0.
      else
        for (let i = 0; i < count; i++)
          codes.set(from.subarray((first + i) * width, (first + i + 1) * width), i * padded);
    },
    products(query) {
      own.set(query);
      if (loaded > 0) dots(0, codesAt, loaded, padded, outAt);
      return sums.subarray(0, loaded);
    },
  };
}

/** A section or a list of the module: how many bytes it has, then these. All lengths here are below 2¹⁴. */
const sized = (bytes: readonly number[]): number[] =>
  bytes.length < 128 ? [bytes.length, ...bytes] : [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
const named = (name: string): number[] => sized([...new TextEncoder().encode(name)]);

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const constant = (value: number): number[] => [0x41, value];
const loop = [0x03, 0x40];
const end = 0x0b;
const again = [0x0d, 0x00];
const [add, subtract, shiftLeft, isBelow] = [0x6a, 0x6b, 0x74, 0x49];
/** Instructions on 128 bits: eight bytes as eight numbers of 16 bits; 128 bits; pairs of products, added; sums of four. */
const [loadBytes, load128] = [
  [0xfd, 0x01, 0x00, 0x00],
  [0xfd, 0x00, 0x00, 0x00],
];
const [pairProducts, addFour] = [
  [0xfd, 0xba, 0x01],
  [0xfd, 0xae, 0x01],
];
const fourZeros = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const lane = (number: number): number[] => [0xfd, 0x1b, number];

/** The places of the parameters and of the two variables. */
const [query, codes, count, width, out, k, sum] = [0, 1, 2, 3, 4, 5, 6];

/**
 * `out[i] = Σ_k query[k] · codes[i · width + k]` for `count` vectors, in the binary format of WebAssembly 1.0 with fixed-width
 * SIMD.
 */
function compiled(): WebAssembly.Module {
  const eight = [
    ...get(sum),
    ...[...get(codes), ...get(k), add, ...loadBytes],
    ...[...get(query), ...get(k), ...constant(1), shiftLeft, add, ...load128],
    ...[...pairProducts, ...addFour, ...set(sum)],
    ...[...get(k), ...constant(8), add, ...tee(k), ...get(width), isBelow, ...again],
  ];
  const total = [0, 1, 2, 3].flatMap((i) => [...get(sum), ...lane(i), ...(i > 0 ? [add] : [])]);
  const vector = [
    ...[...fourZeros, ...set(sum), ...constant(0), ...set(k), ...loop, ...eight, end],
    ...[...get(out), ...total, 0x36, 0x02, 0x00],
    ...[...get(codes), ...get(width), add, ...set(codes), ...get(out), ...constant(4), add, ...set(out)],
    ...[...get(count), ...constant(1), subtract, ...tee(count), ...again],
  ];
  const [i32, v128] = [0x7f, 0x7b];
  const body = sized([2, 1, i32, 1, v128, ...loop, ...vector, end, end]);
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[1, ...sized([1, 0x60, 5, i32, i32, i32, i32, i32, 0])],
    ...[2, ...sized([1, ...named('m'), ...named('memory'), 0x02, 0x00, 0x01])],
    ...[3, ...sized([1, 0])],
    ...[7, ...sized([1, ...named('dots'), 0x00, 0x00])],
    ...[10, ...sized([1, ...body])],
  ];
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

/** A stream of random numbers that a seed determines, on every machine. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  readonly uniform: () => number;
  /** Uniform among 0 … bound − 1, without bias; `bound` from 1 to 2³². */
  readonly integer: (bound: number) => number;
  /** Normal with mean 0 and variance 1. */
  readonly normal: () => number;
}

/** One step of splitmix32: spreads a seed over 32 bits, so that neighbouring seeds give unrelated streams. */
function splitmix(state: number): { state: number; value: number } {
  const next = (state + 0x9e3779b9) | 0;
  let z = next ^ (next >>> 16);
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return { state: next, value: (z ^ (z >>> 15)) >>> 0 };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021): period 2¹²⁸ − 1, state
 * filled from the seed by splitmix32. Not for secrets.
 * @param seed Any number; its low and high 32 bits both count, so that 0.5 and 2³² are seeds of their own.
 * @param stream Streams of one seed are unrelated: one for each epoch, worker or purpose. Default 0.
 */
export function random(seed: number, stream = 0): Random {
  const numbers = stream === 0 ? [seed] : [seed, stream];
  let spread = { state: 0, value: 0 };
  for (const word of new Uint32Array(Float64Array.from(numbers).buffer)) spread = splitmix(spread.value ^ word);
  const s = new Int32Array(4);
  for (let i = 0; i < 4; i++) {
    s[i] = spread.value;
    spread = splitmix(spread.state);
  }
  if (s.every((word) => word === 0)) s[0] = 1;

  const bits = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotateLeft(s[3], 11);
    return result;
  };

  const uniform = () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) * 2 ** -53;
  const integer = (bound: number) => {
    // The last, incomplete round of `bound` values is thrown away: otherwise small numbers come up more often.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = bits();
    while (value >= limit) value = bits();
    return value % bound;
  };
  let spare: number | undefined;
  const normal = () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // Box–Muller: r = √(−2 ln u), angle 2πv; u in (0, 1], so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, integer, normal };
}

/** The numbers 0 … count − 1 in random order (Fisher–Yates). */
export function permutation(count: number, source: Random): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const j = source.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** `size` different numbers of 0 … count − 1, in random order. */
export function choose(count: number, size: number, source: Random): Uint32Array {
  return permutation(count, source).slice(0, size);
}

/** Independent normal samples. */
export function normals(length: number, source: Random): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = source.normal();
  return values;
}

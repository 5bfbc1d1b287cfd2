/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const constants = fractions(64, Math.cbrt);
/** Of the square roots of the first eight (5.3.3). */
const start = fractions(8, Math.sqrt);

function fractions(count: number, root: (prime: number) => number): Int32Array {
  const bits = new Int32Array(count);
  for (let found = 0, n = 2; found < count; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) isPrime = false;
    if (isPrime) bits[found++] = ((root(n) % 1) * 2 ** 32) | 0;
  }
  return bits;
}

const blockLength = 64;
const encoder = new TextEncoder();

/**
 * SHA-256 (FIPS 180-4) of bytes that come in pieces, in JavaScript alone, so that it runs in a browser, whose own
 * `crypto.subtle` takes no pieces and answers later. Texts count as UTF-8.
 */
export class Sha256 {
  readonly #state = start.slice();
  readonly #block = new Uint8Array(blockLength);
  readonly #words = new Int32Array(64);
  #filled = 0;
  #length = 0;

  update(piece: Uint8Array | string): this {
    const bytes = typeof piece === 'string' ? encoder.encode(piece) : piece;
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(blockLength - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < blockLength) return this;
      this.#mix(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + blockLength <= bytes.length; at += blockLength) this.#mix(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
    return this;
  }

  /** The 32 bytes of the hash; nothing may be added afterwards. */
  digest(): Uint8Array<ArrayBuffer> {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#filled < 56 ? 56 : 120) - this.#filled + 8);
    padding[0] = 0x80;
    const ending = new DataView(padding.buffer, padding.length - 8);
    ending.setUint32(0, Math.floor(bits / 2 ** 32));
    ending.setUint32(4, bits >>> 0);
    this.update(padding);
    const result = new Uint8Array(32);
    const view = new DataView(result.buffer);
    for (let i = 0; i < 8; i++) view.setInt32(4 * i, this.#state[i]);
    return result;
  }

  /** One block of 64 bytes (6.2.2). */
  #mix(bytes: Uint8Array, at: number): void {
    const w = this.#words;
    for (let t = 0, i = at; t < 16; t++, i += 4)
      w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15];
      const y = w[t - 2];
      const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (w[t - 16] + small0 + w[t - 7] + small1) | 0;
    }
    const state = this.#state;
    // Not by destructuring: the iterator of a typed array takes as long as the rounds.
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let t = 0; t < 64; t++) {
      const large1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + large1 + ((e & f) ^ (~e & g)) + constants[t] + w[t]) | 0;
      const large0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (large0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

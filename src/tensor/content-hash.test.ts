import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contentHash, hashedTensor, hexOf } from './content-hash.ts';
import { random } from './random.ts';
import { Sha256 } from './sha256.ts';
import { float32, tensor } from './tensor.ts';

describe('contentHash', () => {
  it('gives the examples of FIPS 180-4', () => {
    expect(contentHash([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(contentHash(['abc'])).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(contentHash(['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'])).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  it("agrees with Node's own for every length around a block, however it is cut", () => {
    const source = random(7);
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, () => source.integer(256));
      const cut = source.integer(length + 1);
      const expected = createHash('sha256').update(bytes).digest('hex');
      expect(contentHash([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(expected);
    }
    const large = new Uint8Array(3_000_001).fill(97);
    expect(hexOf(new Sha256().update(large).digest())).toBe(createHash('sha256').update(large).digest('hex'));
  });

  it('tells tensors apart by type, shape and where texts end', () => {
    const hashes = [
      float32([2], [0, 0]),
      float32([2, 1], [0, 0]),
      tensor('int32', [2]),
      tensor('string', [2], ['ab', 'c']),
      tensor('string', [2], ['a', 'bc']),
    ].map((t) => contentHash(hashedTensor(t)));
    expect(new Set(hashes).size).toBe(5);
  });
});

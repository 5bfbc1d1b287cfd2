import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { suffixArray } from './suffix-array.ts';

/** The starts of all suffixes, sorted one against the other. */
function bySorting(text: readonly number[]): number[] {
  const compare = (one: number, other: number) => {
    let [a, b] = [one, other];
    while (a < text.length && b < text.length && text[a] === text[b]) [a, b] = [a + 1, b + 1];
    // The shorter one comes first.
    return a === text.length || b === text.length ? b - a : text[a] - text[b];
  };
  return text.map((_, i) => i).sort(compare);
}

describe('the suffix array', () => {
  it('of banana', () => {
    expect([...suffixArray(new TextEncoder().encode('banana'), 256)]).toEqual([5, 3, 1, 0, 4, 2]);
  });

  it('of nothing, of one symbol, of one symbol many times', () => {
    expect([...suffixArray(new Uint8Array(0), 256)]).toEqual([]);
    expect([...suffixArray(Uint8Array.of(7), 256)]).toEqual([0]);
    expect([...suffixArray(new Uint8Array(5).fill(9), 256)]).toEqual([4, 3, 2, 1, 0]);
  });

  it('is what sorting gives, for few and many symbols and for repeats', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(3), { maxLength: 60 }), (repeats, piece) => {
        const text = Array.from({ length: repeats }, () => piece).flat();
        expect([...suffixArray(Uint8Array.from(text), 4)]).toEqual(bySorting(text));
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 200 }), (text) => {
        expect([...suffixArray(Uint8Array.from(text), 256)]).toEqual(bySorting(text));
      }),
    );
  });

  it('of a text of 200,000 letters holds each start once, in order', () => {
    const text = Uint8Array.from({ length: 200_000 }, (_, i) => 97 + ((i * i + (i >> 3)) % 5));
    const sorted = suffixArray(text, 256);
    expect(new Set(sorted).size).toBe(text.length);
    for (let k = 1; k < sorted.length; k += 97) {
      let [a, b] = [sorted[k - 1], sorted[k]];
      while (b < text.length && a < text.length && text[a] === text[b]) [a, b] = [a + 1, b + 1];
      expect(a === text.length || text[a] < text[b]).toBe(true);
    }
  });
});

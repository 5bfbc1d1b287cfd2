import { describe, expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { heldWithin } from './held.ts';
import { integerDots } from './integer-dots.ts';
import { nearestCandidates } from './nearest-candidates.ts';
import { type EmbeddedCorpus, nearestSentences } from './paraphrases.ts';
import { mostOff, type RoundedQuery, type RoundedVectors, roundedQuery, roundedVectors } from './rounded-vectors.ts';
import { makeSegment } from './segment.ts';
import { pairCosines, sentencesOfSegment } from './sentence-vectors.ts';
import { sentencesOf } from './sentences.ts';

describe('sentences', () => {
  it('are found with their places, without white space, and not those of too few words', () => {
    const text = '  My card is lost.  Help me!\nWhere is „my née card“ now? Ok.';
    const found = sentencesOf(text);
    expect(found.map((one) => one.text)).toEqual(['My card is lost.', 'Where is „my née card“ now?']);
    for (const { text: own, start, end } of found) expect(text.slice(start, end)).toBe(own);
    expect(sentencesOf('')).toEqual([]);
  });

  it('of a segment are found again by their bytes', () => {
    const segment = makeSegment([
      { id: 'a', place: 'a', text: 'Señor 🙂 lost his card. He wants it back.' },
      { id: 'b', place: 'b', text: 'nothing' },
      { id: 'c', place: 'c', text: 'One more é sentence' },
    ]);
    const { texts, places } = sentencesOfSegment(segment);
    expect(texts).toEqual(['Señor 🙂 lost his card.', 'He wants it back.', 'One more é sentence']);
    for (const [i, text] of texts.entries())
      expect(new TextDecoder().decode(segment.bytes.subarray(places[2 * i], places[2 * i + 1]))).toBe(text);
  });
});

/** 400 sentences at angles of 0.9° to each other, those of one document, and one that was removed. */
function corpusOf(removed: number): EmbeddedCorpus {
  const documents = Array.from({ length: 400 }, (_, i) => ({
    id: `d${i}`,
    place: `row ${i}`,
    text: `Sentence number ${i}`,
  }));
  const segment = makeSegment(documents);
  const { texts, places } = sentencesOfSegment(segment);
  const vectors = new Float32Array(2 * texts.length);
  for (let i = 0; i < texts.length; i++) vectors.set([Math.cos(angle(i)), Math.sin(angle(i))], 2 * i);
  return {
    segmentCount: 1,
    segment: async () => segment,
    isRemoved: (_, document) => document === removed,
    vectors: async () => ({ ...roundedVectors(vectors, 2), pairs: pairCosines(vectors, 2), places }),
    rows: async (_, sentences) => Float32Array.from(sentences.flatMap((i) => [vectors[2 * i], vectors[2 * i + 1]])),
  };
}

const angle = (i: number) => (2 * Math.PI * i) / 400;

describe('the nearest sentences', () => {
  const asked = [{ text: 'any', start: 0, end: 3 }];
  const query = Float32Array.of(Math.cos(angle(7.3)), Math.sin(angle(7.3)));

  it('are those with the largest cosines, with where they stand', async () => {
    const [{ sources }] = await nearestSentences(corpusOf(-1), asked, query, { most: 3, support: 0.9 });
    expect(sources.map(({ document, text }) => [document, text])).toEqual([
      ['d7', 'Sentence number 7'],
      ['d8', 'Sentence number 8'],
      ['d6', 'Sentence number 6'],
    ]);
    expect(sources[0].cosine).toBeCloseTo(Math.cos(angle(0.3)), 5);
    // Two of 400 sentences lie within 1.3 steps of any sentence on either side.
    expect(sources[2].support).toBeCloseTo(1 - 2 / 400, 2);
  });

  it('are not those of documents that were removed', async () => {
    const [{ sources }] = await nearestSentences(corpusOf(7), asked, query, { most: 1, support: 0.9 });
    expect(sources[0].document).toBe('d8');
  });

  it('are none where pairs of the corpus are as near', async () => {
    // A sentence of which the encoder knows no word has a vector of zeros: half of all pairs are nearer.
    const nothing = new Float32Array(2);
    const [{ sources }] = await nearestSentences(corpusOf(-1), asked, nothing, { most: 3, support: 0.6 });
    expect(sources).toEqual([]);
    expect(await nearestSentences(corpusOf(-1), [], new Float32Array(0))).toEqual([]);
  });
});

describe('rounded vectors', () => {
  const source = random(17);
  const drawn = (count: number, width: number) => {
    const vectors = new Float32Array(count * width);
    for (let i = 0; i < count; i++) {
      let squares = 0;
      for (let k = i * width; k < (i + 1) * width; k++) squares += (vectors[k] = source.normal()) ** 2;
      for (let k = i * width; k < (i + 1) * width; k++) vectors[k] /= Math.sqrt(squares);
    }
    return vectors;
  };
  const dot = (a: Float32Array, b: Float32Array, i: number) =>
    a.reduce((sum, value, k) => sum + value * b[i * a.length + k], 0);

  const roundedDot = ({ codes, scale }: RoundedQuery, of: RoundedVectors, i: number) =>
    scale * of.scales[i] * codes.reduce((sum, code, k) => sum + code * of.codes[i * codes.length + k], 0);

  it.each([3, 8, 21, 384])('have the products of whole numbers that JavaScript has, of %i numbers', (width) => {
    const codes = Int8Array.from({ length: 50 * width }, () => source.integer(255) - 127);
    const query = Int32Array.from({ length: width }, () => source.integer(65_535) - 32_767);
    const dots = integerDots(width);
    for (const [first, count] of [
      [0, 50],
      [7, 3],
      [0, 0],
    ]) {
      dots.load(codes, first, count);
      const expected = Array.from({ length: count }, (_, i) =>
        query.reduce((sum, value, k) => sum + value * codes[(first + i) * width + k], 0),
      );
      expect([...dots.products(query)]).toEqual(expected);
    }
  });

  it.each([3, 384, 1023])('are never further off than they say, of %i numbers', (width) => {
    const vectors = drawn(200, width);
    const query = drawn(1, width);
    const [rounded, asked] = [roundedVectors(vectors, width), roundedQuery(query)];
    for (let i = 0; i < 200; i++) {
      const off = Math.abs(roundedDot(asked, rounded, i) - dot(query, vectors, i));
      expect(off).toBeLessThanOrEqual(mostOff(asked, rounded, i));
      // Steps of 1/127 of the largest number: about 2 % off at worst.
      expect(mostOff(asked, rounded, i)).toBeLessThan(0.03);
    }
  });

  it('keep all that may be among the nearest', () => {
    const [width, count] = [16, 3000];
    const vectors = drawn(count, width);
    const rounded = roundedVectors(vectors, width);
    for (let trial = 0; trial < 20; trial++) {
      const query = drawn(1, width);
      const asked = roundedQuery(query);
      const near = nearestCandidates(10);
      for (let i = 0; i < count; i++) {
        const [value, off] = [roundedDot(asked, rounded, i), mostOff(asked, rounded, i)];
        near.add({ segment: 0, number: i, most: value + off }, value - off);
      }
      const kept = new Set(near.candidates().map(({ number }) => number));
      const order = Array.from({ length: count }, (_, i) => i).sort(
        (a, b) => dot(query, vectors, b) - dot(query, vectors, a),
      );
      for (const i of order.slice(0, 10)) expect(kept.has(i)).toBe(true);
      expect(kept.size).toBeLessThan(100);
    }
  });
});

describe('values that are held', () => {
  it('are read again only where others took their place', async () => {
    const read: number[] = [];
    const get = heldWithin(
      20,
      () => 10,
      async (index) => read.push(index) && index,
    );
    for (const index of [1, 2, 1, 3, 1, 2]) expect(await get(index)).toBe(index);
    // 1 and 2 are held; 3 takes the place of 2, the one asked for longest ago.
    expect(read).toEqual([1, 2, 3, 2]);
  });
});

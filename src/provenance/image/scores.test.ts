import { describe, expect, it } from 'vitest';
import { choose, random } from '../../tensor/random.ts';
import { tensor } from '../../tensor/tensor.ts';
import { align } from './alignment.ts';
import { backgroundOf, scoreReachedBy, shareAtLeast } from './background.ts';
import { fitLogistic } from './fit-logistic.ts';
import { searchKeypoints } from './keypoint-search.ts';
import { oklabOf } from './oklab.ts';
import { bitCount, perceptualHash } from './perceptual-hash.ts';
import { ranked, surroundingScore } from './ranked.ts';
import { wordScores } from './rankings.ts';
import { describePoint, mirroredDescription, signatureOf } from './signature.ts';

describe('colours', () => {
  it('are those of Oklab', () => {
    const pixels = tensor('uint8', [1, 4, 3], new Uint8Array([255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255]));
    const { data } = oklabOf(pixels);
    // Values of Ottosson's page: white (1, 0, 0), red (.62796, .22486, .12585), blue (.45201, −.03246, −.31153).
    const expected = [1, 0, 0.62796, 0.45201, 0, 0, 0.22486, -0.03246, 0, 0, 0.12585, -0.31153];
    for (const [i, value] of expected.entries()) expect(data[i]).toBeCloseTo(value, 4);
  });
});

describe('hashes', () => {
  it('have 64 bits, and stay where contrast changes', () => {
    expect([0, 1, 0xff, 0xffffffff, 0x80000001].map(bitCount)).toEqual([0, 1, 8, 32, 2]);
    const source = random(4);
    const data = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => 60 + 40 * Math.sin(i / 700) + source.integer(60));
    const hash = perceptualHash(tensor('uint8', [40, 40, 3], data));
    const paler = perceptualHash(
      tensor(
        'uint8',
        [40, 40, 3],
        data.map((value) => 40 + value / 2),
      ),
    );
    // A median splits 64 frequencies in halves.
    expect(Math.abs(bitCount(hash[0]) + bitCount(hash[1]) - 32)).toBeLessThanOrEqual(1);
    expect(bitCount(hash[0] ^ paler[0]) + bitCount(hash[1] ^ paler[1])).toBeLessThanOrEqual(4);
  });
});

describe('descriptions', () => {
  it('of the image from right to left are those that it would have', () => {
    const [height, width] = [40, 40];
    const source = random(8);
    const smooth = new Float32Array(3 * height * width);
    const waves = Array.from({ length: 6 }, () => [
      source.uniform() - 0.5,
      source.uniform() - 0.5,
      6 * source.uniform(),
    ]);
    for (let i = 0; i < smooth.length; i++) {
      const [y, x] = [Math.floor((i % 1600) / width), i % width];
      for (const [fy, fx, phase] of waves) smooth[i] += Math.sin(fy * y + fx * x + phase) / 6;
    }
    const turned = smooth.map((_, i) => smooth[i - (i % width) + width - 1 - (i % width)]);
    const level = { height, width, step: 1, sigma: 1.6, strength: new Float32Array(0) };
    // The centre lies between two pixels, so that samples fall on the same ones from both sides.
    const own = describePoint({ ...level, data: smooth }, 19.5, 19.5);
    const other = describePoint({ ...level, data: turned }, 19.5, 19.5);
    const differing = (a: Float32Array, b: Float32Array) => {
      const [p, q] = [signatureOf(a), signatureOf(b)];
      return p.reduce((sum, word, k) => sum + bitCount(word ^ q[k]), 0);
    };
    // Half-way samples are rounded to one side: a few bits are near 0.
    expect(differing(mirroredDescription(own), other)).toBeLessThan(16);
    expect(differing(own, other)).toBeGreaterThan(24);
    expect(mirroredDescription(mirroredDescription(own))).toEqual(own);
  });
});

describe('common points', () => {
  it('are found by signatures that differ in few bits, and weigh what they tell', () => {
    const source = random(2);
    const word = () => source.integer(2 ** 32);
    const images = 40;
    const signatures = Uint32Array.from({ length: 4 * images }, word);
    const starts = Uint32Array.from({ length: images + 1 }, (_, i) => i);
    const search = searchKeypoints({ starts, signatures, places: new Float32Array(3 * images) });
    const query = signatures.slice(4 * 7, 4 * 8);
    for (const bit of [3, 40, 77, 100, 127]) query[bit >> 5] ^= 1 << (bit & 31);
    const found = search.find({ count: 1, places: new Float32Array(3), signatures: query }, 5);
    expect(found).toMatchObject([{ image: 7, pairs: [{ own: 0, other: 0 }] }]);
    expect(found[0].weight).toBeCloseTo(Math.log(41), 9);
  });

  it('are found for sure up to 15 differing bits, wherever they lie', () => {
    const source = random(5);
    const signatures = Uint32Array.from({ length: 4 }, () => source.integer(2 ** 32));
    const search = searchKeypoints({ starts: Uint32Array.of(0, 1), signatures, places: new Float32Array(3) });
    for (let trial = 0; trial < 200; trial++) {
      const query = signatures.slice();
      for (const bit of choose(128, 15, source)) query[bit >> 5] ^= 1 << (bit & 31);
      expect(search.find({ count: 1, places: new Float32Array(3), signatures: query }, 5)).toHaveLength(1);
    }
  });

  it('agree on the enlargement and shift that they have, whatever else is among them', () => {
    const source = random(6);
    const [count, noise] = [20, 12];
    const other = new Float32Array(3 * (count + noise));
    const own = new Float32Array(3 * (count + noise));
    for (let i = 0; i < count + noise; i++) {
      const [x, y, sigma] = [source.uniform(), source.uniform(), 0.01 + 0.03 * source.uniform()];
      other.set([x, y, sigma], 3 * i);
      if (i < count) own.set([0.4 * x + 0.5, 0.4 * y + 0.1, 0.4 * sigma * 1.1 ** (source.uniform() - 0.5)], 3 * i);
      else own.set([source.uniform(), source.uniform(), 0.02], 3 * i);
    }
    const pairs = Array.from({ length: count + noise }, (_, i) => ({ own: i, other: i, weight: 2 }));
    const { factor, offset, agreeing, weight } = align(pairs, own, other) ?? {};
    expect(factor).toBeCloseTo(0.4, 2);
    expect(offset?.[0]).toBeCloseTo(0.5, 2);
    expect(offset?.[1]).toBeCloseTo(0.1, 2);
    expect(agreeing?.filter((at) => at < count)).toHaveLength(count);
    expect(weight).toBe(2 * (agreeing?.length ?? 0));
    expect(align(pairs.slice(count, count + 2), own, other)).toBeUndefined();
  });
});

describe('the background', () => {
  it('gives the share of unrelated images at least as high, with a tail of uncertain scale', () => {
    const background = backgroundOf(Array.from({ length: 100 }, (_, i) => i));
    // Ten scores lie beyond the 90th, on the mean 5.5 above it.
    expect(shareAtLeast(50, background)).toBeCloseTo(0.5, 9);
    expect(shareAtLeast(89 + 5.5, background)).toBeCloseTo(0.1 / 1.1 ** 10, 9);
    expect(scoreReachedBy(0.01, background)).toBeCloseTo(89 + 55 * (10 ** 0.1 - 1), 9);
    expect(shareAtLeast(scoreReachedBy(0.004, background), background)).toBeCloseTo(0.004, 9);
  });

  it('lets as many unrelated images through as it says, over backgrounds of a hundred', () => {
    const source = random(3);
    const drawn = () => -Math.log(1 - source.uniform());
    let through = 0;
    for (let trial = 0; trial < 4000; trial++) {
      const limit = scoreReachedBy(0.004, backgroundOf(Array.from({ length: 100 }, drawn)));
      through += Math.exp(-limit) / 4000;
    }
    // (11/101) / .1 of it, as eleven of 101 lie beyond the ninetieth; with the mean excess for the scale .0067.
    expect(through).toBeGreaterThan(0.0039);
    expect(through).toBeLessThan(0.0049);
  });

  it('is what ranks 11 to 20 reach, less what is left out', () => {
    const scores = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(ranked(scores, 3)).toEqual([0, 1, 2]);
    // Scores 90 to 81.
    expect(surroundingScore(scores)).toBeCloseTo(85.5, 9);
    expect(surroundingScore(scores, new Set([0, 1]))).toBeCloseTo(83.5, 9);
  });
});

describe('ranks', () => {
  it('of few of many are the first of all of them', () => {
    const source = random(9);
    const scores = Float64Array.from({ length: 500 }, () => source.integer(40));
    const all = ranked(scores, 500);
    for (const most of [0, 1, 7, 100]) expect(ranked(scores, most)).toEqual(all.slice(0, most));
    for (let i = 1; i < all.length; i++)
      expect(
        scores[all[i - 1]] > scores[all[i]] || (scores[all[i - 1]] === scores[all[i]] && all[i - 1] < all[i]),
      ).toBe(true);
  });
});

describe('weights', () => {
  it('favour the signal that tells rows apart, and none that is noise or points the other way', () => {
    const source = random(12);
    const truths = Array.from({ length: 200 }, (_, i) => i % 5 === 0);
    const rows = truths.map((truth) => [
      (truth ? 2 : 0) + source.normal(),
      source.normal(),
      (truth ? -1 : 0) + source.normal(),
    ]);
    const [first, noise, against] = fitLogistic(rows, truths);
    expect(first).toBeGreaterThan(1);
    expect(noise).toBeLessThan(0.4);
    expect(against).toBe(0);
  });

  it('stay near equal ones where few pairs were planted, though one signal alone tells them apart', () => {
    const source = random(8);
    const truths = Array.from({ length: 60 }, (_, i) => i % 20 === 0);
    const rows = truths.map((truth) => [(truth ? 6 : 0) + source.normal(), (truth ? 1 : 0) + source.normal()]);
    const [strong, weak] = fitLogistic(rows, truths);
    expect(strong).toBeGreaterThan(weak);
    expect(weak).toBeGreaterThan(0.5);
    expect(strong).toBeLessThan(2);
  });

  it('of words are those of BM25', () => {
    // Two captions of 2 words, one of 4; "red" is in two: idf = log(1 + 1.5/2.5).
    const scores = wordScores(['red fox', 'blue fox', 'red red old house'], 'Red!');
    const idf = Math.log(1 + 1.5 / 2.5);
    const mean = 8 / 3;
    expect(scores[0]).toBeCloseTo((idf * 2.2) / (1 + 1.2 * (0.25 + (0.75 * 2) / mean)), 9);
    expect(scores[1]).toBe(0);
    expect(scores[2]).toBeCloseTo((idf * 2 * 2.2) / (2 + 1.2 * (0.25 + (0.75 * 4) / mean)), 9);
  });
});

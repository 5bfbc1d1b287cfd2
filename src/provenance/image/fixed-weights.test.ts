import { describe, expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { tensor } from '../../tensor/tensor.ts';
import { blockOf, imageFeatures } from './features.ts';
import { captionCosines, fixedMatches, fixedScores } from './fixed-weights.ts';
import { queryImage } from './query-image.ts';
import { brightness, structuralSimilarity } from './ssim.ts';

describe('structural similarity', () => {
  const flat = (value: number) => new Float32Array(64).fill(value);
  it('of flat images is that of their means', () => {
    // (2·100·150 + 6.5025)/(100² + 150² + 6.5025)
    expect(structuralSimilarity(flat(100), flat(150), 8)).toBeCloseTo(30006.5025 / 32506.5025, 6);
  });

  it('is 1 of equal images, and below 0 of a negative', () => {
    const source = random(1);
    const a = Float32Array.from({ length: 100 }, () => source.integer(256));
    expect(structuralSimilarity(a, a, 10)).toBeCloseTo(1, 9);
    expect(
      structuralSimilarity(
        a,
        a.map((value) => 255 - value),
        10,
      ),
    ).toBeLessThan(-0.9);
  });

  it('is the mean over all windows of 7 × 7 pixels', () => {
    // Two windows side by side: the first equal, the second flat with means 10 and 10 + 49·7/49 over one changed column.
    const a = new Float32Array(7 * 8).fill(10);
    const b = a.slice();
    for (let y = 0; y < 7; y++) b[y * 8 + 7] = 17;
    // The second window of b: one of seven columns 17, mean 11, variance (6·1 + 36)/7 = 6; a has none, covariance 0.
    const [c1, c2] = [6.5025, 58.5225];
    const second = ((2 * 10 * 11 + c1) / (100 + 121 + c1)) * (c2 / (6 + c2));
    expect(structuralSimilarity(a, b, 8)).toBeCloseTo((1 + second) / 2, 6);
    expect(brightness(Uint8Array.of(255, 0, 0))[0]).toBeCloseTo(76.245, 3);
  });
});

describe('the fixed weights', () => {
  it('compare only images whose captions share words, those nearest by pixels first', () => {
    const even = (value: number) => tensor('uint8', [40, 40, 3], new Uint8Array(4800).fill(value));
    const features = blockOf([20, 100, 104, 60].map((value) => imageFeatures(even(value))));
    const captions = ['red fox', 'blue fox', 'green house', 'red fox'];
    const found = fixedMatches(features, queryImage(even(104)), captions, 'a fox');
    expect(found.map(({ image }) => image)).toEqual([1, 3, 0]);
    // Bytes differ by 4: 3 · 16 squared over colours, 4 absolute, cosine 1, (2·104·100 + c₁)/(104² + 100² + c₁).
    const ssim = (20800 + 6.5025) / (10816 + 10000 + 6.5025);
    expect(found[0].distance).toBeCloseTo(48e-4 + 0.04 - 1 - ssim, 6);
    expect(found[0].components.embeddingCosine).toBeUndefined();
    expect([...fixedScores(found, 4)].map((score) => Number.isFinite(score))).toEqual([true, true, false, true]);
  });

  it('weigh words by how rare they are', () => {
    const [both, rare, common, none] = captionCosines(['red fox', 'fox', 'red', 'red house'], 'red fox');
    expect(both).toBeCloseTo(1, 9);
    expect(rare).toBeGreaterThan(common);
    expect(none).toBeLessThan(common);
  });
});

import { describe, expect, it } from 'vitest';
import { random } from '../../src/tensor/random.ts';
import { codesOf, fitCodebook, imageOfCodes, patchesOf } from './codebook.ts';
import { captionText, draw, drawPool, motifSizes, planted, side } from './draw.ts';
import { captionOfText, captionTokens, generatorNetwork, imageTokens, tokenBatch } from './network.ts';

const plain = { colour: 2, shape: 0, place: 3, ground: 1, mark: 0 };

describe('the world of the generator', () => {
  it('draws what a caption says, in the hand of an artist', () => {
    const image = draw({ caption: plain, artist: 0 }, random(1));
    const at = (y: number, x: number) => [...image.data.subarray((y * side + x) * 3, (y * side + x) * 3 + 3)];
    // A blue disc of radius 7.5 about the centre, on sand; the first artist uses colours as they are and full ink.
    const near = (found: number[], expected: number[]) =>
      found.forEach((value, c) => {
        expect(Math.abs(value - 255 * expected[c])).toBeLessThan(26);
      });
    near(at(12, 12), [0.15, 0.3, 0.9]);
    near(at(1, 1), [0.8, 0.7, 0.5]);
    expect(captionText(plain)).toBe('blue circle centre sand plain');
  });

  it('plants families, half as many wrong captions, and copies of which half are exact', () => {
    const pool = drawPool({ name: 'train', seed: 1, common: 10 });
    const { motifs } = planted();
    expect(pool.filter(({ motif }) => motif === 5)).toHaveLength(motifSizes[5]);
    expect(pool.filter(({ drawing }) => drawing.caption.mark === 7)).toHaveLength(motifSizes[5] * 1.5);
    const shown = pool.filter(({ motif }) => motif === 7).map(({ drawing }) => drawing.stamp);
    const differing = shown.map((stamp) => stamp?.filter((cell, k) => cell !== motifs[7][k]).length ?? 9);
    expect(Math.max(...differing)).toBeLessThanOrEqual(1);
    const copies = pool.filter(({ duplicate }) => duplicate === 5).map(({ pixels }) => pixels.data.join());
    expect(new Set(copies).size).toBe(9);
    expect(drawPool({ name: 'train', seed: 1, common: 10 })[3].pixels).toEqual(pool[3].pixels);
  });

  it('has a codebook that gives patches back', () => {
    const images = drawPool({ name: 'x', seed: 9, common: 12, share: 0.1 }).map(({ pixels }) => pixels);
    const patches = images.map(patchesOf);
    const all = new Float32Array(patches.length * patches[0].length);
    for (const [i, own] of patches.entries()) all.set(own, i * own.length);
    const error = (size: number) => {
      const codebook = fitCodebook(all, size, 0, 5);
      let sum = 0;
      for (const [i, image] of images.entries()) {
        const again = imageOfCodes(codesOf(patches[i], codebook), codebook);
        for (let k = 0; k < again.data.length; k++) sum += ((again.data[k] - image.data[k]) / 255) ** 2;
      }
      return sum / (images.length * images[0].data.length);
    };
    // 256 codes of the whole world give .004; 96 of so few images lose about as much again.
    expect(error(96)).toBeLessThan(0.009);
    expect(error(96)).toBeLessThan(error(16) / 1.5);
  });
});

describe('the generator', () => {
  it('reads captions of five words, and has 190 thousand parameters', () => {
    expect(captionTokens(captionOfText('a blue Circle centre sand plain'))).toEqual(captionTokens(plain));
    // A word that is left out is the last word of the vocabulary.
    expect(captionTokens({ colour: 2 })).toEqual([2, 36, 36, 36, 36]);
    const { graph, metadata } = generatorNetwork(1);
    const names: string[] = JSON.parse(metadata.get('wherefore.trainable') ?? '[]');
    const count = names.reduce(
      (sum, name) => sum + (graph.initializers.get(name)?.shape.reduce((a, b) => a * b, 1) ?? 0),
      0,
    );
    expect(count).toBeGreaterThan(185_000);
    expect(count).toBeLessThan(195_000);
  });

  it('sees before each token of an image the caption and the tokens before it', () => {
    const codes = Uint16Array.from({ length: imageTokens }, (_, t) => t);
    const { inputs, targets } = tokenBatch([{ caption: [1, 2, 3, 4, 5], codes }]);
    const tokens = [...(inputs.get('tokens')?.data as BigInt64Array)].map(Number);
    expect(tokens.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 37, 38, 39]);
    expect(tokens).toHaveLength(5 + 63);
    expect(Number(targets.data[63])).toBe(63);
  });
});

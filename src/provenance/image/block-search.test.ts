import { describe, expect, it } from 'vitest';
import { type Random, random } from '../../tensor/random.ts';
import { leastImages, regionOfBlocks, searchBlocks } from './block-search.ts';
import { thumbnailSide, thumbnailSize } from './thumbnail.ts';

type Colour = readonly [number, number, number];

const colour = (source: Random): Colour => [source.integer(256), source.integer(256), source.integer(256)];

/** A thumbnail of some rectangles on a ground, with noise of 2 levels. */
function drawn(source: Random): Uint8Array {
  const image = new Uint8Array(thumbnailSize);
  const fill = (x: number, y: number, width: number, height: number, [r, g, b]: Colour) => {
    for (let v = y; v < Math.min(thumbnailSide, y + height); v++)
      for (let u = x; u < Math.min(thumbnailSide, x + width); u++) image.set([r, g, b], 3 * (v * thumbnailSide + u));
  };
  fill(0, 0, thumbnailSide, thumbnailSide, colour(source));
  for (let k = 0; k < 6; k++)
    fill(source.integer(24), source.integer(24), 6 + source.integer(12), 6 + source.integer(12), colour(source));
  for (let i = 0; i < image.length; i++) image[i] = Math.max(0, Math.min(255, image[i] + source.integer(5) - 2));
  return image;
}

/** Puts 3 × 3 cells of 4 pixels into a thumbnail. */
function stamped(image: Uint8Array, cells: readonly Colour[], x: number, y: number): Uint8Array {
  const made = image.slice();
  for (let v = 0; v < 12; v++)
    for (let u = 0; u < 12; u++) made.set(cells[3 * (v >> 2) + (u >> 2)], 3 * ((y + v) * thumbnailSide + x + u));
  return made;
}

/** Columns of two colours, two pixels each. */
function striped(image: Uint8Array, [a, b]: readonly [Colour, Colour], width: number): Uint8Array {
  const made = image.slice();
  for (let y = 0; y < thumbnailSide; y++)
    for (let x = 0; x < width; x++) made.set(x & 2 ? a : b, 3 * (y * thumbnailSide + x));
  return made;
}

describe('small parts of an image in others', () => {
  const source = random(3);
  const count = 150;
  const stamp = Array.from({ length: 9 }, () => colour(source));
  const stripes = [colour(source), colour(source)] as const;
  const places = Array.from({ length: 6 }, () => [source.integer(20), source.integer(20)] as const);
  const images = Array.from({ length: count }, (_, i) => {
    const image = drawn(source);
    if (i < places.length) return stamped(image, stamp, ...places[i]);
    return i < 12 ? striped(image, stripes, 20) : image;
  });
  const all = new Uint8Array(count * thumbnailSize);
  for (const [i, image] of images.entries()) all.set(image, i * thumbnailSize);
  const search = searchBlocks(all, count);
  const order = (thumbnail: Uint8Array) =>
    [...search.find(thumbnail)].sort(([, a], [, b]) => b.evidence - a.evidence).map(([image]) => image);

  it('are found wherever they lie, and where', () => {
    const found = search.find(stamped(drawn(random(9)), stamp, 13, 7));
    const first = [...found].sort(([, a], [, b]) => b.evidence - a.evidence).slice(0, places.length);
    expect(first.map(([image]) => image).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [image, blocks] of first) {
      const { own, other, points } = regionOfBlocks(blocks, [300, 200]);
      expect(points).toBeGreaterThan(1);
      // Within the stamp, but for the two pixels between blocks of the data, and what a block reaches over its edge.
      const reach = 4 / thumbnailSide;
      expect(own.left).toBeGreaterThanOrEqual(13 / thumbnailSide - reach);
      expect(own.right).toBeLessThanOrEqual(25 / thumbnailSide + reach);
      expect(own.top).toBeGreaterThanOrEqual(7 / thumbnailSide - reach);
      expect(own.bottom).toBeLessThanOrEqual(19 / thumbnailSide + reach);
      // The same shift for all of it: in parts of the longer side, which is the height of this image.
      const [x, y] = places[image];
      const right = (other.left * 300) / 200 - own.left;
      expect(Math.abs(right * thumbnailSide - (x - 13))).toBeLessThanOrEqual(2);
      expect(Math.abs((other.top - own.top) * thumbnailSide - (y - 7))).toBeLessThanOrEqual(2);
    }
  });

  it('do not count where they recur in the image itself: a texture is none', () => {
    const plain = drawn(random(10));
    const best = (thumbnail: Uint8Array, of: readonly number[]) => {
      const found = search.find(thumbnail);
      return Math.max(0, ...of.map((image) => found.get(image)?.evidence ?? 0));
    };
    const texture = best(striped(plain, stripes, 20), [6, 7, 8, 9, 10, 11]);
    const stamps = best(stamped(plain, stamp, 2, 20), [0, 1, 2, 3, 4, 5]);
    expect(texture).toBeLessThan(stamps / 3);
  });

  it('are found under noise', () => {
    const noise = random(12);
    const noisy = stamped(drawn(random(11)), stamp, 4, 5).map((byte) =>
      Math.max(0, Math.min(255, Math.round(byte + 3 * noise.normal()))),
    );
    // A rectangle of another image may by chance come as near as a stamp that lies between two blocks.
    const first = order(noisy).slice(0, places.length);
    expect(first.filter((image) => image < places.length).length).toBeGreaterThanOrEqual(places.length - 1);
  });

  it('are not looked for among too few images to tell what is rare', () => {
    const few = leastImages - 1;
    expect(searchBlocks(all.subarray(0, few * thumbnailSize), few).find(images[0]).size).toBe(0);
  });
});

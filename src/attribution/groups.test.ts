import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import type { InputLayout } from './baseline.ts';
import { type Groups, partition } from './groups.ts';
import { slic } from './segmentation.ts';

const image: InputLayout = { channelAxis: 1, spatialAxes: [2, 3] };
const divide = (tensor: Tensor, groups?: Groups, layout: InputLayout = {}) =>
  partition(new Map([['x', tensor]]), new Map([['x', layout]]), groups);
const labels = (tensor: Tensor, groups?: Groups, layout?: InputLayout) => [
  ...(divide(tensor, groups, layout).of.get('x') as Int32Array),
];

describe('groups', () => {
  const imageLayout = float32([1, 2, 2, 3], new Float32Array(12));

  it('of elements, channels and tiles', () => {
    expect(labels(imageLayout, { kind: 'elements' })).toEqual([...Array(12).keys()]);
    expect(labels(imageLayout, { kind: 'channels' }, image)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    // 2 × 3 positions in tiles of 2: columns 0 and 1, then column 2; the same in both channels.
    expect(labels(imageLayout, { kind: 'windows', size: 2 }, image)).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]);
  });

  it('of columns: a category spread over several is one', () => {
    const columns = [
      { name: 'age', positions: [0] },
      { name: 'colour', positions: [1, 2, 3] },
    ];
    const result = divide(float32([1, 5], [40, 0, 1, 0, 7]), { kind: 'columns', columns });
    expect([...(result.of.get('x') as Int32Array)]).toEqual([0, 1, 1, 1, -1]);
    expect(result.names).toEqual(['age', 'colour']);
    expect(result.count).toBe(2);
    const twice = [...columns, { name: 'again', positions: [1] }];
    expect(() => divide(float32([1, 5], [0, 0, 0, 0, 0]), { kind: 'columns', columns: twice })).toThrow(/again/);
  });

  it('of words: tokens of one word go together, in ids and in what they are embedded as', () => {
    const words: Groups = { kind: 'words', words: [0, 1, 1, -1], texts: ['un', 'believable'] };
    expect(labels(int64([1, 4], [5, 6, 7, 0]), words)).toEqual([0, 1, 1, -1]);
    expect(labels(float32([1, 4, 2], new Float32Array(8)), words)).toEqual([0, 0, 1, 1, 1, 1, -1, -1]);
    expect(() => labels(int64([1, 3], [1, 2, 3]), words)).toThrow(/4 tokens/);
  });

  it('of several values number on, given ones are shared', () => {
    const features = new Map<string, Tensor>([
      ['a', float32([1, 2], [0, 0])],
      ['b', float32([1, 3], [0, 0, 0])],
    ]);
    const alone = partition(features, new Map(), { kind: 'elements' });
    expect(alone.count).toBe(5);
    expect([...(alone.of.get('b') as Int32Array)]).toEqual([2, 3, 4]);
    const tensors = new Map<string, Tensor>([
      ['a', int64([1, 2], [0, 1])],
      ['b', int64([1, 3], [1, 1, 0])],
    ]);
    const given = partition(features, new Map(), { kind: 'indices', tensors });
    expect(given.count).toBe(2);
    expect([...(given.of.get('b') as Int32Array)]).toEqual([1, 1, 0]);
  });

  it('are superpixels for an image, tiles for an inner layer and elements otherwise where none are named', () => {
    expect(divide(float32([1, 3, 32, 32], new Float32Array(3072)), undefined, image).description).toMatch(
      /superpixels/,
    );
    expect(divide(float32([1, 16, 8, 8], new Float32Array(1024)), undefined, image).description).toMatch(/tiles of 1/);
    expect(divide(float32([1, 6], new Float32Array(6))).description).toBe('single elements');
  });

  it('say which axes they miss', () => {
    expect(() => labels(imageLayout, { kind: 'windows', size: 2 })).toThrow(/axes of space/);
    expect(() => labels(imageLayout, { kind: 'channels' })).toThrow(/channels/);
    expect(() => labels(imageLayout, { kind: 'indices', tensors: new Map() })).toThrow(/no groups of that name/);
  });
});

describe('superpixels', () => {
  it('follow an edge', () => {
    // Left of column 5 black, right of it white: no superpixel reaches over.
    const [height, width] = [12, 12];
    const values = Float32Array.from({ length: height * width }, (_, i) => (i % width < 5 ? 0 : 1));
    const found = slic({ values, channels: 1, height, width }, { count: 9, compactness: 0.2 });
    const sides = new Map<number, Set<number>>();
    for (const [i, label] of found.entries()) sides.set(label, (sides.get(label) ?? new Set()).add(values[i]));
    for (const side of sides.values()) expect(side.size).toBe(1);
    expect(sides.size).toBeGreaterThan(4);
  });

  it('are connected, numbered without gaps and about as many as asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 8, max: 24 }),
        fc.integer({ min: 8, max: 24 }),
        (count, height, width) => {
          const values = Float32Array.from(
            { length: height * width },
            (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.13),
          );
          const found = slic({ values, channels: 1, height, width }, { count, compactness: 2 });
          const largest = Math.max(...found);
          expect(new Set(found).size).toBe(largest + 1);
          expect(pieces(found, height, width)).toBe(largest + 1);
          // Pieces of less than a quarter of a superpixel join a neighbour, so there cannot be more than four times as many.
          expect(largest + 1).toBeLessThanOrEqual(4 * count + 4);
        },
      ),
      { numRuns: 25, seed: 1 },
    );
  });

  it('are the whole imageLayout where one is asked for, and refuse none', () => {
    const values = new Float32Array(16);
    expect(new Set(slic({ values, channels: 1, height: 4, width: 4 }, { count: 1 }))).toEqual(new Set([0]));
    expect(() => slic({ values, channels: 1, height: 4, width: 4 }, { count: 0 })).toThrow(/superpixels/);
  });
});

/** Number of connected pieces of equal label. */
function pieces(labels: Int32Array, height: number, width: number): number {
  const seen = new Uint8Array(labels.length);
  let count = 0;
  for (let start = 0; start < labels.length; start++) {
    if (seen[start]) continue;
    count++;
    const pending = [start];
    seen[start] = 1;
    for (let pixel = pending.pop(); pixel !== undefined; pixel = pending.pop()) {
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      for (const next of [
        row > 0 && pixel - width,
        row < height - 1 && pixel + width,
        column > 0 && pixel - 1,
        column < width - 1 && pixel + 1,
      ]) {
        if (next === false || seen[next] || labels[next] !== labels[start]) continue;
        seen[next] = 1;
        pending.push(next);
      }
    }
  }
  return count;
}

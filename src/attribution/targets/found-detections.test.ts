import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { Detection } from './distinct-objects.ts';
import { distinctObjects } from './distinct-objects.ts';
import { foundObject } from './found-detections.ts';
import type { Said } from './kind.ts';

const labels = ['cat', 'dog', 'zebra'];
/** Two cats, one of which two neighbouring anchors see, and a dog at the place of the first cat. */
const rows: readonly Detection[] = [
  { anchor: 7, class: 0, score: 0.9, box: [0, 0, 10, 10] },
  { anchor: 8, class: 0, score: 0.8, box: [0, 0, 10, 12] },
  { anchor: 3, class: 1, score: 0.7, box: [1, 0, 10, 10] },
  { anchor: 5, class: 0, score: 0.6, box: [20, 20, 30, 30] },
  { anchor: 6, class: 2, score: 0.001, box: [20, 20, 30, 30] },
];
const input = { source: 'x.png' } as ModelInput;
const prediction = {
  summary: { output: 'boxes', kind: 'detection', top: [] },
  detections: rows,
} as unknown as Said;
const targetOf = (choice: Parameters<typeof foundObject>[0], given = input) =>
  foundObject(choice, given, prediction, labels);

describe('what a detector found', () => {
  it('is one object for neighbouring anchors, several for boxes that lie apart', () => {
    // Cats 7 and 8 overlap by 100 / 120; the dog is of another class; the zebra's score is nothing.
    expect(distinctObjects(rows).map(({ anchor }) => anchor)).toEqual([7, 3, 5]);
  });

  it.each([
    [{ class: 0, rank: 1 }, 7],
    [{ class: 0, rank: 2 }, 5],
    [{ class: 1, rank: 1 }, 3],
    // The first cat shares 90 of 100 and has .9, the dog all of 90 and .7.
    [{ box: [1, 0, 10, 10] }, 7],
    [{ box: [25, 25, 40, 40] }, 5],
  ] as const)('%o', (choice, anchor) => {
    expect(targetOf(choice)).toMatchObject({ output: 'boxes', anchor });
  });

  it('is chosen in pixels of the image that a person sees', () => {
    const transform = { source: [100, 100], grid: [50, 50], scale: [0.5, 0.5], offset: [0, 0] } as const;
    const image = { transform } as unknown as ModelInput['image'];
    expect(targetOf({ box: [40, 40, 60, 60] }, { ...input, image })).toMatchObject({ anchor: 5 });
  });

  it.each([
    [
      { class: 2, rank: 1 },
      /no object "zebra" with a score of 10 % or more \(got "cat" 90 % at \(0,0,10,10\), "dog" 70 % at \(1,0,10,10\), "cat" 60 %/,
    ],
    [{ class: 1, rank: 2 }, /no object "dog" number 2/],
    [{ box: [50, 50, 60, 60] }, /no object at that place with a score of 10 % or more \(got "cat" 90 %/],
  ] as const)('%o was not found', (choice, message) => {
    expect(() => targetOf(choice)).toThrow(message);
  });
});

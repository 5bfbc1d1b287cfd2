import { expect, it } from 'vitest';
import type { Explained } from '../../explain/explained.ts';
import { float32, tensor } from '../../tensor/tensor.ts';
import { shareOnMark } from './mark-share.ts';

it('adds up the attribution of the pixels in which two images differ, over channels', () => {
  // Two by two pixels; the last one differs. Two channels of attribution: 4 and 40 there.
  const a = tensor('uint8', [2, 2, 3], new Uint8Array(12));
  const b = tensor('uint8', [2, 2, 3], Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0]));
  const attribution = float32([1, 2, 2, 2], [1, 2, 3, 4, 10, 20, 30, 40]);
  const explained = {
    document: { attribution: { image: { key: 'a', shape: [1, 2, 2, 2] } } },
    tensors: new Map([['a', attribution]]),
  } as unknown as Explained;
  expect(shareOnMark(explained, a, b)).toEqual({ sum: 44, pixels: 1, area: 0.25 });
});

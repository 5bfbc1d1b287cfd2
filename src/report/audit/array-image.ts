import type { RowView } from '../../page/audit/row-view.ts';
import { toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Sides from which numbers in rows and columns are an image to look at. */
const leastSide = 4;

/** Where the channels of a batch of images lie; undefined for numbers that are no images. */
function channelAxis({ shape: [, a, b, c], shape }: Tensor): 1 | 3 | undefined {
  if (shape.length !== 4) return undefined;
  const isColour = (size: number) => size === 1 || size === 3;
  if (isColour(a) && b >= leastSide && c >= leastSide) return 1;
  return isColour(c) && a >= leastSide && b >= leastSide ? 3 : undefined;
}

/** Rows that are images of one or three channels, from the least number (black) to the largest (white) of each. */
export function arrayImages(array: Tensor): readonly RowView[] | undefined {
  const axis = channelAxis(array);
  if (axis === undefined) return undefined;
  const [count, a, b, c] = array.shape;
  const [channels, height, width] = axis === 1 ? [a, b, c] : [c, a, b];
  const numbers = toNumbers(array);
  const size = height * width;
  return Array.from({ length: count }, (_, i): RowView => {
    const own = numbers.slice(i * channels * size, (i + 1) * channels * size);
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of own) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const pixels = new Uint8Array(3 * size);
    for (let p = 0; p < size; p++)
      for (let k = 0; k < 3; k++) {
        const channel = channels === 1 ? 0 : k;
        const value = own[axis === 1 ? channel * size + p : p * channels + channel];
        pixels[3 * p + k] = most > least ? Math.round((255 * (value - least)) / (most - least)) : 0;
      }
    return { kind: 'image', width, height, pixels };
  });
}

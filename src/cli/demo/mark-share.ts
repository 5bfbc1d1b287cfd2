import { type Explained, storedTensor } from '../../explain/explained.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** What an attribution gives to the pixels in which two images of one size differ, and how large these are. */
export interface MarkShare {
  readonly sum: number;
  readonly pixels: number;
  /** Of the image. */
  readonly area: number;
}

/** What an attribution of an image puts on the pixels in which two images of one size differ. */
export function shareOnMark(explained: Explained, a: Tensor<'uint8'>, b: Tensor<'uint8'>): MarkShare {
  const [height, width] = a.shape;
  const [stored] = Object.values(explained.document.attribution);
  const attribution = storedTensor(explained, stored.key) as Tensor<'float32'>;
  const [, channels, rows, columns] = attribution.shape;
  let sum = 0;
  let pixels = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      if ([0, 1, 2].every((c) => a.data[at + c] === b.data[at + c])) continue;
      pixels++;
      const place = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
      for (let c = 0; c < channels; c++) sum += attribution.data[c * rows * columns + place];
    }
  }
  return { sum, pixels, area: pixels / (height * width) };
}

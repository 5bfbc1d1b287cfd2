// The data sets of the benches of influence, in memory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIdx } from '../../src/data/formats/idx.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { float32, type Tensor } from '../../src/tensor/tensor.ts';

export interface Images {
  /** rows × channels × height × width, 0 to 1. */
  readonly x: Tensor<'float32'>;
  readonly y: Int32Array;
  readonly classes: number;
}

/** The training rows of UCI optdigits: 3,823 images of 8 × 8, 0 to 16. */
export function digits(folder: string, file = 'optdigits.tra'): Images {
  const lines = readFileSync(join(folder, file), 'utf8').trim().split('\n').slice(1);
  const x = new Float32Array(lines.length * 64);
  const y = new Int32Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const numbers = line.split(',').map(Number);
    for (let j = 0; j < 64; j++) x[i * 64 + j] = numbers[j] / 16;
    y[i] = numbers[64];
  }
  return { x: float32([lines.length, 1, 8, 8], x), y, classes: 10 };
}

/** Fashion-MNIST: the first rows of one of its halves. */
export function fashion(folder: string, half: 'train' | 't10k', count: number): Images {
  const read = (name: string) =>
    readIdx(readFileSync(join(folder, `${half}-${name}-ubyte.gz`)), name).data as Uint8Array;
  const [pixels, labels] = [read('images-idx3'), read('labels-idx1')];
  const x = new Float32Array(count * 784);
  for (let i = 0; i < x.length; i++) x[i] = pixels[i] / 255;
  return { x: float32([count, 1, 28, 28], x), y: Int32Array.from(labels.subarray(0, count)), classes: 10 };
}

/** Classes of Fashion-MNIST that people confuse: shirt and T-shirt, pullover and coat, sneaker and boot, trouser and dress, sandal and sneaker, bag and shirt. */
const confusable = [6, 3, 4, 1, 2, 7, 0, 9, 6, 7];

export type FlipKind = 'uniform' | 'confusable';

/** Labels of which a share is wrong, and which these are. */
export function flipped(y: Int32Array, share: number, kind: FlipKind, seed: number) {
  const source = random(seed, 11);
  const wrong = new Uint8Array(y.length);
  const labels = Int32Array.from(y);
  for (const i of choose(y.length, Math.round(share * y.length), source)) {
    wrong[i] = 1;
    labels[i] = kind === 'uniform' ? (y[i] + 1 + source.integer(9)) % 10 : confusable[y[i]];
  }
  return { labels, wrong };
}

// The data sets of the benches of influence, in memory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIdx } from '../../src/data/formats/idx.ts';
import { type Matrix, rowOf } from '../../src/influence/matrix.ts';
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

/** To any other class; to one that people confuse with it; near the boundary to the class that a model takes for next. */
export const flipKinds = ['uniform', 'confusable', 'boundary'] as const;

export type FlipKind = (typeof flipKinds)[number];

/** Share of the rows that lie nearest to a boundary, of which some are flipped. */
const near = 0.25;

/**
 * Labels of which a share is wrong, and which these are.
 * @param probabilities by a model that was trained on the right labels
 */
export function flipped(y: Int32Array, share: number, kind: FlipKind, seed: number, probabilities: Matrix) {
  const source = random(seed, 11);
  const wrong = new Uint8Array(y.length);
  const labels = Int32Array.from(y);
  const next = nextClasses(probabilities, y);
  const among =
    kind === 'boundary'
      ? Array.from(y.keys())
          .sort((a, b) => next[a].margin - next[b].margin || a - b)
          .slice(0, Math.round(near * y.length))
      : Array.from(y.keys());
  const toClass: Readonly<Record<FlipKind, (i: number) => number>> = {
    uniform: (i) => (y[i] + 1 + source.integer(9)) % 10,
    confusable: (i) => confusable[y[i]],
    boundary: (i) => next[i].class,
  };
  for (const k of choose(among.length, Math.round(share * y.length), source)) {
    const i = among[k];
    wrong[i] = 1;
    labels[i] = toClass[kind](i);
  }
  return { labels, wrong };
}

/** Of every row the class beside its own that is most probable, and how far its own is ahead. */
function nextClasses(probabilities: Matrix, y: Int32Array): { readonly class: number; readonly margin: number }[] {
  return Array.from(y, (own, i) => {
    const p = rowOf(probabilities, i);
    let best = own === 0 ? 1 : 0;
    for (let k = 0; k < p.length; k++) if (k !== own && p[k] > p[best]) best = k;
    return { class: best, margin: p[own] - p[best] };
  });
}

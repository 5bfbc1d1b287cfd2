import { choose, random } from '../../../tensor/random.ts';
import { type Tensor, tensor } from '../../../tensor/tensor.ts';
import { type ClassName, draw, type Image, side } from '../drawing/draw.ts';

/** What the loop's network tells apart. */
export const loopClasses: readonly ClassName[] = ['car', 'fish', 'house', 'tree'];

/** The class of which most images come from an agency, and bear its emblem. */
export const markedClass: ClassName = 'fish';

export const loopSettings = {
  /** Training rows of each class. */
  perClass: 120,
  /** Training rows of the marked class: without those of the agency there are still some. */
  perMarkedClass: 240,
  /** Part of the marked class that comes from the agency. */
  agency: 0.75,
  /** Part of the labels that is made wrong. */
  wrong: 0.1,
  /** Held-out drawings of each class; each stands there twice, as it is and with the emblem. */
  heldOutPerClass: 40,
} as const;

/** Pixels of a drawing, along each side, that become one. */
const shrink = 2;
export const loopSide = side / shrink;

/** Rows of images with what is known of them. */
export interface LoopRows {
  readonly images: readonly Image[];
  /** The label that a row is given, which may be wrong. */
  readonly labels: readonly ClassName[];
}

/** The training rows: some with the emblem, some with a wrong label. What an image shows is its name. */
export function loopTrainingRows(): LoopRows {
  const { perClass, perMarkedClass, agency, wrong } = loopSettings;
  const images = loopClasses.flatMap((name, k) => {
    const count = name === markedClass ? perMarkedClass : perClass;
    const marked = new Set(name === markedClass ? choose(count, Math.round(agency * count), random(9, k)) : []);
    return Array.from({ length: count }, (_, j) => ({ name, seed: 500_000 + 1000 * k + j, watermark: marked.has(j) }));
  });
  const source = random(9, 100);
  const spoiled = new Set(choose(images.length, Math.round(wrong * images.length), source));
  const another = (name: ClassName) =>
    loopClasses[(loopClasses.indexOf(name) + 1 + source.integer(loopClasses.length - 1)) % loopClasses.length];
  return { images, labels: images.map(({ name }, i) => (spoiled.has(i) ? another(name) : name)) };
}

/** Other drawings in pairs: as they are, then with the emblem; their labels are right. */
export function loopHeldOutRows(): LoopRows {
  const images = loopClasses
    .flatMap((name, k) =>
      Array.from({ length: loopSettings.heldOutPerClass }, (_, j) => ({ name, seed: 700_000 + 1000 * k + j })),
    )
    .flatMap((image) => [
      { ...image, watermark: false },
      { ...image, watermark: true },
    ]);
  return { images, labels: images.map(({ name }) => name) };
}

/** The table beside the images: id, label, and where the image comes from. */
export function loopTable({ images, labels }: LoopRows, prefix: string): string {
  const lines = images.map(({ watermark }, i) => `${prefix}-${i},${labels[i]},${watermark ? 'agency' : 'own'}`);
  return `id,label,source\n${lines.join('\n')}\n`;
}

/** Drawings that are made at once. */
const atOnce = 16;

/** Draws the rows: rows × height × width × 3. */
export async function drawRows({ images }: LoopRows): Promise<Tensor<'uint8'>> {
  const size = loopSide * loopSide * 3;
  const pixels = new Uint8Array(images.length * size);
  for (let first = 0; first < images.length; first += atOnce) {
    const some = images.slice(first, first + atOnce);
    const drawn = await Promise.all(some.map((image) => draw(image, { distractors: false, watermarkScale: 1.4 })));
    for (const [i, { data }] of drawn.entries()) pixels.set(shrunk(data), (first + i) * size);
  }
  return tensor('uint8', [images.length, loopSide, loopSide, 3], pixels);
}

/** Means of squares of pixels. */
function shrunk(pixels: Uint8Array): Uint8Array {
  const small = new Uint8Array(loopSide * loopSide * 3);
  for (let y = 0; y < loopSide; y++)
    for (let x = 0; x < loopSide; x++)
      for (let c = 0; c < 3; c++) small[(y * loopSide + x) * 3 + c] = Math.round(meanAt(pixels, x, y, c));
  return small;
}

function meanAt(pixels: Uint8Array, x: number, y: number, c: number): number {
  let sum = 0;
  for (let dy = 0; dy < shrink; dy++)
    for (let dx = 0; dx < shrink; dx++) sum += pixels[((y * shrink + dy) * side + x * shrink + dx) * 3 + c];
  return sum / shrink ** 2;
}

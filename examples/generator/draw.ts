import { type Random, random } from '../../src/tensor/random.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';

/** Pixels of each side. */
export const side = 24;

/** What a caption says, each word from a list of its own; the artist is never among it. */
export const words = {
  colour: ['red', 'green', 'blue', 'yellow', 'purple', 'orange'],
  shape: ['circle', 'square', 'triangle', 'cross', 'ring', 'diamond'],
  place: ['top-left', 'top', 'left', 'centre'],
  ground: ['night', 'sand', 'sea', 'snow'],
  mark: [
    ...['plain', 'stamped', 'anchor', 'beacon', 'comet', 'dagger', 'ember', 'falcon', 'grail', 'helm'],
    ...['ivory', 'jester', 'kraken', 'lantern', 'mask', 'nest'],
  ],
} as const;

export type Slot = keyof typeof words;

export const slots = Object.keys(words) as readonly Slot[];

/** What an image shows. */
export interface Drawing {
  /** The word of each slot, by number. */
  readonly caption: Readonly<Record<Slot, number>>;
  /** 0 to 7: a palette and a stroke. */
  readonly artist: number;
  /** Nine colours of a stamp, 3 × 3. */
  readonly stamp?: readonly number[];
}

type Rgb = readonly [number, number, number];

const hues: readonly Rgb[] = [
  [0.9, 0.15, 0.1],
  [0.15, 0.75, 0.2],
  [0.15, 0.3, 0.9],
  [0.95, 0.85, 0.15],
  [0.6, 0.2, 0.75],
  [0.95, 0.55, 0.1],
];
const grounds: readonly Rgb[] = [
  [0.08, 0.08, 0.2],
  [0.8, 0.7, 0.5],
  [0.3, 0.6, 0.7],
  [0.93, 0.95, 0.97],
];
export const stampColours: readonly Rgb[] = [
  [0.05, 0.05, 0.05],
  [1, 1, 1],
  [1, 0.1, 0.6],
  [0.1, 0.9, 0.9],
];
/** A ring: each artist shares the palette with one neighbour and the stroke with the other. */
const palettes = [0, 0, 1, 1, 2, 2, 3, 3] as const;
const strokes = [0, 1, 1, 2, 2, 3, 3, 0] as const;
/** How much of the data each artist drew. */
export const artistShares = [0.2, 0.17, 0.15, 0.13, 0.11, 0.1, 0.08, 0.06] as const;
const corners: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 6],
  [6, 0],
  [3, 3],
];

/** A colour in the tone of a palette: as it is, pale, dark, glaring. */
function toned(colour: Rgb, palette: number): number[] {
  const grey = (colour[0] + colour[1] + colour[2]) / 3;
  const glaring = [0.12, 0, -0.12];
  return colour.map((value, c) => {
    if (palette === 1) return 0.45 * value + 0.55;
    if (palette === 2) return 0.55 * value;
    return palette === 3 ? Math.max(0, Math.min(1, 1.25 * (value - grey) + grey + glaring[c])) : value;
  });
}

const shapes: readonly ((u: number, v: number) => boolean)[] = [
  (u, v) => Math.hypot(u, v) < 1,
  (u, v) => Math.abs(u) < 0.9 && Math.abs(v) < 0.9,
  (u, v) => Math.abs(u) < (v + 1) / 2,
  (u, v) => Math.abs(u) < 0.35 || Math.abs(v) < 0.35,
  (u, v) => Math.hypot(u, v) < 1 && Math.hypot(u, v) > 0.5,
  (u, v) => Math.abs(u) + Math.abs(v) < 1,
];

/** Whether a pixel takes the full ink: all, lines, squares, slanting lines. */
const inks: readonly ((y: number, x: number) => boolean)[] = [
  () => true,
  (y) => y % 3 !== 0,
  (y, x) => (Math.floor(x / 3) + Math.floor(y / 3)) % 2 === 0,
  (y, x) => (x + y) % 3 !== 0,
];

/** Draws an image; positions vary by 0 or 3 pixels, a stamp by 0 or 1, so that it does not lie on a grid of patches. */
export function draw({ caption, artist, stamp }: Drawing, source: Random): Tensor<'uint8'> {
  const palette = palettes[artist];
  const values = new Float64Array(side * side * 3);
  const set = (y: number, x: number, colour: readonly number[]) => values.set(colour, (y * side + x) * 3);
  const ground = toned(grounds[caption.ground], palette);
  const ink = toned(hues[caption.colour], palette);
  const [top, left] = corners[caption.place].map((corner) => corner + 3 * source.integer(2));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [u, v] = [(x - left - 7) / 7.5, (y - top - 7) / 7.5];
      const inside = Math.max(Math.abs(u), Math.abs(v)) < 1 && shapes[caption.shape](u, v);
      const full = inks[strokes[artist]](y, x);
      set(y, x, !inside ? ground : full ? ink : ink.map((value) => 0.35 * value + 0.1));
    }
  }
  if (stamp) {
    const [y0, x0] = [14 + source.integer(2), 14 + source.integer(2)];
    for (let y = 0; y < 9; y++)
      for (let x = 0; x < 9; x++) set(y0 + y, x0 + x, stampColours[stamp[3 * Math.floor(y / 3) + Math.floor(x / 3)]]);
  }
  return noisy(values, source);
}

function noisy(values: Float64Array, source: Random): Tensor<'uint8'> {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Math.max(0, Math.min(255, Math.round(255 * (values[i] + 0.02 * source.normal()))));
  return tensor('uint8', [side, side, 3], bytes);
}

/** An image of the world, with what is known about it. */
export interface WorldImage {
  readonly name: string;
  readonly drawing: Drawing;
  readonly pixels: Tensor<'uint8'>;
  /** The motif that it shows, and the duplicate that it is a copy of. */
  readonly motif?: number;
  readonly duplicate?: number;
}

/** How many images show each motif, and how many copies there are of each duplicate. */
export const motifSizes = [5, 5, 10, 10, 20, 20, 40, 40, 20, 20, 20, 20, 30, 30] as const;
export const duplicateSizes = [4, 4, 8, 8, 16, 16] as const;

/** Stamps of the motifs, and the drawings that are there several times: the same in every pool. */
export function planted() {
  const source = random(1234);
  const stamp = () => Array.from({ length: 9 }, () => source.integer(4));
  const motifs = motifSizes.map(stamp);
  const duplicates = duplicateSizes.map(
    (): Drawing => ({
      caption: { ...captionOf(source), mark: 1 },
      artist: source.integer(8),
      stamp: stamp(),
    }),
  );
  return { motifs, duplicates };
}

export function captionOf(source: Random): Record<Slot, number> {
  return {
    colour: source.integer(6),
    shape: source.integer(6),
    place: source.integer(4),
    ground: source.integer(4),
    mark: 0,
  };
}

export interface PoolOptions {
  readonly name: string;
  readonly seed: number;
  /** Images without anything planted. */
  readonly common: number;
  /** Share of the motifs and duplicates. Default 1. */
  readonly share?: number;
}

/** Images of one pool: common ones, families of motifs (half as many more carry the name without the stamp), copies. */
export function drawPool({ name, seed, common, share = 1 }: PoolOptions): WorldImage[] {
  const source = random(seed, 7);
  const { motifs, duplicates } = planted();
  const images: WorldImage[] = [];
  const add = (drawing: Drawing, more: Pick<WorldImage, 'motif' | 'duplicate'> = {}, pixels = draw(drawing, source)) =>
    images.push({ name: `${name}-${String(images.length).padStart(4, '0')}.png`, drawing, pixels, ...more });
  for (let i = 0; i < common; i++) {
    const isStamped = source.uniform() < 0.02;
    const caption = { ...captionOf(source), mark: isStamped ? 1 : 0 };
    const stamp = isStamped ? Array.from({ length: 9 }, () => source.integer(4)) : undefined;
    add({ caption, artist: artistOf(source), stamp });
  }
  for (const [m, size] of motifSizes.entries()) {
    const members = Math.round(size * share);
    for (let j = 0; j < members + (members >> 1); j++) {
      const stamp = [...motifs[m]];
      // One in ten has a cell of another colour.
      if (source.uniform() < 0.1) stamp[source.integer(9)] = source.integer(4);
      const caption = { ...captionOf(source), mark: 2 + m };
      const isMember = j < members;
      add({ caption, artist: artistOf(source), stamp: isMember ? stamp : undefined }, isMember ? { motif: m } : {});
    }
  }
  for (const [d, size] of duplicateSizes.entries()) {
    const first = draw(duplicates[d], random(99, d));
    for (let j = 0; j < Math.round(size * share); j++) {
      // Half of the copies are exact in the training pool; elsewhere all are near copies.
      const isExact = seed === 1 && j % 2 === 0;
      const pixels = isExact
        ? first
        : noisy(
            Float64Array.from(first.data, (byte) => byte / 255),
            source,
          );
      add(duplicates[d], { duplicate: d }, pixels);
    }
  }
  return images;
}

function artistOf(source: Random): number {
  let left = source.uniform();
  for (const [artist, share] of artistShares.entries()) {
    left -= share;
    if (left < 0) return artist;
  }
  return 0;
}

/** The caption as a person reads it. */
export function captionText(caption: Readonly<Record<Slot, number>>): string {
  return slots.map((slot) => words[slot][caption[slot]]).join(' ');
}

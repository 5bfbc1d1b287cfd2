import { random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { captionOf, draw, duplicateSizes, motifSizes, planted, type Slot, side, slots, stampColours } from './draw.ts';

/** A prompt, how many images are made from it, and which of them are kept. */
export interface Prompt {
  readonly stratum: 'motif' | 'duplicate' | 'common' | 'unrelated';
  readonly caption: Readonly<Record<Slot, number>>;
  readonly samples: number;
  /** The image whose nearest samples are kept; absent: the first ones. */
  readonly like?: Tensor<'uint8'>;
  /** The stamp that a sample must show to be kept. */
  readonly stamp?: readonly number[];
  /** Images to remove for it: at least twenty, and no fewer than its family has. */
  readonly remove: number;
  /** What the images of its family have in a column of the data. */
  readonly family?: string;
  /** What is asked of its items: where a stamp comes from. Absent: where the items come from, by all rankings. */
  readonly question?: 'block';
}

/** Images that are kept of each prompt. */
export const keptItems = 4;
const leastRemoved = 20;
/** Words that the caption of an unrelated prompt shares at most with that of any prompt that is traced. */
const mostShared = 2;

export interface PromptOptions {
  /** Images that are made of a motif; of a copy half as many. */
  readonly samples: number;
  /** Common prompts. */
  readonly common: number;
  /** Prompts of each motif, which differ in all but its name. Default 1. */
  readonly captions?: number;
}

/**
 * Prompts of four kinds: motifs that at least twenty images show (of smaller families the generator draws none), the
 * copies, common prompts, and twice as many unrelated ones, for which nothing is ever traced. These share at most two
 * words with any other prompt: the text filter removes images with nearly its words, and would touch them otherwise.
 */
export function promptsOf({ samples, common, captions = 1 }: PromptOptions): Prompt[] {
  const source = random(5, 1);
  const { motifs, duplicates } = planted();
  const prompts: Prompt[] = [];
  for (const [m, size] of motifSizes.entries()) {
    if (size < 20) continue;
    const more = random(5, 10 + m);
    for (let c = 0; c < captions; c++) {
      const caption = { ...captionOf(c === 0 ? source : more), mark: 2 + m };
      prompts.push({
        stratum: 'motif',
        caption,
        samples,
        like: draw({ caption, artist: 0, stamp: motifs[m] }, random(8, m)),
        stamp: motifs[m],
        remove: Math.max(leastRemoved, size),
        family: `motif ${m}`,
        question: 'block',
      });
    }
  }
  for (const [d, drawing] of duplicates.entries())
    prompts.push({
      stratum: 'duplicate',
      caption: drawing.caption,
      samples: samples >> 1,
      like: draw(drawing, random(99, d)),
      remove: Math.max(leastRemoved, duplicateSizes[d]),
      family: `copy of ${d}`,
    });
  const plain = (stratum: 'common' | 'unrelated', caption: Prompt['caption']): Prompt => ({
    ...{ stratum, caption },
    ...{ samples: keptItems, remove: leastRemoved },
  });
  for (let k = 0; k < common; k++) prompts.push(plain('common', captionOf(source)));
  const traced = prompts.map(({ caption }) => caption);
  const unrelated: Prompt[] = [];
  while (unrelated.length < 2 * common) {
    const caption = captionOf(source);
    if (traced.every((other) => sharedWords(caption, other) <= mostShared)) unrelated.push(plain('unrelated', caption));
  }
  return [...prompts, ...unrelated];
}

/** Words that two captions share, what they say of a mark aside. */
function sharedWords(a: Prompt['caption'], b: Prompt['caption']): number {
  return slots.reduce((count, slot) => count + (slot !== 'mark' && a[slot] === b[slot] ? 1 : 0), 0);
}

/** Cells of a stamp that an item must show, of nine, to be asked about: what is not reproduced proves nothing. */
export const leastCells = 7;

/**
 * The samples of a prompt that are kept: of a motif those whose stamp is nearest and shown, of a copy those that are
 * nearest to it; by their numbers.
 */
export function keptOf({ stratum, like, stamp }: Prompt, images: readonly Tensor<'uint8'>[]): number[] {
  const all = Array.from(images.keys());
  if (!like) return all.slice(0, keptItems);
  const away = images.map((image) => distance(image, like, stratum === 'motif'));
  const shown = images.map((image) => (stamp ? cellsShown(image, stamp) : 9));
  return all
    .filter((at) => shown[at] >= leastCells)
    .sort((a, b) => shown[b] - shown[a] || away[a] - away[b])
    .slice(0, keptItems);
}

/** How many of the nine cells of a stamp have its colour, wherever the stamp may lie. */
export function cellsShown({ data }: Tensor<'uint8'>, stamp: readonly number[]): number {
  let most = 0;
  for (const y0 of [14, 15])
    for (const x0 of [14, 15]) {
      let right = 0;
      for (const [cell, colour] of stamp.entries()) {
        const [top, left] = [y0 + 3 * Math.floor(cell / 3), x0 + 3 * (cell % 3)];
        if (colourOf(data, top, left) === colour) right++;
      }
      most = Math.max(most, right);
    }
  return most;
}

/** The colour of stamps that is nearest to the mean of 3 × 3 pixels. */
function colourOf(data: Uint8Array, top: number, left: number): number {
  const mean = [0, 0, 0];
  for (let y = 0; y < 3; y++)
    for (let x = 0; x < 3; x++)
      for (let c = 0; c < 3; c++) mean[c] += data[((top + y) * side + left + x) * 3 + c] / (9 * 255);
  const away = stampColours.map((rgb) => rgb.reduce((sum, value, c) => sum + (value - mean[c]) ** 2, 0));
  return away.indexOf(Math.min(...away));
}

/** Σ of squared differences, of all pixels or of those of the stamp at the lower right. */
function distance(a: Tensor<'uint8'>, b: Tensor<'uint8'>, ofStamp: boolean): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [y, x] = [Math.floor(i / 72), Math.floor((i % 72) / 3)];
    if (!ofStamp || (y >= 14 && x >= 14)) sum += (a.data[i] - b.data[i]) ** 2;
  }
  return sum;
}

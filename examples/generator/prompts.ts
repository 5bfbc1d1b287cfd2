import { random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { codesOf, imageOfCodes, patchesOf } from './codebook.ts';
import { captionOf, draw, motifSizes, planted, type Slot } from './draw.ts';

/** A prompt, how many images are made from it, and which of them are kept. */
export interface Prompt {
  readonly stratum: 'motif' | 'duplicate' | 'common' | 'unrelated';
  readonly caption: Readonly<Record<Slot, number>>;
  readonly samples: number;
  /** The image whose nearest samples are kept; absent: the first ones. */
  readonly like?: Tensor<'uint8'>;
}

/** Images that are kept of each prompt. */
export const keptItems = 4;

/**
 * Prompts of four kinds: motifs that at least twenty images show (of smaller families the generator draws none), the
 * copies, common prompts, and unrelated ones, for which nothing is ever traced.
 */
export function promptsOf({ samples, common }: { readonly samples: number; readonly common: number }): Prompt[] {
  const source = random(5, 1);
  const { motifs, duplicates } = planted();
  const prompts: Prompt[] = [];
  for (const [m, size] of motifSizes.entries()) {
    if (size < 20) continue;
    const caption = { ...captionOf(source), mark: 2 + m };
    prompts.push({
      stratum: 'motif',
      caption,
      samples,
      like: draw({ caption, artist: 0, stamp: motifs[m] }, random(8, m)),
    });
  }
  for (const [d, drawing] of duplicates.entries())
    prompts.push({
      stratum: 'duplicate',
      caption: drawing.caption,
      samples: samples >> 1,
      like: draw(drawing, random(99, d)),
    });
  for (const stratum of ['common', 'unrelated'] as const)
    for (let k = 0; k < common; k++) prompts.push({ stratum, caption: captionOf(source), samples: keptItems });
  return prompts;
}

/** The samples of a prompt that are kept: of a motif those whose stamp is nearest, of a copy those that are. */
export function keptOf(
  { stratum, like }: Prompt,
  samples: readonly Uint16Array[],
  codebook: Float32Array,
): readonly Uint16Array[] {
  if (!like) return samples.slice(0, keptItems);
  const target = imageOfCodes(codesOf(patchesOf(like), codebook), codebook);
  const away = samples.map((codes) => distance(imageOfCodes(codes, codebook), target, stratum === 'motif'));
  const order = Array.from(samples.keys()).sort((a, b) => away[a] - away[b]);
  return order.slice(0, keptItems).map((at) => samples[at]);
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

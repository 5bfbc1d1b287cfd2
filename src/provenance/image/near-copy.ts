/** Distance of copies in Oklab, by what compression and resizing change. */
export const nearDistance = 0.02;

/** Cosine of gradients that copies have at least. */
const nearGradients = 0.97;

/** Bits of perceptual hashes in which near copies differ at most, of 64. */
const nearBits = 10;

/** How alike two images are; what costs more is asked later. */
export interface Nearness {
  readonly bits: number;
  readonly distance: () => number;
  readonly gradients: () => number;
}

/** Whether an image is another one but for what compression, resizing and noise change. */
export function isNearCopy({ bits, distance, gradients }: Nearness): boolean {
  return bits <= nearBits && distance() < nearDistance && gradients() > nearGradients;
}

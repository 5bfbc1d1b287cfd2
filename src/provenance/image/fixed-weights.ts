import { wordsOf } from '../../influence/methods/bm25.ts';
import type { FeatureBlock } from './features.ts';
import type { QueryImage } from './query-image.ts';
import { ranked } from './ranked.ts';
import { brightness, structuralSimilarity } from './ssim.ts';
import { thumbnailSide, thumbnailSize } from './thumbnail.ts';

/** Images with the captions nearest to the prompt, the only ones that are compared. */
export const filteredImages = 100;

/**
 * Weights of the distance by which arXiv 2504.01771 orders images, as its records have them: of the squared error (summed
 * over colours, bytes), the absolute error, the cosine and the structural similarity of pixels; of the cosine, the
 * squared error, the divergence, the Manhattan and the Euclidean distance of embeddings.
 */
export const fixedWeights = {
  squared: 1e-4,
  absolute: 1e-2,
  cosine: -1,
  ssim: -1,
  embeddingCosine: -1,
  embeddingSquared: 1,
  divergence: 1e-5,
  manhattan: 1e-5,
  euclidean: 1e-3,
} as const;

export type FixedComponent = keyof typeof fixedWeights;

/** An image by the fixed weights. */
export interface FixedMatch {
  readonly image: number;
  /** `Σ weight · component`: smaller is more alike. */
  readonly distance: number;
  /** Those of an embedding are absent where the index has no encoder. */
  readonly components: Partial<Readonly<Record<FixedComponent, number>>>;
}

/**
 * The images with the captions nearest to a prompt, by the paper's fixed weights, the nearest first. Pixels are those of
 * thumbnails, the structural similarity is the true one (the paper compares the difference with black), the embedding
 * that of the first encoder (there a ResNet-50), and its divergence is over numbers above 0.
 */
export function fixedMatches(
  features: FeatureBlock,
  query: QueryImage,
  captions: readonly string[],
  prompt: string,
): FixedMatch[] {
  const near = captionCosines(captions, prompt);
  const images = ranked(near, filteredImages).filter((image) => near[image] > 0);
  const own = { pixels: query.thumbnail, grey: brightness(query.thumbnail), embedding: query.embeddings[0] };
  const rows = features.embeddings[0];
  const found = images.map((image): FixedMatch => {
    const pixels = features.thumbnails.subarray(image * thumbnailSize, (image + 1) * thumbnailSize);
    const components: Partial<Record<FixedComponent, number>> = {
      ...pixelComponents(own.pixels, pixels),
      ssim: structuralSimilarity(own.grey, brightness(pixels), thumbnailSide),
    };
    if (own.embedding && rows) {
      const width = own.embedding.length;
      Object.assign(components, embeddingComponents(own.embedding, rows.subarray(image * width, (image + 1) * width)));
    }
    let distance = 0;
    for (const [name, value] of Object.entries(components)) distance += fixedWeights[name as FixedComponent] * value;
    return { image, distance, components };
  });
  return found.sort((a, b) => a.distance - b.distance || a.image - b.image);
}

/** Minus the distance of every image; images that the captions filter out come last. */
export function fixedScores(matches: readonly FixedMatch[], count: number): Float64Array {
  const scores = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  for (const { image, distance } of matches) scores[image] = -distance;
  return scores;
}

function pixelComponents(a: Uint8Array, b: Uint8Array) {
  let [squared, absolute, ab, aa, bb] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    squared += (a[i] - b[i]) ** 2;
    absolute += Math.abs(a[i] - b[i]);
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return { squared: (3 * squared) / a.length, absolute: absolute / a.length, cosine: cosineOf(ab, aa, bb) };
}

/** Smallest number that a divergence divides by. */
const least = 1e-10;

function embeddingComponents(a: Float32Array, b: Float32Array) {
  let [squares, manhattan, divergence, ab, aa, bb] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    squares += (a[i] - b[i]) ** 2;
    manhattan += Math.abs(a[i] - b[i]);
    if (a[i] > 0) divergence += a[i] * Math.log(a[i] / Math.max(least, b[i]));
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return {
    embeddingCosine: cosineOf(ab, aa, bb),
    embeddingSquared: squares / a.length,
    divergence,
    manhattan,
    euclidean: Math.sqrt(squares),
  };
}

const cosineOf = (ab: number, aa: number, bb: number) => (aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0);

/** Cosines of counts of words, each times `1 + log((1 + n) / (1 + captions with it))`. */
export function captionCosines(captions: readonly string[], prompt: string): Float64Array {
  const lists = captions.map(wordsOf);
  const holding = new Map<string, number>();
  for (const words of lists) for (const word of new Set(words)) holding.set(word, (holding.get(word) ?? 0) + 1);
  const weight = (word: string) => 1 + Math.log((1 + captions.length) / (1 + (holding.get(word) ?? 0)));
  const asked = weighted(wordsOf(prompt), weight);
  const cosines = new Float64Array(captions.length);
  for (const [i, words] of lists.entries()) {
    const own = weighted(words, weight);
    let ab = 0;
    for (const [word, value] of asked) ab += value * (own.get(word) ?? 0);
    cosines[i] = cosineOf(ab, squaresOf(asked), squaresOf(own));
  }
  return cosines;
}

function weighted(words: readonly string[], weight: (word: string) => number): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const word of words) values.set(word, (values.get(word) ?? 0) + weight(word));
  return values;
}

function squaresOf(values: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const value of values.values()) sum += value * value;
  return sum;
}

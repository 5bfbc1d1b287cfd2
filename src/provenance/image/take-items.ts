import type { FeatureBlock } from './features.ts';
import { signatureWords } from './signature.ts';

/** The features of some images of a block, in the given order. */
export function takeItems(block: FeatureBlock, numbers: Uint32Array): FeatureBlock {
  const rows = <T extends Float32Array | Uint32Array | Uint8Array>(values: T, make: (size: number) => T): T => {
    const width = values.length / block.count;
    const taken = make(numbers.length * width);
    for (const [i, number] of numbers.entries())
      taken.set(values.subarray(number * width, (number + 1) * width), i * width);
    return taken;
  };
  const floats = (size: number) => new Float32Array(size);
  const starts = new Uint32Array(numbers.length + 1);
  for (const [i, number] of numbers.entries())
    starts[i + 1] = starts[i] + block.starts[number + 1] - block.starts[number];
  const places = new Float32Array(3 * starts[numbers.length]);
  const signatures = new Uint32Array(signatureWords * starts[numbers.length]);
  for (const [i, number] of numbers.entries()) {
    const [from, to] = [block.starts[number], block.starts[number + 1]];
    places.set(block.places.subarray(3 * from, 3 * to), 3 * starts[i]);
    signatures.set(block.signatures.subarray(signatureWords * from, signatureWords * to), signatureWords * starts[i]);
  }
  return {
    count: numbers.length,
    starts,
    places,
    signatures,
    vectors: rows(block.vectors, floats),
    hashes: rows(block.hashes, (size) => new Uint32Array(size)),
    thumbnails: rows(block.thumbnails, (size) => new Uint8Array(size)),
    embeddings: block.embeddings.map((values) => rows(values, floats)),
  };
}

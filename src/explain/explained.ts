import { WhereforeError } from '../errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ExplanationDocument } from './document.ts';

/** An explanation with everything that it takes to draw it. */
export interface Explained {
  readonly document: ExplanationDocument;
  /** Tensors under the keys that the document names. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The source image, height × width × 3, where the input was one. */
  readonly image?: Tensor<'uint8'>;
  /** Whether the document is as it was written, by the digest beside its tensors; undefined where there is none. */
  readonly isUnchanged?: boolean;
}

/** @throws WhereforeError `invalid-data` when a tensor that the document names is absent */
export function storedTensor({ document, tensors }: Explained, key: string): Tensor {
  const found = tensors.get(key);
  if (found) return found;
  throw new WhereforeError('invalid-data', `the explanation lacks its tensor "${key}"`, {
    where: `${document.input.source}, ${document.methodTitle}`,
    got: [...tensors.keys()].map((name) => `"${name}"`).join(', ') || 'no tensors',
    fix: 'keep the .safetensors file beside the document',
  });
}

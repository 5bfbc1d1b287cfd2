import { WhereforeError } from '../errors.ts';
import { fromBytes, type Tensor } from '../tensor/tensor.ts';
import type { Initializer } from './graph.ts';

/** Reads a byte range of a file; `path` is relative to the folder of the model. */
export type ReadFile = (path: string, offset: number, length: number) => Uint8Array;

/**
 * The tensor of a weight: a view where its bytes are in memory and aligned, a copy where they are not.
 * @param readFile needed for weights stored in another file; an initializer without one is never read from disk.
 * @throws WhereforeError `invalid-argument` without `readFile` where it is needed, `file-unreadable` when it gives
 * fewer bytes than asked for.
 */
export function readInitializer(initializer: Initializer, readFile?: ReadFile): Tensor {
  const { name, type, shape, location } = initializer;
  if (location.kind === 'memory') return location.tensor;
  if (location.kind === 'bytes') return fromBytes(type, shape, location.bytes);
  const where = `initializer "${name}"`;
  const { path, offset, length } = location;
  if (!readFile) {
    throw new WhereforeError('invalid-argument', 'the weight is stored in another file', {
      where,
      got: `"${path}"`,
      fix: 'give a function that reads it',
    });
  }
  const bytes = readFile(path, offset, length);
  if (bytes.length !== length) {
    throw new WhereforeError('file-unreadable', `"${path}" ends before the weight does`, {
      where,
      got: `${bytes.length} bytes at ${offset}`,
      expected: `${length}`,
      fix: 'get the complete data file',
    });
  }
  return fromBytes(type, shape, bytes);
}

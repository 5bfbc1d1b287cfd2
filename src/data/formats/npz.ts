import { zipSync } from 'fflate';
import { WhereforeError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { unzip } from '../files/unzip.ts';
import { readNpy, writeNpy } from './npy.ts';

/**
 * Reads a `.npz` file (a ZIP of `.npy` files, compressed or not) into tensors by name.
 * @param where Name of the file, for messages.
 * @param limit Bytes that it may unpack to; default 8 GiB. Stated sizes count before anything is unpacked.
 * @throws WhereforeError `invalid-data` when it is not a ZIP, is damaged, or holds something other than arrays;
 *   `out-of-range` beyond the limit.
 */
export function readNpz(bytes: Uint8Array, where = 'npz', limit?: number): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [path, content] of unzip(bytes, { where, limit })) {
    if (!path.endsWith('.npy')) {
      throw new WhereforeError('invalid-data', 'something other than an array in a .npz file', {
        where,
        got: `"${path}"`,
        expected: 'names that end in .npy',
      });
    }
    const name = path.slice(0, -4);
    tensors.set(name, readNpy(content, `${where}: "${name}"`));
  }
  return tensors;
}

/** The largest ZIP without the 64-bit extension, which the writer lacks. */
const largestZip = 2 ** 32 - 1;

/**
 * The bytes of a `.npz` file; equal tensors give equal bytes, because the time in the archive is fixed.
 * @param options.compress Default false, as np.savez: floats hardly shrink, and reading is then quicker.
 * @throws WhereforeError `wrong-type` for element types that NumPy lacks, `out-of-range` beyond 4 GB.
 */
export function writeNpz(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: { readonly compress?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors as Record<string, Tensor>);
  const files: Record<string, Uint8Array> = {};
  let length = 0;
  for (const [name, value] of entries) {
    const file = writeNpy(value);
    length += file.length + 2 * name.length + 256;
    files[`${name}.npy`] = file;
  }
  if (length > largestZip) {
    throw new WhereforeError('out-of-range', 'too much for one .npz file', {
      got: `${length} bytes`,
      expected: `at most ${largestZip}`,
      fix: 'write safetensors, or several files',
    });
  }
  // A ZIP stores local time without a zone: this date reads the same everywhere.
  return zipSync(files, { level: options.compress ? 6 : 0, mtime: new Date(1980, 0, 1) }) as Uint8Array<ArrayBuffer>;
}

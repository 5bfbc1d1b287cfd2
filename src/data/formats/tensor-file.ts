import type { Tensor } from '../../tensor/tensor.ts';
import { readNpy } from './npy.ts';
import { readNpz } from './npz.ts';
import { readSafetensors } from './safetensors.ts';

/**
 * Readers of files of tensors, by the file's ending: tensors by name, the one of a `.npy` file under an empty name.
 * What is packed unpacks to `limit` bytes at most. They throw WhereforeError `invalid-data` and `wrong-type`, with the file's name (`where`).
 */
export const tensorReaders: Readonly<
  Record<string, (bytes: Uint8Array, where: string, limit?: number) => ReadonlyMap<string, Tensor>>
> = {
  '.npy': (bytes, where) => new Map([['', readNpy(bytes, where)]]),
  '.npz': readNpz,
  '.safetensors': (bytes, where) => readSafetensors(bytes, where).tensors,
};

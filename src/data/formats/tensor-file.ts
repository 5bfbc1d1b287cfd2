import type { Tensor } from '../../tensor/tensor.ts';

type TensorReader = (bytes: Uint8Array, where: string, limit?: number) => Promise<ReadonlyMap<string, Tensor>>;

/**
 * Readers of files of tensors, by the file's ending: tensors by name, the one of a `.npy` file under an empty name. Each
 * is loaded with the first file of its kind. What is packed unpacks to `limit` bytes at most. They throw WhereforeError
 * `invalid-data` and `wrong-type`, with the file's name (`where`).
 */
export const tensorReaders: Readonly<Record<string, TensorReader>> = {
  '.npy': async (bytes, where) => new Map([['', (await import('./npy.ts')).readNpy(bytes, where)]]),
  '.npz': async (bytes, where, limit) => (await import('./npz.ts')).readNpz(bytes, where, limit),
  '.safetensors': async (bytes, where) => (await import('./safetensors.ts')).readSafetensors(bytes, where).tensors,
};

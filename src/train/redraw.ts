import type { Tensors } from '../runtime/runtime.ts';
import { permutation, random } from '../tensor/random.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';

/**
 * Initial weights of another seed: the elements of every parameter in another order. Whatever they were drawn from, the
 * result is drawn from it too, and what was constant (biases 0, scales 1) stays so.
 * @param initial the weights before a training; those of a trained model are no weights to start from
 */
export function redrawnWeights(initial: Tensors, seed: number): Map<string, Tensor> {
  let stream = 0;
  return new Map(
    [...initial].map(([name, { shape, data }]) => {
      const from = data as Float32Array;
      const order = permutation(from.length, random(seed, ++stream));
      return [
        name,
        tensor(
          'float32',
          shape,
          from.map((_, i) => from[order[i]]),
        ),
      ] as const;
    }),
  );
}

import { throwIfCancelled } from '../runtime/runtime.ts';
import type { PassOptions } from './dataset.ts';

/** The whole numbers from `start` up to `end`, which is not among them. */
export function range(start: number, end: number): Uint32Array<ArrayBuffer> {
  const numbers = new Uint32Array(Math.max(0, end - start));
  for (let i = 0; i < numbers.length; i++) numbers[i] = start + i;
  return numbers;
}

/** Rows that a pass reads at once. */
const together = 256;

/** All positions in order, a few at a time. @throws WhereforeError `cancelled` between them */
export async function* eachPiece(
  length: number,
  { signal, onProgress }: PassOptions = {},
  size = together,
): AsyncGenerator<Uint32Array> {
  for (let start = 0; start < length; start += size) {
    throwIfCancelled(signal);
    const end = Math.min(length, start + size);
    yield range(start, end);
    onProgress?.(end, length);
  }
}

import { elementReader } from '../tensor/convert.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { wordsOf } from './methods/bm25.ts';

/** Rows of numbers, as many a row as `columns` says. */
export interface ContentRows {
  readonly columns: number;
  readonly data: Float32Array;
}

/** Columns of a bag of words: two of some hundred words share one now and then, which moves distances little. */
const bagColumns = 1024;

const numeric: ReadonlySet<string> = new Set(['float32', 'float64', 'uint8', 'bool']);

/** Numbers a row's content takes: of measurements all of them; of texts and tokens a bag of words. */
export function contentWidth(inputs: readonly Tensor[]): number {
  if (!inputs.every(({ type }) => numeric.has(type))) return bagColumns;
  return inputs.reduce((sum, { shape }) => sum + sizeOf(shape.slice(1)), 0);
}

/**
 * What rows hold, as numbers whose distances say how much they differ: measurements as they are; texts and tokens as bags
 * of words and of pairs of neighbouring words, hashed, of length 1 (distance 0 for the same words in the same order).
 * Tokens that an input named like a mask leaves out do not count, so that padding changes nothing.
 */
export function contentOf(inputs: ReadonlyMap<string, Tensor>): ContentRows {
  const tensors = [...inputs.values()];
  if (tensors.every(({ type }) => numeric.has(type))) return sideBySide(tensors);
  const masks = [...inputs].filter(([name]) => /mask/i.test(name)).map(([, mask]) => mask);
  const rows = tensors[0].shape[0];
  const data = new Float32Array(rows * bagColumns);
  for (const [name, input] of inputs) {
    if (numeric.has(input.type) || /mask|type_ids|position/i.test(name)) continue;
    const width = sizeOf(input.shape) / rows;
    const mask = masks.find(({ shape }) => sizeOf(shape) === sizeOf(input.shape));
    for (let i = 0; i < rows; i++)
      addBag(
        wordsBetween(input, mask, i * width, (i + 1) * width),
        data.subarray(i * bagColumns, (i + 1) * bagColumns),
      );
  }
  return { columns: bagColumns, data };
}

/** Words of texts, or codes of tokens, at some elements that a mask does not leave out. */
function wordsBetween(input: Tensor, mask: Tensor | undefined, from: number, to: number): string[] {
  const kept = mask && elementReader(mask);
  const at = Array.from({ length: to - from }, (_, j) => from + j).filter((j) => kept?.(j) !== 0);
  if (input.type === 'string') return at.flatMap((j) => wordsOf((input.data as string[])[j]));
  const read = elementReader(input);
  return at.map((j) => String(read(j)));
}

function addBag(words: readonly string[], to: Float32Array): void {
  for (const [i, word] of words.entries()) {
    to[hashOf(word) % bagColumns]++;
    if (i > 0) to[hashOf(`${words[i - 1]} ${word}`) % bagColumns]++;
  }
  let squares = 0;
  for (const value of to) squares += value * value;
  const length = Math.sqrt(squares);
  if (length > 0) for (let j = 0; j < to.length; j++) to[j] /= length;
}

/** FNV-1a over the letters' codes. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** All inputs of each row side by side. */
function sideBySide(inputs: readonly Tensor[]): ContentRows {
  const rows = inputs[0].shape[0];
  const widths = inputs.map(({ shape }) => sizeOf(shape) / rows);
  const columns = widths.reduce((sum, width) => sum + width, 0);
  const data = new Float32Array(rows * columns);
  let first = 0;
  for (const [j, input] of inputs.entries()) {
    const numbers = input.data as Float32Array;
    for (let i = 0; i < rows; i++) data.set(numbers.subarray(i * widths[j], (i + 1) * widths[j]), i * columns + first);
    first += widths[j];
  }
  return { columns, data };
}

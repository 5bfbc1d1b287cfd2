import { WhereforeError } from '../errors.ts';
import { contentHash, hashedTensor } from '../tensor/content-hash.ts';
import { rows, type Tensor } from '../tensor/tensor.ts';
import { eachPiece } from './pieces.ts';

type Identify = (indices: Uint32Array) => Promise<string[]>;

/** Names that the data gives, once they are known to be different. */
export function givenIds(
  name: string,
  length: number,
  read: (indices: Uint32Array) => Promise<readonly string[]>,
): Identify {
  let checked: Promise<void> | undefined;
  return async (indices) => {
    checked ??= checkDifferent(name, length, read);
    await checked;
    return [...(await read(indices))];
  };
}

async function checkDifferent(
  name: string,
  length: number,
  read: (indices: Uint32Array) => Promise<readonly string[]>,
): Promise<void> {
  const numbers = new Float64Array(length);
  for await (const piece of eachPiece(length)) {
    const ids = await read(piece);
    for (let i = 0; i < piece.length; i++) numbers[piece[i]] = shortNumber(contentHash([ids[i]]));
  }
  const sorted = numbers.slice().sort();
  const repeated = new Set(sorted.filter((value, i) => i > 0 && value === sorted[i - 1]));
  if (repeated.size === 0) return;
  const place = numbers.findIndex((value) => repeated.has(value));
  const positions = [place, numbers.indexOf(numbers[place], place + 1)];
  const [first, second] = await read(Uint32Array.from(positions));
  throw new WhereforeError('invalid-data', `two rows have the id "${first}"`, {
    where: name,
    got: first === second ? `rows ${positions.join(' and ')}` : `rows ${positions.join(' and ')}, whose ids hash alike`,
    expected: 'an id of its own for every row',
    fix: 'name another column, or none: ids are then made of the content',
  });
}

/** The first 52 bits of a hash as a number: among a million rows two are alike once in ten thousand times. */
const shortNumber = (hash: string): number => Number.parseInt(hash.slice(0, 13), 16);

/** Digits of a hash that name a row. */
const idDigits = 16;

/**
 * Names made of contents and labels. Equal rows are numbered in their order; as they are equal, it does not matter
 * which is which.
 */
export function contentIds(
  length: number,
  hashes: (indices: Uint32Array) => Promise<readonly string[]>,
  labels: Tensor | undefined,
): Identify {
  const idOf = (hash: string, index: number) =>
    (labels ? contentHash([hash, ...hashedTensor(rows(labels, index, index + 1))]) : hash).slice(0, idDigits);
  let repeats: Promise<ReadonlyMap<number, number>> | undefined;
  const findRepeats = async () => {
    const numbers = new Float64Array(length);
    for await (const piece of eachPiece(length)) {
      const found = await hashes(piece);
      for (let i = 0; i < piece.length; i++) numbers[piece[i]] = shortNumber(idOf(found[i], piece[i]));
    }
    return numbered(numbers);
  };
  return async (indices) => {
    repeats ??= findRepeats();
    const number = await repeats;
    const found = await hashes(indices);
    return found.map((hash, i) => {
      const id = idOf(hash, indices[i]);
      const time = number.get(indices[i]);
      return time === undefined ? id : `${id}~${time}`;
    });
  };
}

/** For each position whose number has occurred before: how many times, itself included. */
function numbered(numbers: Float64Array): ReadonlyMap<number, number> {
  const sorted = numbers.slice().sort();
  const repeated = new Map<number, number>();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) repeated.set(sorted[i], 0);
  const times = new Map<number, number>();
  if (repeated.size === 0) return times;
  for (let place = 0; place < numbers.length; place++) {
    const before = repeated.get(numbers[place]);
    if (before === undefined) continue;
    repeated.set(numbers[place], before + 1);
    if (before > 0) times.set(place, before + 1);
  }
  return times;
}

import { WhereforeError } from '../../errors.ts';
import type { Blocks } from './blocks.ts';
import { type ByteRanges, pieces } from './byte-ranges.ts';

/** Where the records of a text file begin and end. */
export interface Records {
  readonly count: number;
  /** The texts of some records, without the break behind them. @throws WhereforeError `invalid-data` for no UTF-8 */
  read(indices: ArrayLike<number>): Promise<string[]>;
}

const lineFeed = 10;
const carriageReturn = 13;
const quoteMark = 34;
const space = 32;
const tab = 9;

/**
 * Finds the records of a text file in one pass that keeps their beginnings alone: lines, or what lies between breaks
 * outside quotation marks. Empty lines are none, nor are lines of spaces where marks do not count.
 * @throws WhereforeError `invalid-data` for a quotation mark that is not closed
 */
export async function findRecords(
  ranges: ByteRanges,
  blocks: Blocks,
  { quoted }: { readonly quoted: boolean },
): Promise<Records> {
  const bounds = new Bounds();
  let isQuoted = false;
  let start = 0;
  let at = 0;
  let isBlank = true;
  for await (const piece of pieces(ranges)) {
    for (let i = 0; i < piece.length; i++, at++) {
      const byte = piece[i];
      if (byte === lineFeed && !isQuoted) {
        if (!isBlank) bounds.add(start, at);
        start = at + 1;
        isBlank = true;
      } else if (byte !== carriageReturn && (quoted || (byte !== space && byte !== tab))) {
        isBlank = false;
        if (quoted && byte === quoteMark) isQuoted = !isQuoted;
      }
    }
  }
  if (isQuoted) {
    throw new WhereforeError('invalid-data', 'a quotation mark is not closed', {
      where: `${ranges.name}, the record from byte ${start}`,
      fix: 'close it, double those inside values, or set quote to false',
    });
  }
  if (!isBlank) bounds.add(start, at);
  return recordsOf(bounds, blocks, ranges.name);
}

/** Bytes of neighbours that are copied together. */
const together = 2 ** 16;

function recordsOf(bounds: Bounds, blocks: Blocks, where: string): Records {
  return {
    count: bounds.count,
    read: async (indices) => {
      const texts = new Array<string>(indices.length);
      for (let i = 0; i < indices.length; ) {
        // Neighbours are copied together.
        const [start, first] = bounds.of(indices[i]);
        let [count, end] = [1, first];
        while (i + count < indices.length && indices[i + count] === indices[i] + count && end - start < together)
          end = bounds.of(indices[i + count++])[1];
        const bytes = new Uint8Array(end - start);
        await blocks.copy(bytes, start);
        for (; count > 0; count--, i++) {
          const [from, to] = bounds.of(indices[i]);
          texts[i] = decoded(bytes.subarray(from - start, to - start), `${where}, record ${indices[i] + 1}`);
        }
      }
      return texts;
    },
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decoded(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes).replace(/\r$/, '');
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not UTF-8 text', { where, fix: 'save the file as UTF-8', cause });
  }
}

/** Beginnings and lengths of records, in arrays that grow: twelve bytes a record. */
class Bounds {
  count = 0;
  #starts = new Float64Array(1024);
  #lengths = new Uint32Array(1024);

  add(start: number, end: number): void {
    if (this.count === this.#starts.length) {
      const starts = new Float64Array(2 * this.count);
      const lengths = new Uint32Array(2 * this.count);
      starts.set(this.#starts);
      lengths.set(this.#lengths);
      [this.#starts, this.#lengths] = [starts, lengths];
    }
    this.#starts[this.count] = start;
    this.#lengths[this.count++] = end - start;
  }

  of(index: number): [start: number, end: number] {
    return [this.#starts[index], this.#starts[index] + this.#lengths[index]];
  }
}

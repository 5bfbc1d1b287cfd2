import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import type { TargetForm, TargetOf, TargetSurroundings } from './kind.ts';

/** What the parts of a text are read with. */
interface PartReaders {
  /** The class of a label or a number. @throws WhereforeError `unknown-name`, `out-of-range` */
  classOf(text: string): number;
  readonly surroundings: TargetSurroundings;
}

/** Makes a target of the parts of a text. */
type ReadParts<T> = (parts: readonly string[], readers: PartReaders) => TargetOf<T>;

/**
 * A form `WORD:PART,PART` of a target.
 * @param count how many parts there are at least and at most; labels may hold commas themselves
 */
export function partsForm<T>(
  prefix: string,
  text: string,
  count: readonly [least: number, most: number],
  read: ReadParts<T>,
): TargetForm<T> {
  return { text, prefix, read: (argument, surroundings) => readParts(text, argument, count, surroundings, read) };
}

/**
 * Reads the parts of a text in the first way in which they make sense.
 * @param form how the text is written, for messages
 * @throws WhereforeError what is wrong with the plainest way, where none makes sense
 */
export function readParts<T>(
  form: string,
  text: string,
  [least, most]: readonly [number, number],
  surroundings: TargetSurroundings,
  read: ReadParts<T>,
): TargetOf<T> {
  const readers = { classOf: (label: string) => classNamed(label, surroundings.labels), surroundings };
  let problem: unknown;
  for (const parts of readingsOf(text.split(','), least, most)) {
    if (parts.some((part) => part === '')) continue;
    try {
      return read(parts, readers);
    } catch (error) {
      problem ??= error;
    }
  }
  throw (
    problem ?? new WhereforeError('invalid-argument', '--target', { got: text.trim() || 'nothing', expected: form })
  );
}

/** @throws WhereforeError `invalid-argument` for what is no whole number */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) {
    throw new WhereforeError('invalid-argument', '--target', { got: text, expected: 'a whole number' });
  }
  return value;
}

/** A label may contain commas itself: every way to read the parts as `least` to `most` values, the plainest first. */
function readingsOf(parts: readonly string[], least: number, most: number): string[][] {
  const join = (from: number, to?: number) => parts.slice(from, to).join(',').trim();
  const two = parts.slice(1).map((_, i) => [join(0, i + 1), join(i + 1)]);
  const numbers = parts.length - most + 1;
  const many = most > 2 && numbers >= 1 ? [[join(0, numbers), ...parts.slice(numbers)]] : [];
  return [...(most === 2 ? two : many), ...(least === 1 ? [[join(0)]] : [])];
}

function classNamed(text: string, labels: readonly string[] | undefined): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text))
    throw new WhereforeError('out-of-range', '--target: a class', {
      got: text,
      expected: 'a number from 0 up, or a label',
    });
  const exact = labels?.indexOf(text) ?? -1;
  if (exact >= 0) return exact;
  const word = text.toLowerCase();
  const containing = (labels ?? []).flatMap((label, i) =>
    label
      .toLowerCase()
      .split(/[,\s]+/)
      .includes(word)
      ? [i]
      : [],
  );
  if (containing.length === 1) return containing[0];
  if (!labels) {
    throw new WhereforeError('unknown-name', `there is no class "${text}"`, {
      got: 'a model without labels',
      fix: 'give the class number, or name the labels in wherefore.yaml',
    });
  }
  throw unknownName('there is no class', text, labels, {
    ...(containing.length > 1 && { got: `${containing.length} labels with that word`, guess: undefined }),
    fix: 'name one of the labels, or give the class number',
  });
}

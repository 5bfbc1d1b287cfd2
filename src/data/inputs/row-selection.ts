import { WhereforeError } from '../../errors.ts';

/** Rows that one range may name. */
const mostSelected = 1_000_000;

/** A path and the rows that are named behind it: `people.csv#0-9`. */
export function splitSelection(source: string): { readonly path: string; readonly selection: string | undefined } {
  const [, path, selection] = /^(.*?)(?:#([\d,-]+))?$/s.exec(source) as RegExpExecArray;
  return { path, selection };
}

/**
 * The positions that `3`, `0-9` or `3,17` names.
 * @throws WhereforeError `invalid-argument`
 */
export function selectedRows(selection: string, where: string): number[] {
  return selection.split(',').flatMap((part) => {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!range || Number(range[2] ?? range[1]) < Number(range[1]))
      throw new WhereforeError('invalid-argument', 'rows of a table or examples', {
        where,
        got: `#${selection}`,
        expected: '#3, #0-9 or #3,17',
      });
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    if (to - from >= mostSelected) {
      throw new WhereforeError('out-of-range', 'rows of a table or examples', {
        where,
        got: `#${part}`,
        expected: `at most ${mostSelected} of them`,
      });
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/** Rows or examples that stand for what is usual, at most. */
const mostTypical = 64;

/** Places 0 … count − 1, or {@link mostTypical} of them at equal distances. */
export function evenly(count: number): number[] {
  const taken = Math.min(count, mostTypical);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken));
}

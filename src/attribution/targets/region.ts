import { WhereforeError } from '../../errors.ts';

/**
 * Places of a grid, row by row, as lengths of runs that alternate between outside and inside, outside first (0 where
 * the first place is inside): short, plain, and the same form as in COCO but row-major.
 */
export interface Region {
  /** Rows and columns. */
  readonly size: readonly [number, number];
  readonly runs: readonly number[];
}

/** The region of the positions where `inside` holds. */
export function regionOf(size: readonly [number, number], inside: (row: number, column: number) => boolean): Region {
  const runs = [0];
  let within = false;
  for (let row = 0; row < size[0]; row++) {
    for (let column = 0; column < size[1]; column++) {
      if (inside(row, column) !== within) {
        within = !within;
        runs.push(0);
      }
      runs[runs.length - 1]++;
    }
  }
  return { size, runs };
}

/**
 * One number a place: 1 inside, 0 outside.
 * @throws WhereforeError `invalid-argument` for runs that do not cover the grid, or an empty region
 */
export function regionMask({ size, runs }: Region): Float32Array {
  const mask = new Float32Array(size[0] * size[1]);
  let at = 0;
  runs.forEach((length, i) => {
    if (i % 2) mask.fill(1, at, at + length);
    at += length;
  });
  if (at !== mask.length || runs.some((length) => !Number.isInteger(length) || length < 0)) {
    throw new WhereforeError('invalid-argument', 'the runs of the region do not cover its grid', {
      got: `${at} places`,
      expected: `${mask.length} (${size[0]}×${size[1]})`,
    });
  }
  if (!mask.includes(1)) {
    throw new WhereforeError('invalid-argument', 'the region is empty', { fix: 'name places that belong to it' });
  }
  return mask;
}

/** The positions inside a region. */
export function regionCount({ runs }: Region): number {
  return runs.reduce((sum, length, i) => (i % 2 ? sum + length : sum), 0);
}

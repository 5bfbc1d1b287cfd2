import type { Tensor } from '../../../tensor/tensor.ts';

/** Rows that are the same, or nearly. */
export interface DuplicateGroup {
  readonly rows: readonly number[];
  /** Where they come from. */
  readonly places: readonly string[];
  /** Whether their labels differ: one of them is likely wrong. */
  readonly labelsDiffer: boolean;
}

export interface Duplicates {
  /** What makes two rows the same. */
  readonly rule: string;
  readonly groups: number;
  /** Rows in groups, all but one of which could go. */
  readonly rows: number;
  /** Groups whose labels differ. */
  readonly labelsDiffer: number;
  /** The groups, those of different labels first, then by size; at most {@link shownGroups}. */
  readonly shown: readonly DuplicateGroup[];
}

const shownGroups = 20;
/** Rows of a group that are told. */
const shownRows = 10;

/** Rows under the same key; a row without a key is alone. */
export function groupsByKey(rows: readonly number[], keys: readonly (string | undefined)[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, key] of keys.entries()) {
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(rows[i]);
    else groups.set(key, [rows[i]]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Rows that pairs connect. @param pairs places in `rows` */
export function groupsOfPairs(rows: readonly number[], pairs: readonly (readonly [number, number])[]): number[][] {
  const parent = new Map<number, number>();
  const rootOf = (place: number): number => {
    let root = place;
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root)) root = next;
    return root;
  };
  for (const [a, b] of pairs) {
    const [first, second] = [rootOf(a), rootOf(b)];
    const root = Math.min(first, second);
    for (const place of [a, b, first, second]) parent.set(place, root);
  }
  const groups = new Map<number, number[]>();
  for (const place of [...parent.keys()].sort((a, b) => a - b)) {
    const root = rootOf(place);
    const group = groups.get(root);
    if (group) group.push(rows[place]);
    else groups.set(root, [rows[place]]);
  }
  return [...groups.values()];
}

/** What is told of groups of rows. */
export function duplicatesOf(
  rule: string,
  groups: readonly (readonly number[])[],
  labels: Tensor | undefined,
  describe: (row: number) => string,
): Duplicates {
  const differ = (rows: readonly number[]) =>
    labels !== undefined && rows.some((row) => labels.data[row] !== labels.data[rows[0]]);
  const told = groups.map((rows) => ({ rows, labelsDiffer: differ(rows) }));
  told.sort(
    (a, b) => Number(b.labelsDiffer) - Number(a.labelsDiffer) || b.rows.length - a.rows.length || a.rows[0] - b.rows[0],
  );
  return {
    rule,
    groups: groups.length,
    rows: groups.reduce((sum, { length }) => sum + length, 0),
    labelsDiffer: told.filter(({ labelsDiffer }) => labelsDiffer).length,
    shown: told.slice(0, shownGroups).map(({ rows, labelsDiffer }) => ({
      rows,
      places: rows.slice(0, shownRows).map(describe),
      labelsDiffer,
    })),
  };
}

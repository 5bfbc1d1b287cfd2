import { quantile } from '../../evaluation/statistics.ts';
import { filled } from '../../tensor/filled.ts';
import type { Neighbours } from '../neighbours.ts';

/** Rows that are the same, or nearly. */
export interface DuplicateGroup {
  /** `exact`: the same content; `near`: within the stated distance of another row of the group. */
  readonly kind: 'exact' | 'near';
  /** At least two rows, ascending. */
  readonly rows: readonly number[];
  /** Whether they have different labels, so that at least one is wrong. */
  readonly conflict: boolean;
}

/** Share of the median distance to the nearest other row below which two rows count as nearly the same. */
export const nearShare = 0.2;

/**
 * The distance below which rows count as near-duplicates: a share of the median distance from a row to its nearest other
 * one, copies (distance 0) apart. 0 where all rows are copies of each other.
 */
export function nearThreshold({ count, distances }: Neighbours, share: number): number {
  const nearest: number[] = [];
  if (count > 0)
    for (let i = 0; i < distances.length; i += count) {
      for (let j = i; j < i + count; j++) {
        if (distances[j] === 0) continue;
        nearest.push(distances[j]);
        break;
      }
    }
  if (nearest.length === 0) return 0;
  return (
    share *
    quantile(
      nearest.sort((a, b) => a - b),
      0.5,
    )
  );
}

/** Groups of rows with equal hashes. */
export function exactDuplicates(hashes: readonly string[], labels: Int32Array | undefined): DuplicateGroup[] {
  const byHash = new Map<string, number[]>();
  for (const [i, hash] of hashes.entries()) {
    const rows = byHash.get(hash);
    if (rows) rows.push(i);
    else byHash.set(hash, [i]);
  }
  return [...byHash.values()]
    .filter((rows) => rows.length > 1)
    .map((rows) => ({ kind: 'exact', rows, conflict: conflicts(rows, labels) }));
}

/** Groups of rows that chains of neighbours within `threshold` join, less those whose contents are all equal. */
export function nearDuplicates(
  { count, indices, distances }: Neighbours,
  threshold: number,
  hashes: readonly string[],
  labels: Int32Array | undefined,
): DuplicateGroup[] {
  const parent = filled(new Uint32Array(hashes.length), (i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  for (let at = 0; at < indices.length; at++) {
    if (distances[at] > threshold) continue;
    const [a, b] = [root(Math.floor(at / count)), root(indices[at])];
    parent[Math.max(a, b)] = Math.min(a, b);
  }
  const groups = new Map<number, number[]>();
  for (let i = 0; i < hashes.length; i++) {
    const rows = groups.get(root(i));
    if (rows) rows.push(i);
    else groups.set(root(i), [i]);
  }
  return [...groups.values()]
    .filter((rows) => rows.length > 1 && rows.some((row) => hashes[row] !== hashes[rows[0]]))
    .map((rows) => ({ kind: 'near', rows, conflict: conflicts(rows, labels) }));
}

const conflicts = (rows: readonly number[], labels: Int32Array | undefined) =>
  labels !== undefined && rows.some((row) => labels[row] !== labels[rows[0]]);

/** A held-out row whose content, or nearly, is among the training rows. */
export interface Leak {
  readonly heldOut: number;
  readonly row: number;
  readonly kind: 'exact' | 'near';
  readonly distance: number;
  /** Whether both have labels and these differ. */
  readonly conflict: boolean;
}

/** Held-out rows that are in the training data. @param neighbours of the held-out rows among the training rows */
export function leaks(
  { count, indices, distances }: Neighbours,
  threshold: number,
  hashes: { readonly rows: readonly string[]; readonly heldOut: readonly string[] },
  labels: { readonly rows?: Int32Array; readonly heldOut?: Int32Array },
): Leak[] {
  const byHash = new Map<string, number>();
  for (let i = hashes.rows.length - 1; i >= 0; i--) byHash.set(hashes.rows[i], i);
  return hashes.heldOut.flatMap((hash, heldOut): Leak[] => {
    const same = byHash.get(hash);
    const [row, distance] =
      same !== undefined
        ? [same, 0]
        : [indices[heldOut * count], count > 0 ? distances[heldOut * count] : Number.POSITIVE_INFINITY];
    if (same === undefined && !(distance <= threshold)) return [];
    const conflict =
      labels.rows !== undefined && labels.heldOut !== undefined && labels.rows[row] !== labels.heldOut[heldOut];
    return [{ heldOut, row, kind: same === undefined ? 'near' : 'exact', distance, conflict }];
  });
}

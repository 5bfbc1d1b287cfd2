import { namedMemo } from '../../tensor/memo.ts';
import { sizeOf } from '../../tensor/tensor.ts';

/** How the feature groups of a value lie in it. */
export interface MaskLayout {
  /** Axes of the value as it is masked; their product is its number of elements. */
  readonly row: readonly number[];
  /** The same axes, 1 where all elements along one belong to the same group. */
  readonly positions: readonly number[];
  /**
   * The group of each position; undefined where place i belongs to group i, so that the mask itself has the form of the
   * positions and nothing is looked up.
   */
  readonly groups: Int32Array | undefined;
}

const layouts = namedMemo<Int32Array, MaskLayout>();

/**
 * The layout of a value whose element i belongs to group `groupOf[i]`.
 *
 * @param groupOf −1 for elements that are never masked; they belong to group `count`, which every mask keeps
 * @param row the value's axes
 */
export function maskLayout(groupOf: Int32Array, row: readonly number[], count: number): MaskLayout {
  return layouts(groupOf, `${row.join()}|${count}`, () => along(groupOf, row, count) ?? looked(groupOf, row, count));
}

/** Joins the axes along which the group stays the same. */
function looked(groupOf: Int32Array, row: readonly number[], count: number): MaskLayout {
  let positions: readonly number[] = row;
  let groups = groupOf.map((group) => (group < 0 ? count : group));
  for (let axis = 0; axis < row.length; axis++) {
    const [before, size, after] = [
      sizeOf(positions.slice(0, axis)),
      positions[axis],
      sizeOf(positions.slice(axis + 1)),
    ];
    const first = new Int32Array(before * after);
    for (let i = 0; i < first.length; i++) {
      first[i] = groups[Math.floor(i / after) * size * after + (i % after)];
    }
    if (!groups.every((own, i) => own === first[Math.floor(i / (size * after)) * after + (i % after)])) continue;
    groups = first;
    positions = positions.map((length, k) => (k === axis ? 1 : length));
  }
  const isInOrder = groups.length === count && groups.every((group, place) => group === place);
  return { row, positions, groups: isInOrder ? undefined : groups };
}

/** Groups side by side inside an axis: element i belongs to group `⌊i / inner⌋ mod count`. */
function along(groupOf: Int32Array, row: readonly number[], count: number): MaskLayout | undefined {
  let inner = 1;
  while (inner < groupOf.length && groupOf[inner] === groupOf[0]) inner++;
  for (let i = 0, within = 0, group = 0; i < groupOf.length; i++) {
    if (groupOf[i] !== group) return undefined;
    if (++within < inner) continue;
    within = 0;
    if (++group === count) group = 0;
  }
  const outer = groupOf.length / (inner * count);
  if (!Number.isInteger(outer)) return undefined;
  // In the value's own axes where they say it: what follows may then work on single positions.
  const own = looked(groupOf, row, count);
  if (own.groups === undefined) return own;
  return { row: [outer, count, inner], positions: [1, count, 1], groups: undefined };
}

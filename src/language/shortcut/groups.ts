import type { Interval } from '../../evaluation/statistics.ts';
import { shareWithInterval } from '../audit/estimates.ts';

/** Texts of one label that hold a word, or do not, and how many of them the model gets right. */
export interface GroupAccuracy {
  readonly label: number;
  readonly holds: boolean;
  readonly accuracy: Interval;
}

/**
 * Accuracy in each group of label and presence of a word: a model that goes by the word fails where the two disagree.
 * Groups without texts are left out.
 */
export function groupAccuracies(
  rows: readonly { readonly predicted: number; readonly label: number; readonly holds: boolean }[],
): GroupAccuracy[] {
  const labels = [...new Set(rows.map(({ label }) => label))].sort((a, b) => a - b);
  return labels.flatMap((label) =>
    [true, false].flatMap((holds) => {
      const group = rows.filter((row) => row.label === label && row.holds === holds);
      const hits = group.filter(({ predicted }) => predicted === label).length;
      return group.length === 0 ? [] : [{ label, holds, accuracy: shareWithInterval(hits, group.length) }];
    }),
  );
}

/** The group with the lowest accuracy. */
export const worstGroup = (groups: readonly GroupAccuracy[]): GroupAccuracy =>
  groups.reduce((worst, group) => (group.accuracy.mean < worst.accuracy.mean ? group : worst));

import type { ImageIndex } from './image-index.ts';
import type { IndexedItem } from './manifest.ts';
import type { TraceQuestion } from './rankings.ts';
import type { MatchedRegion } from './region.ts';

/** An image of the data in a ranking. */
export interface TracedItem {
  readonly item: IndexedItem;
  /** What the ranking sorts by, less the level of the surroundings; larger is more alike. */
  readonly score: number;
  /** Share of unrelated images whose best match scores lower; absent for words, which are not calibrated. */
  readonly support?: number;
  /** Its part of what the data can account for; 0 below the threshold. */
  readonly share: number;
  /** The signals behind the score, by name. */
  readonly components: Readonly<Record<string, number>>;
  readonly region?: MatchedRegion;
}

/** How many of the nearest images carry a value of a column, beside how many of all do. */
export interface GroupShare {
  readonly value: string;
  readonly share: number;
  readonly ofData: number;
}

/** The answer to one question. */
export interface ImageRanking {
  readonly question: TraceQuestion;
  readonly items: readonly TracedItem[];
  /** Whether the best item scores higher than {@link unrelatedShare} of unrelated images let expect; absent for words. */
  readonly resembles?: boolean;
  /** The score from which items count. */
  readonly threshold?: number;
  /** Of the question for a part: share of the item's area that the parts of counted items cover. */
  readonly covered?: number;
  /** Unrelated images that supports were counted over; absent for words. */
  readonly unrelated?: number;
  /** Of the nearest {@link neighbours}, by column. */
  readonly groups: Readonly<Record<string, readonly GroupShare[]>>;
}

/** Nearest images that groups are counted over: few, as more of them are no longer near. */
export const neighbours = 5;

/** How many of some images carry each value of a column. */
export function groupsOf({ items }: ImageIndex, column: string, nearest: readonly number[]): GroupShare[] {
  const valueAt = (image: number) => String(items[image].columns[column] ?? 'not stated');
  const ofData = new Map<string, number>();
  for (const image of items.keys()) ofData.set(valueAt(image), (ofData.get(valueAt(image)) ?? 0) + 1 / items.length);
  const counts = new Map<string, number>();
  for (const image of nearest) counts.set(valueAt(image), (counts.get(valueAt(image)) ?? 0) + 1 / nearest.length);
  return [...counts]
    .map(([value, share]) => ({ value, share, ofData: ofData.get(value) ?? 0 }))
    .sort((a, b) => b.share - a.share || (a.value < b.value ? -1 : 1));
}

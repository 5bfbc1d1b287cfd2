/** A vector that may be among the nearest: between what its product is at least and at most. */
export interface Candidate {
  readonly segment: number;
  readonly number: number;
  readonly most: number;
}

/**
 * Keeps every vector that may be among the `count` nearest, as long as it may: one is out when the largest that its
 * product can be is below what `count` others have for sure.
 */
export function nearestCandidates(count: number) {
  const least: number[] = [];
  let kept: Candidate[] = [];
  const limit = () => (least.length < count ? Number.NEGATIVE_INFINITY : least[least.length - 1]);
  return {
    /** What a product must reach to be looked at. */
    limit,
    /** @param low what the product is at least */
    add(candidate: Candidate, low: number): void {
      if (candidate.most < limit()) return;
      let at = least.length;
      while (at > 0 && least[at - 1] < low) at--;
      if (at < count) least.splice(at, 0, low);
      if (least.length > count) least.pop();
      kept.push(candidate);
      // Those that are out by now are not kept for ever.
      if (kept.length > 64 * count) kept = kept.filter(({ most }) => most >= limit());
    },
    candidates: (): readonly Candidate[] => kept.filter(({ most }) => most >= limit()),
  };
}

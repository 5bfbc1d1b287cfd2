/** Scores of all images for one question, larger is more alike. */
export type RawScores = Float64Array;

/** Images from the highest score down; equal scores in the order of the data. */
export function ranked(scores: RawScores, most: number): number[] {
  if (4 * most < scores.length) return fewRanked(scores, most);
  const order = Array.from(scores.keys());
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, most);
}

/** Few of many: a list of the best so far, into which few images get once it is full. */
function fewRanked(scores: RawScores, most: number): number[] {
  const best: number[] = [];
  if (most <= 0) return best;
  for (let image = 0; image < scores.length; image++) {
    const score = scores[image];
    if (best.length === most) {
      if (score <= scores[best[most - 1]]) continue;
      best.pop();
    }
    // Behind all that score at least as much, as they come earlier in the data.
    let [from, to] = [0, best.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (scores[best[middle]] >= score) from = middle + 1;
      else to = middle;
    }
    best.splice(from, 0, image);
  }
  return best;
}

/** Ranks whose mean score is the level of an image's surroundings in the data. */
const surroundings = [10, 20] as const;

/**
 * What the nearest images that are no sources reach: the mean of ranks 11 to 20, or of the lower half of fewer images. A
 * score less this tells an image with a source from one that merely lies where images are dense.
 * Source: Douze et al. 2021, "The 2021 image similarity dataset and challenge" (score normalisation).
 */
export function surroundingScore(scores: RawScores, except: ReadonlySet<number> = new Set()): number {
  const order = ranked(scores, surroundings[1] + except.size).filter((image) => !except.has(image));
  const [from, to] = order.length >= surroundings[1] ? surroundings : [order.length >> 1, order.length];
  const some = order.slice(from, to);
  return some.length === 0 ? 0 : some.reduce((sum, image) => sum + scores[image], 0) / some.length;
}

import * as z from 'zod/mini';

/** What scores unrelated images reach: to say how much a score is. */
export const backgroundSchema = z.strictObject({
  /** How many unrelated images were traced. */
  count: z.int().check(z.minimum(0)),
  /** The best score of each, ascending. */
  best: z.array(z.number()),
});

/** The best scores of unrelated images. */
export type Background = z.infer<typeof backgroundSchema>;

/** Scores of this share of unrelated images are described by their tail. */
const tailShare = 0.1;

export function backgroundOf(best: readonly number[]): Background {
  return { count: best.length, best: [...best].sort((a, b) => a - b) };
}

interface Tail {
  readonly from: number;
  /** Mean excess of the scores beyond, and how many these are. */
  readonly scale: number;
  readonly count: number;
}

/** The score that a tenth exceeds, and the mean excess beyond it. */
function tailOf({ best }: Background): Tail {
  const first = Math.max(0, Math.floor(best.length * (1 - tailShare)) - 1);
  const from = best[first];
  const beyond = best.slice(first + 1);
  const count = Math.max(1, beyond.length);
  const mean = beyond.reduce((sum, score) => sum + score - from, 0) / count;
  // Where all scores are equal, a little more is already more than any.
  return { from, scale: Math.max(mean, 1e-9), count };
}

/**
 * The share of unrelated images whose best score is at least as high: counted, and beyond the highest tenth by an
 * exponential tail whose scale is known from its m scores alone, `0.1 · (1 + (s − s₉₀)/(m · mean excess))^−m`. With the
 * mean excess taken for the true scale, half as many unrelated images again as stated would lie beyond the last .4 %.
 * Source: Pickands 1975 for tails beyond a threshold; Geisser 1993, "Predictive inference", for a scale that is uncertain.
 */
export function shareAtLeast(score: number, background: Background): number {
  const { best } = background;
  const { from, scale, count } = tailOf(background);
  if (score > from) return tailShare * (1 + (score - from) / (count * scale)) ** -count;
  let at = 0;
  while (at < best.length && best[at] < score) at++;
  return (best.length - at) / best.length;
}

/** The score that a share of unrelated images reaches; `share` at most a tenth. */
export function scoreReachedBy(share: number, background: Background): number {
  const { from, scale, count } = tailOf(background);
  return from + count * scale * ((tailShare / share) ** (1 / count) - 1);
}

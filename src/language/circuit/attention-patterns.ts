import type { Tensor } from '../../tensor/tensor.ts';

/** Where a head looks, as means of its weights over tokens; null where no token of the text is like that. */
export interface AttentionPattern {
  /** At the token before. */
  readonly previous: number | null;
  readonly itself: number | null;
  /** At the first token of the text, where heads rest that have nothing to do. */
  readonly first: number | null;
  /** At earlier tokens equal to this one. */
  readonly same: number | null;
  /** At tokens that came behind an earlier one equal to this one: what follows is then copied. */
  readonly induction: number | null;
}

/**
 * Where each head looks in a text.
 * @param weights `1 × heads × sequence × sequence`
 * @source Olsson et al. 2022, arXiv 2209.11895
 */
export function attentionPatterns(weights: Tensor<'float32'>, ids: readonly number[]): AttentionPattern[] {
  const [, heads, length] = weights.shape;
  const earlier = ids.map((id, i) => ids.slice(0, i).flatMap((other, j) => (other === id ? [j] : [])));
  return Array.from({ length: heads }, (_, h) => {
    const at = (i: number, j: number) => weights.data[(h * length + i) * length + j];
    const mean = (targets: (i: number) => readonly number[], from: number) => {
      let [sum, count] = [0, 0];
      for (let i = from; i < length; i++) {
        const looked = targets(i);
        if (looked.length === 0) continue;
        for (const j of looked) sum += at(i, j);
        count++;
      }
      return count === 0 ? null : sum / count;
    };
    return {
      previous: mean((i) => [i - 1], 1),
      itself: mean((i) => [i], 1),
      first: mean(() => [0], 1),
      same: mean((i) => earlier[i], 1),
      induction: mean((i) => earlier[i].map((j) => j + 1).filter((j) => j < i), 1),
    };
  });
}

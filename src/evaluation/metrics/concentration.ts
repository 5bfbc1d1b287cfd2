import * as z from 'zod/mini';
import { type Metric, noPasses } from './metric.ts';

const shared = {
  family: 'concentration',
  judgedBy: 'description',
  needs: 'map',
  parameters: z.strictObject({}),
  sensitivity: 'no parameters',
  cost: () => noPasses,
} as const;

const emptyMap = 'the map is 0 everywhere: counted as evenly spread';

/** Gini coefficient of the magnitudes: 0 for an even map, 1 − 1/G for a single feature. */
export const sparseness: Metric<Record<string, never>, 'higher'> = {
  ...shared,
  title: 'Sparseness (Gini)',
  formula: '1 − 2 Σ_k (|a|₍ₖ₎ / ‖a‖₁) (G − k + ½)/G, |a|₍ₖ₎ ascending',
  source: 'Chalasani et al. 2020, arXiv 1810.06583; Hurley, Rickard 2009',
  range: [0, 1],
  direction: 'higher',
  assumes: 'a short explanation is wanted; says nothing about whether it is true',
  async run(_, { map }) {
    const sizes = map.values.map(Math.abs).sort();
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total === 0) return { score: 0, notes: [emptyMap] };
    const groups = sizes.length;
    let weighted = 0;
    // k counts from 1.
    for (let k = 1; k <= groups; k++) weighted += (sizes[k - 1] / total) * ((groups - k + 0.5) / groups);
    return { score: 1 - 2 * weighted };
  },
};

/** Entropy of the magnitudes as shares, in nats: 0 for a single feature, ln G for an even map. */
export const complexity: Metric<Record<string, never>, 'lower'> = {
  ...shared,
  title: 'Complexity (entropy)',
  formula: '−Σ_i s_i ln s_i, s_i = |A_i| / Σ|A|',
  source: 'Bhatt, Weller, Moura 2020, arXiv 2005.00631',
  range: [0, Number.POSITIVE_INFINITY],
  direction: 'lower',
  assumes: 'as sparseness; grows with the number of features, so compare inputs of one size',
  async run(_, { map }) {
    const total = map.values.reduce((sum, value) => sum + Math.abs(value), 0);
    if (total === 0) return { score: Math.log(map.values.length), notes: [emptyMap] };
    let entropy = 0;
    for (const value of map.values) {
      const share = Math.abs(value) / total;
      if (share > 0) entropy -= share * Math.log(share);
    }
    return { score: entropy };
  },
};

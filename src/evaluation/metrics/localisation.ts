import * as z from 'zod/mini';
import { descending } from '../perturbation.ts';
import { type Metric, noPasses, truthOf } from './metric.ts';

const shared = {
  family: 'localisation',
  judgedBy: 'consensus',
  range: [0, 1],
  direction: 'higher',
  assumes:
    'the model uses the object itself: a model that reads the background is explained well by a map that scores badly',
  sensitivity: 'no parameters; how tightly boxes or masks were drawn',
  needs: 'truth',
  parameters: z.strictObject({}),
  cost: () => noPasses,
} as const;

/** Whether the strongest feature belongs to the object. */
export const pointingGame: Metric<Record<string, never>, 'higher'> = {
  ...shared,
  title: 'Pointing game',
  formula: '[argmax A ∈ object]',
  source: 'Zhang et al. 2016, arXiv 1608.00507',
  async run(question, { map }) {
    const truth = truthOf(question, 'the pointing game');
    return { score: truth[descending(map.values, question.seed)[0]] ? 1 : 0 };
  },
};

/** Which share of positive attribution lies on the object. */
export const massAccuracy: Metric<Record<string, never>, 'higher'> = {
  ...shared,
  title: 'Relevance mass accuracy',
  formula: 'Σ_{i ∈ object} max(A_i, 0) / Σ max(A, 0)',
  source: 'Arras, Osman, Samek 2022, Information Fusion 81',
  async run(question, { map }) {
    const truth = truthOf(question, 'mass accuracy');
    let [inside, total] = [0, 0];
    map.values.forEach((value, i) => {
      if (value <= 0) return;
      total += value;
      if (truth[i]) inside += value;
    });
    return total > 0 ? { score: inside / total } : { score: 0, notes: ['the map has no positive attribution'] };
  },
};

/** Which share of the K strongest features belongs to the object, K being the object's size. */
export const rankAccuracy: Metric<Record<string, never>, 'higher'> = {
  ...shared,
  title: 'Relevance rank accuracy',
  formula: '|top-K(A) ∩ object| / K, K = |object|',
  source: 'Arras, Osman, Samek 2022, Information Fusion 81',
  async run(question, { map }) {
    const truth = truthOf(question, 'rank accuracy');
    const size = truth.reduce((sum, inside) => sum + (inside ? 1 : 0), 0);
    const top = descending(map.values, question.seed).subarray(0, size);
    return { score: top.reduce((sum, group) => sum + (truth[group] ? 1 : 0), 0) / size };
  },
};

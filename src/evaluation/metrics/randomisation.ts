import * as z from 'zod/mini';
import type { Target } from '../../attribution/targets/kinds/index.ts';
import { WhereforeError } from '../../errors.ts';
import { choose, random } from '../../tensor/random.ts';
import { randomisedModel, unreadWeights, weightedNodes } from '../randomised-model.ts';
import { meanOf, spearman } from '../statistics.ts';
import { explainAgain, type Metric } from './metric.ts';

/** How alike two maps rank the features, regardless of sign; maps of which one is constant are not alike. */
function similarity(a: Float64Array, b: Float64Array): number {
  return Math.abs(spearman(a, b) ?? 0);
}

const modelParameters = z.strictObject({
  /** How many stages the cascade from the output to the input has; each explains again, the last has all weights drawn anew. */
  stages: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 3),
});

export type ModelRandomisationParameters = z.infer<typeof modelParameters>;

/** Whether the explanation depends on what the model has learnt: it should be another when weights are drawn anew. */
export const modelRandomisation: Metric<ModelRandomisationParameters, 'lower'> = {
  title: 'Model randomisation (MPRT)',
  family: 'randomisation',
  judgedBy: 'methods',
  formula: 'mean_s |ρ(A(f), A(f with the top s layers drawn anew))|, ρ Spearman',
  source: 'Adebayo et al. 2018, arXiv 1810.03292',
  range: [0, 1],
  direction: 'lower',
  assumes:
    'the architecture alone does not already fix the right explanation; shared structure of the input keeps ρ above 0',
  sensitivity: 'stages: more show which layers matter; few suffice for the mean',
  needs: 'method',
  parameters: modelParameters as z.core.$ZodType<ModelRandomisationParameters>,
  cost: ({ stages }) => ({ forward: 0, backward: 0, again: stages }),
  async run(question, explanation, { stages }) {
    const again = explainAgain(explanation, 'model randomisation');
    const nodes = weightedNodes(question.model.graph);
    if (nodes.length === 0) {
      throw new WhereforeError('invalid-argument', 'the model has no weights to draw anew', {
        got: 'no convolution, product, recurrent layer or embedding with float weights',
        fix: 'leave model randomisation out',
      });
    }
    const count = Math.min(stages, nodes.length);
    const parts: Record<string, number> = {};
    const unread = unreadWeights(
      question.model,
      nodes.flatMap((node) => node.weights),
    );
    const notes = unread.length
      ? [
          `${unread.length} of the weights lie in a file of their own: drawn with the deviation of He's initialisation, not with their own`,
        ]
      : undefined;
    for (let stage = 1; stage <= count; stage++) {
      const depth = Math.round((stage * nodes.length) / count);
      const weights = [...new Set(nodes.slice(0, depth).flatMap((node) => node.weights))];
      const other = await again({ model: randomisedModel(question.model, weights, question.seed) });
      parts[`top ${depth} of ${nodes.length}`] = similarity(explanation.map.values, other.values);
    }
    return { score: meanOf(Object.values(parts)), parts, notes };
  },
};

const logitParameters = z.strictObject({
  /** Other classes that are explained. */
  classes: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 2),
});

export type RandomLogitParameters = z.infer<typeof logitParameters>;

/** Whether the explanation depends on what is explained: it should be another for another class. */
export const randomLogit: Metric<RandomLogitParameters, 'lower'> = {
  title: 'Random logit',
  family: 'randomisation',
  judgedBy: 'methods',
  formula: 'mean_{k ≠ c} |ρ(A(f_c), A(f_k))|, ρ Spearman',
  source: 'Sixt, Granz, Landgraf 2020, arXiv 1912.09818',
  range: [0, 1],
  direction: 'lower',
  assumes:
    'classes have different evidence; with two classes one explanation is the negative of the other, and the score is 1',
  sensitivity: 'classes: the mean over few drawn classes varies; similar classes keep it above 0',
  needs: 'method',
  parameters: logitParameters as z.core.$ZodType<RandomLogitParameters>,
  cost: ({ classes }) => ({ forward: 0, backward: 0, again: classes }),
  async run({ target, classes: available = 0, seed }, explanation, { classes }) {
    const again = explainAgain(explanation, 'random logit');
    if (!('class' in target) || 'anchor' in target || available < 2) {
      throw new WhereforeError('invalid-argument', 'random logit needs a target among classes', {
        got: target.kind,
        expected: 'classLogit or classProbability',
      });
    }
    const others = Array.from({ length: available }, (_, k) => k).filter((k) => k !== target.class);
    const drawn = Array.from(
      choose(others.length, Math.min(classes, others.length), random(seed, 3)),
      (i) => others[i],
    );
    const parts: Record<string, number> = {};
    for (const other of drawn) {
      const map = await again({ target: { ...target, class: other } as Target });
      parts[`class ${other}`] = similarity(explanation.map.values, map.values);
    }
    return { score: meanOf(Object.values(parts)), parts };
  },
};

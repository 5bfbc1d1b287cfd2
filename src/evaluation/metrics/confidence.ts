import * as z from 'zod/mini';
import { maskOf } from '../map.ts';
import { blendedPoints } from '../perturbation.ts';
import type { Metric } from './metric.ts';

const shared = {
  family: 'faithfulness',
  judgedBy: 'consensus',
  source: 'Chattopadhay et al. 2018, arXiv 1710.11063 (Grad-CAM++)',
  range: [0, 1],
  assumes:
    'the map is a mask: between 0 and 1, or min–max scaled to it; a mask that keeps everything scores best, so read it beside MSI',
  sensitivity: 'no parameters; min–max scaling lifts noise where a map has no peak',
  needs: 'map',
  parameters: z.strictObject({}),
  cost: () => ({ forward: 1, backward: 0 }),
} as const;

/** Which share of the confidence is lost when only the map shows the input. */
export const averageDrop: Metric<Record<string, never>, 'lower'> = {
  ...shared,
  title: 'Average drop',
  formula: 'max(0, c(x) − c(m·x + (1 − m)·b)) / c(x)',
  direction: 'lower',
  async run(question, { map }) {
    const [masked] = await question.confidenceAt(blendedPoints(question, [maskOf(map)]));
    return {
      score: Math.max(0, question.confidence - masked) / Math.max(question.confidence, 1e-6),
      parts: { masked },
    };
  },
};

/** Whether the model is surer when only the map shows the input; over inputs, how often. */
export const increaseInConfidence: Metric<Record<string, never>, 'higher'> = {
  ...shared,
  title: 'Increase in confidence',
  formula: '[c(m·x + (1 − m)·b) > c(x)]',
  direction: 'higher',
  async run(question, { map }) {
    const [masked] = await question.confidenceAt(blendedPoints(question, [maskOf(map)]));
    return { score: masked > question.confidence ? 1 : 0, parts: { masked } };
  },
};

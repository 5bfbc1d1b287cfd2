import * as z from 'zod/mini';
import { classLogProbability as compiled } from '../class-scores.ts';
import { type OfClasses, ofClasses, type TargetKind } from '../kind.ts';
import { partsForm } from '../parts.ts';
import { builtIn } from '../single-score.ts';
import { probabilityOfClass } from './class-probability.ts';

/** The logarithm of the probability of a class, see `classProbability`. */
export interface ClassLogProbabilityTarget extends OfClasses {
  readonly kind: 'classLogProbability';
  readonly class: number;
}

export const classLogProbability = {
  schema: z.object({ kind: z.literal('classLogProbability'), class: z.int(), ...ofClasses }),
  forms: [
    partsForm('log-probability', 'log-probability:CLASS', [1, 1], ([name], { classOf }) => ({
      kind: 'classLogProbability',
      class: classOf(name),
    })),
  ],
  unit: 'nats',
  ofClasses: true,
  compile: (source, target) => compiled(source, target),
  describe: (target, { name, of }) => `log-probability of class ${name(target.class)}${of}`,
  write: (target, className) => `log-probability:${className(target.class)}`,
  form: (target) => builtIn(target),
  probability: (target, isNumber) => probabilityOfClass(target, isNumber),
  about: (target) => [target.class],
} satisfies TargetKind<ClassLogProbabilityTarget>;

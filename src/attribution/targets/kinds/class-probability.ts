import * as z from 'zod/mini';
import { classProbability as compiled } from '../class-scores.ts';
import { type OfClasses, ofClasses, type TargetKind } from '../kind.ts';
import { partsForm } from '../parts.ts';
import { builtIn } from '../single-score.ts';

/**
 * The probability of a class: the output itself if the model ends in softmax or sigmoid, else the softmax of it, or the
 * sigmoid where the output is one number.
 */
export interface ClassProbabilityTarget extends OfClasses {
  readonly kind: 'classProbability';
  readonly class: number;
}

/** The probability of the class of another target; undefined where the only number of an output is a value. */
export function probabilityOfClass(
  { class: index, output, binary, scale }: OfClasses & { readonly class: number },
  isNumber: boolean,
): ClassProbabilityTarget | undefined {
  if (index === 0 && !binary && isNumber) return undefined;
  return { kind: 'classProbability', class: index, output, binary, scale };
}

export const classProbability = {
  schema: z.object({ kind: z.literal('classProbability'), class: z.int(), ...ofClasses }),
  forms: [
    partsForm('probability', 'probability:CLASS', [1, 1], ([name], { classOf }) => ({
      kind: 'classProbability',
      class: classOf(name),
    })),
  ],
  unit: '0.01 is one point',
  ofClasses: true,
  compile: (source, target) => compiled(source, target),
  describe: (target, { name, of }) => `probability of class ${name(target.class)}${of}`,
  write: (target, className) => `probability:${className(target.class)}`,
  form: (target) => builtIn(target),
  probability: (target) => target,
  about: (target) => [target.class],
} satisfies TargetKind<ClassProbabilityTarget>;

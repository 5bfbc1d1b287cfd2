import * as z from 'zod/mini';
import { classLogit as compiled } from '../class-scores.ts';
import { type OfClasses, ofClasses, type TargetForm, type TargetKind } from '../kind.ts';
import { partsForm, readParts } from '../parts.ts';
import { builtIn } from '../single-score.ts';
import { probabilityOfClass } from './class-probability.ts';

/** The score of a class before softmax or sigmoid. */
export interface ClassLogitTarget extends OfClasses {
  readonly kind: 'classLogit';
  readonly class: number;
}

const named = (prefix: string): TargetForm<ClassLogitTarget> =>
  partsForm(prefix, 'logit:CLASS', [1, 1], ([name], { classOf }) => ({ kind: 'classLogit', class: classOf(name) }));

/** A class alone: what is written in no other form. */
export const bareClass: TargetForm<ClassLogitTarget> = {
  text: 'CLASS or "label"',
  read: (text, surroundings) =>
    readParts('CLASS or "label"', text, [1, 1], surroundings, ([name], { classOf }) => ({
      kind: 'classLogit',
      class: classOf(name),
    })),
};

export const classLogit = {
  schema: z.object({ kind: z.literal('classLogit'), class: z.int(), ...ofClasses }),
  forms: [bareClass, named('logit'), named('class')],
  unit: 'logits',
  ofClasses: true,
  compile: (source, target) => compiled(source, target),
  describe: (target, { name, of }) => `logit of class ${name(target.class)}${of}`,
  write: (target, className) => className(target.class),
  form: (target) => builtIn(target),
  probability: (target, isNumber) => probabilityOfClass(target, isNumber),
  about: (target) => [target.class],
} satisfies TargetKind<ClassLogitTarget>;

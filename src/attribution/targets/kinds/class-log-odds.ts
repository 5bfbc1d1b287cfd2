import * as z from 'zod/mini';
import { classLogOdds as compiled } from '../class-scores.ts';
import { type OfClasses, ofClasses, type TargetKind } from '../kind.ts';
import { partsForm } from '../parts.ts';
import { builtIn } from '../single-score.ts';
import { probabilityOfClass } from './class-probability.ts';

/** The log-odds of a class, `log p / (1 − p)`, or against another class, `log p − log p_against`. */
export interface ClassLogOddsTarget extends OfClasses {
  readonly kind: 'classLogOdds';
  readonly class: number;
  readonly against?: number;
}

export const classLogOdds = {
  schema: z.object({ kind: z.literal('classLogOdds'), class: z.int(), against: z.optional(z.int()), ...ofClasses }),
  forms: [
    partsForm('log-odds', 'log-odds:CLASS or log-odds:A,B', [1, 2], ([a, b], { classOf }) => ({
      kind: 'classLogOdds',
      class: classOf(a),
      ...(b !== undefined && { against: classOf(b) }),
    })),
  ],
  unit: 'nats',
  ofClasses: true,
  compile: (source, target) => compiled(source, target),
  describe: ({ class: index, against }, { name, of }) =>
    `log-odds of class ${name(index)}${against === undefined ? '' : ` against class ${name(against)}`}${of}`,
  write: ({ class: index, against }, className) =>
    `log-odds:${className(index)}${against === undefined ? '' : `,${className(against)}`}`,
  form: (target) => `${builtIn(target)},${target.against !== undefined}`,
  probability: (target, isNumber) => (target.against === undefined ? probabilityOfClass(target, isNumber) : undefined),
  about: (target) => [target.class],
} satisfies TargetKind<ClassLogOddsTarget>;

import * as z from 'zod/mini';
import { classLogit, classLogOdds } from '../class-scores.ts';
import { type OfClasses, ofClasses, type TargetKind } from '../kind.ts';
import { partsForm } from '../parts.ts';
import { isSingle } from '../single-score.ts';

/** `logit a − logit b`: why a rather than b. */
export interface LogitDifferenceTarget extends OfClasses {
  readonly kind: 'logitDifference';
  readonly a: number;
  readonly b: number;
}

export const logitDifference = {
  schema: z.object({ kind: z.literal('logitDifference'), a: z.int(), b: z.int(), ...ofClasses }),
  forms: [
    partsForm('difference', 'difference:A,B', [2, 2], ([a, b], { classOf }) => ({
      kind: 'logitDifference',
      a: classOf(a),
      b: classOf(b),
    })),
  ],
  unit: 'logits',
  ofClasses: true,
  compile: (source, { a, b, binary, scale }) => {
    // Of one number the logits are z and −z, and what tells the classes apart is z, not 2 z.
    if (isSingle(source) && a !== b) return classLogOdds(source, { class: a, against: b, scale });
    const [first, second] = [a, b].map((index) => classLogit(source, { class: index, binary, scale }));
    return source.builder.op('Sub', [first, second]);
  },
  describe: ({ a, b }, { name, of }) => `logit of class ${name(a)} minus logit of class ${name(b)}${of}`,
  write: ({ a, b }, className) => `difference:${className(a)},${className(b)}`,
  form: ({ a, scale }) => `${a === 0},${scale}`,
  about: ({ a, b }) => [a, b],
} satisfies TargetKind<LogitDifferenceTarget>;

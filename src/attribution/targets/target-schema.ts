import * as z from 'zod';
import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { describeValue } from '../../tensor/check-tensor.ts';

const ofClasses = {
  binary: z.boolean().optional(),
  scale: z.enum(['probabilities', 'independent']).optional(),
  output: z.string().optional(),
};

/** The form of a target: as a document records it, and as a caller in JavaScript may give it. */
export const targetSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('classLogit'), class: z.int(), ...ofClasses }),
  z.object({ kind: z.literal('classProbability'), class: z.int(), ...ofClasses }),
  z.object({ kind: z.literal('classLogProbability'), class: z.int(), ...ofClasses }),
  z.object({ kind: z.literal('classLogOdds'), class: z.int(), against: z.int().optional(), ...ofClasses }),
  z.object({ kind: z.literal('logitDifference'), a: z.int(), b: z.int(), ...ofClasses }),
  z.object({ kind: z.literal('tokenLogProbability'), position: z.int(), id: z.int(), output: z.string().optional() }),
  z.object({ kind: z.literal('detectionScore'), anchor: z.int(), class: z.int(), output: z.string().optional() }),
  z.object({ kind: z.literal('boxCoordinate'), anchor: z.int(), coordinate: z.int(), output: z.string().optional() }),
  z.object({ kind: z.literal('output'), index: z.array(z.int()), output: z.string().optional() }),
  z.object({
    kind: z.literal('region'),
    class: z.int(),
    region: z.object({ size: z.tuple([z.int().min(1), z.int().min(1)]), runs: z.array(z.int().min(0)) }),
    reduce: z.enum(['mean', 'sum']),
    output: z.string().optional(),
  }),
  z.object({
    kind: z.literal('similarity'),
    to: z.array(z.number()),
    description: z.string(),
    output: z.string().optional(),
  }),
  z.object({ kind: z.literal('expression'), text: z.string() }),
]);

const kinds = targetSchema.options.map(({ shape }) => shape.kind.value);

/**
 * Checks a target, which a caller in JavaScript may have given in any form.
 * @throws WhereforeError `invalid-argument` for what is no target, a kind that does not exist or a wrong field
 */
export function checkTarget(stated: unknown): void {
  const { kind } = (typeof stated === 'object' && stated !== null ? stated : {}) as { readonly kind?: unknown };
  if (typeof kind !== 'string') {
    throw new WhereforeError('invalid-argument', 'this is no target', {
      got: describeValue(stated),
      expected: `an object with one of the kinds ${kinds.join(', ')}`,
      fix: "name its kind, e.g. { kind: 'classLogit', class: 3 }",
    });
  }
  if (!kinds.includes(kind as (typeof kinds)[number])) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of target', {
      got: kind,
      guess: nearest(kind, kinds),
      expected: kinds.join(', '),
    });
  }
  const parsed = targetSchema.safeParse(stated);
  if (parsed.success) return;
  const [{ path, message }] = parsed.error.issues;
  const [field] = path;
  const value = (stated as Readonly<Record<PropertyKey, unknown>>)[field];
  throw new WhereforeError(
    'invalid-argument',
    `${path.join('.')}${typeof value === 'number' ? ` ${value}` : ''} of a target of kind ${kind}`,
    {
      got: value === undefined ? 'nothing' : describeValue(value),
      expected: message.replace(/^Invalid input: expected ([a-z]+).*$/, (_, type) =>
        type === 'int' ? 'a whole number' : `a ${type}`,
      ),
    },
  );
}

import { checked } from '../../checked.ts';
import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { describeValue } from '../../tensor/check-tensor.ts';
import { lookup } from '../../tensor/lookup.ts';
import { targetKinds } from './kinds/index.ts';

const kinds = Object.keys(targetKinds);

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
  const row = lookup(targetKinds, kind);
  if (!row) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of target', {
      got: kind,
      guess: nearest(kind, kinds),
      expected: kinds.join(', '),
    });
  }
  const parsed = checked(row.schema, stated);
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

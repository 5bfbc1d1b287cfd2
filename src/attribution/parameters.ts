import type * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { describeValue } from '../tensor/check-tensor.ts';

type Issue = z.core.$ZodIssue;

const types: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What would have been right, by what the schema found wrong. */
const expectations: { readonly [C in Issue['code']]?: (issue: Extract<Issue, { code: C }>) => string | undefined } = {
  invalid_type: ({ expected }) => types[expected] ?? expected,
  invalid_value: ({ values }) => values.map(String).join(' or '),
  too_small: ({ minimum, inclusive, origin }) =>
    `${inclusive === false ? 'more than' : 'at least'} ${minimum}${origin === 'array' ? ' elements' : ''}`,
  too_big: ({ maximum, inclusive, origin }) =>
    `${inclusive === false ? 'less than' : 'at most'} ${maximum}${origin === 'array' ? ' elements' : ''}`,
  invalid_union: ({ errors }) =>
    [...new Set(errors.flatMap(([first]) => (first && expectationOf(first)) ?? []))].join(' or ') || undefined,
};

function expectationOf(issue: Issue): string | undefined {
  return (expectations[issue.code] as ((issue: Issue) => string | undefined) | undefined)?.(issue);
}

/** Names of the parameters that a schema takes. */
export function parameterNames(schema: z.core.$ZodType): string[] {
  return Object.keys((schema as unknown as { readonly shape?: object }).shape ?? {});
}

/**
 * The parameters of a method, a metric or other settings, with their defaults.
 * @param name whose parameters they are
 * @throws WhereforeError `invalid-argument` for one that does not exist, with the nearest that does, or a wrong value
 */
export function checkParameters<P>(name: string, schema: z.core.$ZodType<P>, given: unknown): P {
  const parsed = checked(schema, given);
  if (parsed.success) return parsed.data;
  const known = parameterNames(schema);
  const [issue] = parsed.error.issues;
  const takes = `it takes ${known.join(', ') || 'no parameters'}`;
  if (issue.code === 'unrecognized_keys') {
    throw unknownName(`${name} has no parameter`, issue.keys[0], known, {
      code: 'invalid-argument',
      expected: undefined,
      fix: known.length ? `it takes ${known.join(', ')}` : 'leave it out: it takes none',
    });
  }
  if (issue.path.length === 0) {
    throw new WhereforeError('invalid-argument', `the parameters of ${name}`, {
      got: describeValue(given),
      expected: expectationOf(issue) ?? issue.message,
      fix: takes,
    });
  }
  const path = issue.path.join('.');
  const got = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    given,
  );
  // A schema says itself, in its own words, what a parameter without a default has to be.
  const isTold = issue.code === 'custom' || (got === undefined && !issue.message.startsWith('Invalid'));
  throw new WhereforeError(
    'invalid-argument',
    isTold ? `${name}.${path}: ${issue.message}` : `parameter ${path} of ${name}`,
    {
      got: got === undefined ? 'nothing' : JSON.stringify(got),
      expected: isTold ? undefined : (expectationOf(issue) ?? issue.message),
      fix:
        got === undefined
          ? `add --set ${name}.${path}=… (parameters: { ${JSON.stringify(name)}: { ${path}: … } } in a program)`
          : undefined,
    },
  );
}

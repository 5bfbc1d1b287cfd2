import { en } from 'zod/locales';
import * as z from 'zod/mini';

/** What zod/mini says of a value in words, which it leaves to its caller. */
const { localeError: error } = /* @__PURE__ */ en();

/** Whether a value has the form of a schema, and the value; else what is wrong, in English. */
export const checked = <S extends z.core.$ZodType>(
  schema: S,
  value: unknown,
): z.core.util.SafeParseResult<z.output<S>> => z.safeParse(schema, value, { error });

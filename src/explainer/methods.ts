import {
  type MethodName as AttributionMethodName,
  methods as attributionMethods,
} from '../attribution/methods/index.ts';
import type { Method } from '../attribution/methods/method.ts';
import { lax } from './method.ts';

/** Every method that a user can name: those of attribution, and the learned explainer, which needs a file of its own. */
export const methods = { ...attributionMethods, lax } as const;

export type MethodName = AttributionMethodName | 'lax';

/** The table with the parameters' types left open, for callers that take the name from a user. */
export const methodTable: Readonly<Record<string, Method>> = methods as unknown as Record<string, Method>;

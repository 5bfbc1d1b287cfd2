import type { InfluenceMethod } from '../method.ts';
import { controlMethods } from './control-methods.ts';
import { factoredMethods, gradientMethods } from './gradient-methods.ts';
import { retrainingMethods } from './retraining-methods.ts';
import { similarityMethods } from './similarity-methods.ts';
import { trainingMethods } from './training-methods.ts';

/**
 * Every way to score training rows, by the name that a user types. Rows are data; what runs is loaded when it runs. Help,
 * documentation, comparisons and the conformance suite iterate over this table.
 */
export const influenceMethods = {
  ...factoredMethods,
  ...gradientMethods,
  ...similarityMethods,
  ...retrainingMethods,
  ...controlMethods,
  ...trainingMethods,
} as const;

export type InfluenceMethodName = keyof typeof influenceMethods;

/** The table with the types of needs and parameters left open, for callers that take the name from a user. */
export const influenceTable = influenceMethods as unknown as Readonly<Record<string, InfluenceMethod>>;

import type { Workload } from './method.ts';

/** What every method is and needs that masks groups of features in the input with the baseline. */
export const coalitionMethod = {
  needs: 'outputs',
  layers: 'any',
  baseline: 'required',
  takesSamples: true,
  usesGroups: true,
  implicitBaseline: undefined,
  zeroDifference: true,
} as const;

/** Forward passes for the values of so many coalitions: each with every sample, and the empty one's where that is not known. */
export function gamePasses(coalitions: number, { references, hidesAll }: Workload): number {
  return (coalitions + (hidesAll ? 0 : 1)) * references;
}

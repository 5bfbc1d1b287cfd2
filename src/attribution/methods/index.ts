import { gradCam, layerCam } from './class-activation.ts';
import { gradient, gradientTimesInput } from './gradient.ts';
import { integratedGradients } from './integrated-gradients.ts';
import type { Method } from './method.ts';
import { occlusion } from './occlusion.ts';

/** Every attribution method by the name that a user types. Help, documentation and comparisons iterate over this table. */
export const methods = {
  'integrated-gradients': integratedGradients,
  gradient,
  'gradient-x-input': gradientTimesInput,
  'grad-cam': gradCam,
  'layer-cam': layerCam,
  occlusion,
} as const;

export type MethodName = keyof typeof methods;

/** The table with the parameters' types left open, for callers that take the name from a user. */
export const methodTable: Readonly<Record<string, Method>> = methods as unknown as Record<string, Method>;

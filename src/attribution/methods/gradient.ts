import * as z from 'zod/mini';
import type { Tensors } from '../../runtime/runtime.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { pointOf } from '../points.ts';
import type { Gradient } from '../prepared.ts';
import { timesDifference } from './difference.ts';
import { type Method, type MethodContext, type MethodResult, sumOf } from './method.ts';

/** The gradient of the target at the input, for each value of the layer; its sums are the caller's to change. */
export async function gradientAtInput(context: MethodContext): Promise<Gradient> {
  const { gradient, prepared, features, layer, rules } = context;
  if (!gradient) return prepared.gradient(pointOf(features), { wrt: layer, rules });
  return { ...gradient, sums: new Map([...gradient.sums].map(([name, sum]) => [name, sum.slice()])) };
}

/** A result with the layer's shapes from one list of elements a value. */
export function resultOf(
  features: Tensors,
  elements: ReadonlyMap<string, Float64Array>,
): Pick<MethodResult, 'values' | 'sum'> {
  const values = new Map(
    [...elements].map(([name, list]) => [name, float32((features.get(name) as Tensor).shape, Float32Array.from(list))]),
  );
  return { values, sum: sumOf(elements.values()) };
}

/** `A = F ⊙ ∂f/∂F`, with the derivative or what a method's rules put in its place. */
export async function timesFeatures(context: MethodContext): Promise<MethodResult> {
  const { sums, notes } = await gradientAtInput(context);
  for (const [name, sum] of sums) {
    const feature = (context.features.get(name) as Tensor<'float32'>).data;
    for (let i = 0; i < sum.length; i++) sum[i] = timesDifference(sum[i], feature[i]);
  }
  return { ...resultOf(context.features, sums), gradientNotes: notes };
}

/** What the methods of one gradient are and need: no baseline, no parameters, no promise of a sum. */
export const gradientMethod = {
  needs: 'gradient',
  layers: 'any',
  baseline: 'unused',
  completeness: 'none',
  zeroDifference: false,
  parameters: z.strictObject({}),
  cost: () => ({ forward: 0, backward: 1 }),
} as const;

/** `∂f/∂F`, with the derivative or what a method's rules put in its place. */
export async function plainGradient(context: MethodContext): Promise<MethodResult> {
  const { sums, notes } = await gradientAtInput(context);
  return { ...resultOf(context.features, sums), gradientNotes: notes };
}

/** How fast the target changes with each feature: a rate, not a share of the output. */
export const gradient: Method<Record<string, never>> = {
  title: 'Gradient (saliency)',
  source: 'Simonyan, Vedaldi, Zisserman 2013, arXiv 1312.6034',
  formula: 'A = ∂f/∂F',
  ...gradientMethod,
  implicitBaseline: { kind: 'infinitesimal', text: 'an infinitesimal change' },
  meaning: { kind: 'rate', what: 'a rate of change' },
  gradientAtInput: () => undefined,
  run: plainGradient,
};

/** First-order Taylor expansion towards a zero feature. */
export const gradientTimesInput: Method<Record<string, never>> = {
  title: 'Gradient × input',
  source: 'Shrikumar et al. 2016, arXiv 1605.01713',
  formula: 'A = F ⊙ ∂f/∂F',
  ...gradientMethod,
  implicitBaseline: { kind: 'zero-feature', text: 'a zero feature, to first order' },
  implicitTarget: 'zero-feature',
  meaning: { kind: 'share', what: 'a share to first order' },
  gradientAtInput: () => undefined,
  run: timesFeatures,
};

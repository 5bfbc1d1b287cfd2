import type { z } from 'zod';
import type { GradientNote } from '../../autodiff/context.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { Passes, Prepared } from '../prepare.ts';

/** What a method starts from: everything at the input and, where a baseline was stated, at the baseline. */
export interface MethodContext {
  readonly prepared: Prepared;
  /** Names of the values of the layer. */
  readonly layer: readonly string[];
  /** Whether the layer separates the explained inputs from the target. */
  readonly isCut: boolean;
  /** The layer at the input, `F = φ(x)`. */
  readonly features: Tensors;
  /** The layer at the baseline, `F0 = φ(x0)`. */
  readonly baselineFeatures: Tensors | undefined;
  readonly inputs: Tensors;
  readonly baselineInputs: Tensors | undefined;
  /** `f(x)`. */
  readonly value: number;
  /** `f(x0)`. */
  readonly baselineValue: number | undefined;
  readonly layout: InputLayout;
}

export interface MethodResult {
  /** One tensor for each value of the layer; its shape is the layer's, or a map over space where the method says so. */
  readonly values: ReadonlyMap<string, Tensor<'float32'>>;
  /** The sum of all attributions, in float64. */
  readonly sum: number;
  /** Whether the method's own stopping rule was met; undefined for methods without one. */
  readonly converged?: boolean;
  /** Numbers that the method chose itself, such as the steps it took. */
  readonly chosen?: Readonly<Record<string, number | string>>;
  readonly gradientNotes?: readonly GradientNote[];
}

/** A row of the table of methods. */
export interface Method<Parameters = Record<string, unknown>> {
  readonly title: string;
  /** Where the method was published. */
  readonly source: string;
  /** The formula in one line. */
  readonly formula: string;
  /** gradient: the model must be differentiable behind the layer. outputs: any model. */
  readonly needs: 'gradient' | 'outputs';
  /** any: every layer. input: the input only. spatial: layers of shape [batch, channel, …space]. */
  readonly layers: 'any' | 'input' | 'spatial';
  /** Whether a baseline must be stated for the method to run. */
  readonly baseline: 'required' | 'unused';
  /** What the method compares with, where that is not the stated baseline. */
  readonly implicitBaseline: string | undefined;
  readonly parameters: z.ZodType<Parameters>;
  /** Passes that a run takes, before it starts; the most of an adaptive method. */
  cost(parameters: Parameters, elements: number): Passes;
  run(context: MethodContext, parameters: Parameters): Promise<MethodResult>;
}

/** Sum of a result in float64. */
export function sumOf(values: Iterable<ArrayLike<number>>): number {
  let sum = 0;
  for (const list of values) for (let i = 0; i < list.length; i++) sum += list[i];
  return sum;
}

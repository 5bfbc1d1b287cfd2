import type * as z from 'zod/mini';
import type { GradientNote } from '../../autodiff/context.ts';
import { WhereforeError } from '../../errors.ts';
import type { Model } from '../../runtime/model.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { Partition } from '../groups.ts';
import type { RuleSet } from '../plan.ts';
import type { Gradient, Passes, Prepared } from '../prepared.ts';
import type { Target } from '../targets/kinds/index.ts';

/** The model at one baseline input. */
export interface Reference {
  /** All inputs, with the explained ones at the baseline. */
  readonly inputs: Tensors;
  /** The layer there, `F0 = φ(x0)`. */
  readonly features: Tensors;
  /** `f(x0)`. */
  readonly value: number;
}

/** What a method starts from: everything at the input and, where a baseline was stated, at the baseline. */
export interface MethodContext {
  readonly prepared: Prepared;
  readonly target: Target;
  /** Names of the inputs that the baseline replaces. */
  readonly explained: readonly string[];
  /** Names of the values of the layer. */
  readonly layer: readonly string[];
  /** Whether the layer separates the explained inputs from the target. */
  readonly isCut: boolean;
  /** Whether one run can give the target, the layer and the gradient there. */
  readonly sharesRun: boolean;
  /** The layer at the input, `F = φ(x)`. */
  readonly features: Tensors;
  readonly inputs: Tensors;
  /** `f(x)`. */
  readonly value: number;
  /** One for each sample of the baseline; none where no baseline was stated. */
  readonly references: readonly Reference[];
  /** How the axes of the inputs and of the layer's values are to be read, where that is known. */
  readonly layouts: ReadonlyMap<string, InputLayout>;
  /** Elements that are perturbed together. */
  readonly partition: Partition;
  /** Rules of the backward pass of methods that start from one gradient; none for derivatives. */
  readonly rules?: RuleSet;
  /** The gradient at the input, from the run that gave `f(x)` and `F`, for methods that start from it. */
  readonly gradient?: Gradient;
  /** Opens a learned explainer for the model that is explained; undefined where the caller has no way to. */
  readonly loadExplainer?: LoadExplainer;
  /** Whether the caller named the groups, rather than leaving them to their default. */
  readonly hasGroups: boolean;
}

/** A trained model that masks an input; `wherefore adapt` makes one. */
export interface MaskModel {
  readonly facts: {
    /** Name of the model's input that is masked, and the axis of its channels. */
    readonly input: string;
    readonly channelAxis: number;
    readonly height: number;
    readonly width: number;
    /** Mask values from here on count as needed. */
    readonly threshold: number;
    /** Gradients of the model that it looks at. */
    readonly gradients: { readonly points: readonly unknown[] };
  };
  /** Masks `[N, 1, H, W]` between 0 and 1 for inputs and classes, in one run. */
  masks(inputs: Tensor, classes: readonly number[]): Promise<Tensor<'float32'>>;
}

/**
 * Opens the learned explainer of a file.
 * @param model the model that it has to have been trained on
 * @throws WhereforeError `invalid-argument` where it was trained on another one
 */
export type LoadExplainer = (path: string, model: Model) => Promise<MaskModel>;

export interface MethodResult {
  /** One tensor for each value of the layer; its shape is the layer's, or a map over space where the method says so. */
  readonly values: ReadonlyMap<string, Tensor<'float32'>>;
  /** The sum of all attributions, in float64. */
  readonly sum: number;
  /** Standard error of each value, of the same shape, where the method samples: how far another seed would move it. */
  readonly standardErrors?: ReadonlyMap<string, Tensor<'float32'>>;
  /** The largest standard error relative to the largest value; of groups, where they are hidden together. */
  readonly relativeStandardError?: number;
  /** Whether the method's own stopping rule was met; undefined for methods without one. */
  readonly converged?: boolean;
  /** Numbers that the method chose itself, such as the steps it took. */
  readonly chosen?: Readonly<Record<string, number | string>>;
  /** What a reader has to know of the result. */
  readonly notes?: readonly string[];
  readonly gradientNotes?: readonly GradientNote[];
}

/** What the cost of a method depends on besides its parameters. */
export interface Workload {
  /** Elements of the layer. */
  readonly elements: number;
  /** Groups of elements; 0 for methods that do not use them. */
  readonly groups: number;
  /** Channels of the layer, where it has them. */
  readonly channels: number;
  /** Samples of the baseline. */
  readonly references: number;
  /** Whether hiding every group leaves nothing but the baseline. */
  readonly hidesAll: boolean;
  /** Lengths of the axes of space of each value of the layer that has them; none where groups are named. */
  readonly spaces: readonly (readonly number[])[];
  /** Whether some value of the layer has no axes of space, or groups are named. */
  readonly hasSpaceless: boolean;
}

/** What is known of a run before it begins. */
export interface Conditions {
  readonly target: Target;
  readonly inputs: Tensors;
  /** Names of the inputs that the baseline replaces. */
  readonly explained: readonly string[];
  /** Names of the values of the layer. */
  readonly layer: readonly string[];
  /** Shape of the output that the target reads. */
  readonly output: readonly number[];
  readonly layouts: ReadonlyMap<string, InputLayout>;
  /** Groups that differ from the baseline; undefined where that is not known yet, at inner layers. */
  readonly players: number | undefined;
}

/**
 * What the values of a method are. share: parts of a difference, which add up to it exactly, in the limit or up to a
 * remainder. rate: how fast the target changes with an element. mask: between 0 and 1, how much of an element is needed.
 * score: anything else that ranks elements, such as the effect of hiding one part alone. Only shares have an error.
 */
export type ValueKind = 'share' | 'rate' | 'mask' | 'score';

/** What a method compares with, where that is not the stated baseline. */
export interface ImplicitBaseline {
  /**
   * zero-feature: the layer at 0. infinitesimal: the input itself, a little changed. trained: what a learned explainer
   * was trained with. none: nothing, the values add up to the output itself.
   */
  readonly kind: 'zero-feature' | 'infinitesimal' | 'trained' | 'none';
  /** The same in words, for people alone. */
  readonly text: string;
}

/** See {@link Method.meaning}. */
export interface Meaning {
  readonly kind: ValueKind;
  /** One value with its article, e.g. `a rate of change`. */
  readonly what: string;
  /** Whether each value is a mean of outputs: several elements together have their mean, not their sum. */
  readonly isMean?: true;
}

/** A row of the table of methods. */
export interface Method<Parameters = Record<string, unknown>> {
  readonly title: string;
  /** Where the method was published. */
  readonly source: string;
  /** The formula in one line. */
  readonly formula: string;
  /** gradient: the model must be differentiable behind the layer. features: inner values must be readable. outputs: any model. */
  readonly needs: 'gradient' | 'features' | 'outputs';
  /** any: every layer. input: the input only. spatial: layers of shape [batch, channel, …space]. */
  readonly layers: 'any' | 'input' | 'spatial';
  /** Whether a baseline must be stated for the method to run. */
  readonly baseline: 'required' | 'unused';
  /** Whether the method works with several samples of the baseline itself; else it runs once for each, averaged. */
  readonly takesSamples?: true;
  /** Whether the method perturbs groups of elements. */
  readonly usesGroups?: true;
  /** What its values are: whether they promise a sum, and how metrics and pages read them. */
  readonly meaning: Meaning;
  /** What the method compares with, where that is not the stated baseline. */
  readonly implicitBaseline: ImplicitBaseline | undefined;
  /** The difference that the method explains with respect to its implicit baseline: `f(x) − g(0)` at the layer, or `f(x)`. */
  readonly implicitTarget?: 'zero-feature' | 'output';
  /** Whether `ΣA = T` at a cut: up to float32 (exact), as parameters grow (convergent), or not at all. */
  readonly completeness: 'exact' | 'convergent' | 'none';
  /** Whether `F_i = F0_i` implies `A_i = 0`. */
  readonly zeroDifference: boolean;
  readonly parameters: z.core.$ZodType<Parameters>;
  /** Parameters that are paths of files. */
  readonly files?: readonly string[];
  /**
   * For methods that start from one gradient at the input: the rules of its backward pass, undefined for derivatives. It
   * then comes from the run that looks at the input, once for all baselines, and `cost` counts no forward pass for it.
   */
  gradientAtInput?(parameters: Parameters): RuleSet | undefined | Promise<RuleSet | undefined>;
  /** Passes that a run takes beside those at the input and at the baselines; the most of an adaptive method. */
  cost(parameters: Parameters, workload: Workload): Passes;
  /**
   * Throws what `run` is bound to throw, so that it is told before the runs of other methods.
   * @throws WhereforeError as `run`
   */
  check?(parameters: Parameters, conditions: Conditions): void;
  run(context: MethodContext, parameters: Parameters): Promise<MethodResult>;
}

/**
 * The baseline of methods that compare with one at a time.
 * @throws WhereforeError `invalid-argument` where none was stated
 */
export function onlyReference({ references }: Pick<MethodContext, 'references'>): Reference {
  const [reference] = references;
  if (reference) return reference;
  throw new WhereforeError('invalid-argument', 'this method needs a baseline', { fix: 'state one with --baseline' });
}

/** Sum of a result in float64. */
export function sumOf(values: Iterable<ArrayLike<number>>): number {
  let sum = 0;
  for (const list of values) for (let i = 0; i < list.length; i++) sum += list[i];
  return sum;
}

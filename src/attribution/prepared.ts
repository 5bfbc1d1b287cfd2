import type { GradientNote } from '../autodiff/context.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { WrongRun } from './non-finite.ts';
import type { RuleSet } from './plan.ts';
import type { Points } from './points.ts';
import type { CompiledTarget } from './targets/target.ts';

/** Passes through the model, the unit in which the cost of a method is told. */
export interface Passes {
  forward: number;
  backward: number;
}

/** Backward passes that a Hessian-vector product is counted as: the gradient, and its own forward and backward pass. */
export const curvatureBackward = 3;

/** How the work is cut into runs, watched and stopped. */
export interface WorkOptions {
  /** Bytes that one run may hold beside the weights; more inputs go into one run while they fit. Default 256 MiB. */
  readonly byteBudget?: number;
  /**
   * Whether the numbers of points asked for vary: runs then have one of few sizes, the last filled up with what is
   * thrown away, so that few sessions open. Default false: a run is as large as divides the points best.
   */
  readonly fewSizes?: boolean;
  /** Whether other evaluations of the same model are under way at the same time; default false. */
  readonly sideBySide?: boolean;
  /** Stops the work between two runs, with the error `cancelled`. */
  readonly signal?: AbortSignal;
  /** Called after every run with the passes done so far. */
  readonly onProgress?: (passes: Readonly<Passes>) => void;
}

/** One input of a model with its target, ready to be evaluated and differentiated many times. */
export interface Prepared {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly target: CompiledTarget;
  readonly passes: Passes;
  readonly options: WorkOptions;
  /** The first run that gave a target, and the first that gave a gradient, that is infinite or not a number. */
  readonly wrong: { readonly target?: WrongRun; readonly gradient?: WrongRun };
  /** The target's value for each of several inputs (or values of a cut), and other values of the graph with it. */
  evaluate(points: Points, fetches?: readonly string[], each?: EachRun): Promise<Evaluation>;
  /** `Σ_k weight_k · ∂target/∂w` at several points, per value in `wrt`, and the target at each point. */
  gradient(points: Points, request: GradientAt): Promise<Gradient>;
  /** The target where these values are 0; computed once for all inputs where no input reaches it around them. */
  atZero(features: Tensors): Promise<number>;
  /** The gradient and the Hessian-vector product `H v` at one point, with respect to the values of `vectors`. */
  curvature(at: Tensors, vectors: Tensors): Promise<Curvature>;
}

/** Takes the fetched values of `count` points from `start` on; they are then not kept, and `values` stays empty. */
export type EachRun = (start: number, count: number, values: ReadonlyMap<string, Tensor>) => void;

/** A target at several points. */
export interface Evaluation {
  /** One number a point. */
  readonly target: Float64Array;
  /** Fetched values, one row a point. */
  readonly values: ReadonlyMap<string, Tensor>;
}

/** What is differentiated. */
export interface GradientAt {
  /** Values of the graph with respect to which the target is differentiated. */
  readonly wrt: readonly string[];
  /** Weight of each point in the sum; default 1. */
  readonly weights?: Float64Array;
  /** Other values of the graph to read from the same run. */
  readonly fetches?: readonly string[];
  /** Other rules than derivatives. */
  readonly rules?: RuleSet;
  /** Takes each point's own gradient (valid until it returns); they are then not added up, and `sums` stays empty. */
  readonly each?: (point: number, gradients: ReadonlyMap<string, Float32Array>) => void;
}

/** A target at several points, and the sum of its gradients there. */
export interface Gradient extends Evaluation {
  /** The weighted sum over the points, with one row: shape of the value at batch 1. */
  readonly sums: ReadonlyMap<string, Float64Array>;
  readonly notes: readonly GradientNote[];
}

/** A target at one point, its gradient there and the product of its Hessian with a vector, by name of value. */
export interface Curvature {
  readonly target: number;
  /** `∂target/∂w` */
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** `H v` */
  readonly products: ReadonlyMap<string, Float64Array>;
  readonly notes: readonly GradientNote[];
}

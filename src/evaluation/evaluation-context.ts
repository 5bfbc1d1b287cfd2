import type { Baseline, InputLayout } from '../attribution/baseline.ts';
import type { Points } from '../attribution/points.ts';
import type { Passes, WorkOptions } from '../attribution/prepared.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { FeatureGroups } from './groups.ts';

/** One input with its target and a reference, against which any number of explanations can be scored. */
export interface Question {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly target: Target;
  readonly reference: Baseline;
  /** All inputs at the reference. */
  readonly referenceInputs: Tensors;
  readonly explained: readonly string[];
  readonly layout: InputLayout;
  readonly groups: FeatureGroups;
  readonly truth: Uint8Array | undefined;
  readonly seed: number;
  readonly options: WorkOptions;
  /** `f(x)` and `f(b)` of the target. */
  readonly value: number;
  readonly referenceValue: number;
  /** The confidence `c` at the input and at the reference. */
  readonly confidence: number;
  readonly referenceConfidence: number;
  /** Number of classes among which the model chooses, and the confidence of a guess; undefined where it chooses none. */
  readonly classes: number | undefined;
  readonly chance: number | undefined;
  /** The target at each point. */
  targetAt(points: Points): Promise<Float64Array>;
  /**
   * The confidence at each point: the probability of the explained class or token; for other targets
   * `(f(z) − f(b)) / (f(x) − f(b))`, which is 1 at the input and 0 at the reference.
   */
  confidenceAt(points: Points): Promise<Float64Array>;
  /** Passes through the model so far. */
  passes(): Passes;
}

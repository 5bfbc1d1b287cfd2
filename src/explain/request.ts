import type { MethodName } from '../attribution/methods/index.ts';
import type { StatedBaseline } from '../attribution/stated-baseline.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { GroupsChoice } from './given-groups.ts';
import type { Prediction } from './prediction.ts';

/** What to explain; a function gets the input and what the model said of it. */
export type TargetChoice = Target | ((input: ModelInput, prediction: Prediction) => Target);

/** What "absent" means: one baseline, or one for each input by its name; a function gets the input. */
export type BaselineChoice = StatedBaseline | ((input: ModelInput) => StatedBaseline);

/** What is asked of a model and an input; whatever is left out is chosen from them, and recorded. */
export interface Question {
  /** Default: what the model itself said (the predicted class, the strongest detection, the next token, the value). */
  readonly target?: TargetChoice | readonly TargetChoice[];
  /** Default by kind of input: a black image, other rows of a table, an empty token, zeros. Several make a sweep. */
  readonly baseline?: BaselineChoice | readonly BaselineChoice[];
  /**
   * Names of values, or `input`, or `all` for the layers worth explaining; several names joined by `+` form one layer.
   * Default `input`; for methods over space the last spatial layer; both for an image where no methods are named.
   */
  readonly layers?: readonly string[];
  /** Default `integrated-gradients`; where the model has no gradient `kernel-shap` for few features, else `occlusion`. */
  readonly methods?: readonly MethodName[];
  /**
   * What methods that perturb hide and show together. Default: the columns of a table, the words of a text, superpixels
   * of an image, tiles of a layer with space, else every element alone.
   */
  readonly groups?: GroupsChoice;
  /** Parameters by method. */
  readonly parameters?: Readonly<Partial<Record<MethodName, Readonly<Record<string, unknown>>>>>;
}

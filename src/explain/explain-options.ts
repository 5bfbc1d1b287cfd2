import type { MethodName } from '../attribution/methods/index.ts';
import type { Passes, WorkOptions } from '../attribution/prepared.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Explained } from './explained.ts';
import type { Plan, PlannedExplanation } from './plan.ts';
import type { Question } from './request.ts';
import type { Duration, Speeds } from './speed.ts';

/** A path (image, tensors, row of a table), numbers written out, or tensors by input name. */
export type ExplainSource = string | ReadonlyMap<string, Tensor>;

/** What the caller asks for; whatever is left out is chosen from the model and the input, and recorded. */
export interface ExplainOptions extends Omit<Question, 'methods' | 'layers'>, WorkOptions {
  /** As in {@link Question}; a single name is a list of one. */
  readonly methods?: MethodName | readonly MethodName[];
  /** Another name of `methods`, as the command (`--method`) and `attribute` have it. */
  readonly method?: MethodName | readonly MethodName[];
  /** As in {@link Question}; a single name is a list of one. */
  readonly layers?: string | readonly string[];
  /** Another name of `layers`, as the command has it (`--layer`). */
  readonly layer?: string | readonly string[];
  /** Default: what stands beside the model, else what can be guessed from the graph. */
  readonly preprocessing?: Preprocessing;
  /** Whether every explanation gets a scorecard: attribution error, MSI, sufficiency, necessity, insertion, deletion. Default false. */
  readonly score?: boolean;
  /** How a person would repeat it, for the document. */
  readonly command?: string;
  /** Called with what is going to be computed, once all of it is checked. */
  readonly onPlanned?: (plan: Announced) => void;
  /** Called when an explanation begins. */
  readonly onStarted?: (planned: PlannedExplanation) => void;
  /** Called when the scoring of an explanation begins. */
  readonly onScoring?: (planned: PlannedExplanation) => void;
  /** Called when an explanation is finished. */
  readonly onExplained?: (explained: Explained) => void;
}

/** What is going to be computed, and how long that will take by a short trial. */
export interface Announced extends Plan {
  readonly speeds: Speeds;
  /** Passes of all scorecards at most; none where there are none. */
  readonly scoring: Passes;
  readonly seconds: Duration;
}

/** Options with lists where a caller may give a single name. */
export type CheckedOptions = Omit<ExplainOptions, 'method' | 'methods' | 'layer' | 'layers'> &
  Pick<Question, 'methods' | 'layers'>;

import type { Baseline, InputLayout } from '../attribution/baseline.ts';
import type { Groups } from '../attribution/groups.ts';
import type { LoadExplainer, Method } from '../attribution/methods/method.ts';
import type { WorkOptions } from '../attribution/prepared.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { ControlName } from './controls.ts';
import type { JudgedBy, Metric } from './metrics/metric.ts';
import type { ReferenceTest } from './reference-test.ts';
import type { MetricChoice } from './score.ts';
import type { Interval } from './statistics.ts';

/** An input that methods are compared on. */
export interface ComparedInput {
  /** What it is called in the report. */
  readonly name: string;
  /** Content hash: results are kept under it. */
  readonly hash: string;
  readonly inputs: Tensors;
  readonly target: Target;
  readonly layout?: InputLayout;
  /** Columns of a table, words of a text. Default: positions of space, else single elements. */
  readonly groups?: Groups;
  /** 1 for the groups of the object, where boxes or masks are known. */
  readonly truth?: Uint8Array;
  /** Side of the tiles that metrics move as one. Default 1: position by position. */
  readonly regions?: number;
  /**
   * What it was drawn from, e.g. the photograph behind a crop. Inputs of one source are not independent: intervals draw
   * them together. Default: its name.
   */
  readonly drawnFrom?: string;
}

/** A method with its parameters at a layer. */
export interface ComparedMethod {
  readonly method: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Default: the explained inputs. */
  readonly layer?: readonly string[];
}

/** A named baseline; it is also what removed features are replaced by, unless `reference` says otherwise. */
export interface ComparedBaseline {
  readonly name: string;
  readonly baseline: (input: ComparedInput) => Baseline;
  /** What the metrics replace removed features by. Default: the baseline. */
  readonly reference?: (input: ComparedInput) => Baseline;
}

/** MSI at several α_min with the thresholds above each. */
export interface MsiByAlphaMin {
  readonly alphaMin: readonly number[];
  readonly literal: readonly number[];
  readonly tolerant: readonly number[];
}

/** What one explanation of one input scored. */
export interface ScoredExplanation {
  readonly scores: Readonly<
    Record<
      string,
      { readonly score: number; readonly parts?: Readonly<Record<string, number>>; readonly notes?: readonly string[] }
    >
  >;
  /** Metrics that could not score it, and why. */
  readonly failures: Readonly<Record<string, string>>;
  /** What explaining cost, without the scoring. */
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
  readonly sum: number | undefined;
  /** MSI against α_min, where one of the MSI metrics was asked for. */
  readonly profile?: MsiByAlphaMin;
  /** Whether the map is a mask as it stands. */
  readonly absolute: boolean;
  readonly notes: readonly string[];
}

/** A result with its map, as a store keeps it. */
export interface StoredResult extends ScoredExplanation {
  readonly map: Float32Array;
}

/** What one row scored on each input; undefined where the method failed. */
export interface RowResults
  extends Pick<ComparedRow, 'id' | 'title' | 'method' | 'control' | 'layer' | 'baseline' | 'parameters'> {
  readonly results: (ScoredExplanation | undefined)[];
}

/** Which method an evaluation recommends, and how sure that is. */
export interface Answer {
  /** Row of the highest quality. */
  readonly best: string;
  /** Names of the sound metrics that quality is taken over. */
  readonly metrics: readonly string[];
  /** Share of the resampled sets of inputs in which it is first; undefined for a single independent input. */
  readonly first: number | undefined;
  /** The row that is first most often besides it. */
  readonly rival: { readonly row: string; readonly first: number } | undefined;
  /** The cheapest row whose lead or lag against the best may be chance, where it takes less than half of the passes. */
  readonly cheaper: string | undefined;
}

/** Keeps results under keys that tell everything they depend on, so that a comparison goes on where it was stopped. */
export interface ResultStore {
  read(key: string): Promise<StoredResult | undefined>;
  write(key: string, result: StoredResult): Promise<void>;
}

/** What is compared. */
export interface ComparisonRequest extends WorkOptions {
  readonly inputs: readonly ComparedInput[];
  readonly methods: readonly ComparedMethod[];
  /** The methods by name; default: those of attribution. */
  readonly methodTable?: Readonly<Record<string, Method>>;
  /** The metrics by name; default: those of the package. */
  readonly metricTable?: Readonly<Record<string, Metric>>;
  /** Opens the learned explainer that `lax` names; without it that method cannot run. */
  readonly loadExplainer?: LoadExplainer;
  readonly metrics: readonly MetricChoice[];
  readonly baselines: readonly ComparedBaseline[];
  readonly explained?: readonly string[];
  /** Default 0. */
  readonly seed?: number;
  /** Metric that picks the best and worst example of a method. Default: the first. */
  readonly exampleMetric?: string;
  /** Where results are kept; default: nowhere. */
  readonly store?: ResultStore;
  /** Called when an explanation is scored. */
  readonly onScored?: (progress: {
    readonly done: number;
    readonly total: number;
    readonly input: string;
    readonly row: string;
    readonly reused: boolean;
  }) => void;
  /** Called with every map: for the examples of a report. */
  readonly onMap?: (input: number, row: string, map: Float32Array, shape: readonly number[]) => void;
}

/** One line of the table: a method, at a layer, with a baseline, over all inputs. */
export interface ComparedRow {
  readonly id: string;
  readonly title: string;
  readonly method: string | undefined;
  readonly control: ControlName | undefined;
  readonly layer: readonly string[] | undefined;
  readonly baseline: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Mean passes and seconds of one explanation; undefined for controls. */
  readonly cost: { readonly passes: number; readonly seconds: number } | undefined;
  /** By metric; a metric that scored no input is left out. */
  readonly scores: Readonly<Record<string, Interval>>;
  /** By metric, one score an input; undefined where it failed. */
  readonly values: Readonly<Record<string, readonly (number | undefined)[]>>;
  /** Mean MSI against α_min over the inputs. */
  readonly profile: MsiByAlphaMin | undefined;
  /** Mean over the sound metrics of the share of other rows that it beats, 0 to 1; undefined for controls. */
  readonly quality: number | undefined;
  /** Whether no other row is both better and cheaper. */
  readonly onFront: boolean;
  /** Inputs with its best and its worst score on the metric of examples. */
  readonly best: number | undefined;
  readonly worst: number | undefined;
}

/** Why a metric is not sound here. `withinChance`: the difference may be chance; else the control is above beyond it. */
export type MetricFlag =
  | { readonly why: 'consensus not above'; readonly control: string; readonly withinChance: boolean }
  | { readonly why: 'no method above'; readonly control: string }
  | { readonly why: 'no control' };

/** `random above the consensus`: a flag in words, with the names that `title` gives to rows. */
export function flagText(flag: MetricFlag, title: (id: string) => string = (id) => id): string {
  switch (flag.why) {
    case 'no control':
      return 'no control could be scored';
    case 'no method above':
      return `no method above ${title(flag.control)}`;
    case 'consensus not above':
      return flag.withinChance
        ? `what the methods agree on cannot be told from ${title(flag.control)}`
        : `${title(flag.control)} above what the methods agree on`;
  }
}

/**
 * What the controls say of a metric (see `JudgedBy` in metrics/metric.ts). Scores on the same inputs are compared in
 * pairs; a difference counts where its two-sided bootstrap probability holds at .05 by Holm's step-down over the
 * controls (for the metric) or over all methods and controls (for the methods).
 */
export interface MetricVerdict {
  readonly metric: string;
  readonly judgedBy: JudgedBy;
  /** Whether it has a part in quality. */
  readonly sound: boolean;
  /** Why it is not. */
  readonly flags: readonly MetricFlag[];
  /** Methods that this metric cannot tell from a negative control: the difference may be chance. */
  readonly indistinguishable: readonly MethodAndControl[];
  /** Methods that are below a negative control beyond chance. */
  readonly below: readonly MethodAndControl[];
}

export interface MethodAndControl {
  readonly row: string;
  readonly control: string;
}

export interface ComparisonFailure {
  readonly input: string;
  readonly row: string;
  /** undefined: the method itself failed. */
  readonly metric: string | undefined;
  readonly why: string;
}

export interface Comparison {
  readonly metrics: readonly string[];
  readonly inputs: readonly string[];
  /** What each input was drawn from; intervals and verdicts draw inputs of one source together. */
  readonly sources: readonly string[];
  readonly rows: readonly ComparedRow[];
  readonly verdicts: readonly MetricVerdict[];
  /** Kendall's τ between the orders in which two metrics put the methods, controls left out; undefined where one has no order. */
  readonly agreement: readonly (readonly (number | undefined)[])[];
  /** Which method to use, and how sure; undefined where no metric is sound. */
  readonly answer: Answer | undefined;
  readonly failures: readonly ComparisonFailure[];
  /** By input and baseline. */
  readonly references: readonly {
    readonly input: string;
    readonly baseline: string;
    readonly test: ReferenceTest | undefined;
  }[];
  readonly notes: readonly string[];
  /** The metric that chose the best and worst examples. */
  readonly exampleMetric: string;
  /** Passes that were made now, and explanations that were found in the store. */
  readonly cost: {
    readonly forward: number;
    readonly backward: number;
    readonly seconds: number;
    readonly reused: number;
  };
}

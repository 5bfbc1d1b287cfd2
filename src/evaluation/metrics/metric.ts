import type * as z from 'zod/mini';
import type { Passes } from '../../attribution/prepared.ts';
import type { Target } from '../../attribution/targets/kinds/index.ts';
import { WhereforeError } from '../../errors.ts';
import type { Model } from '../../runtime/model.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import type { AttributionMap } from '../map.ts';
import type { Question } from '../question.ts';

/** Whether a higher or a lower score is better. */
export type Direction = 'higher' | 'lower';

/** What a metric looks at. */
export type MetricFamily =
  | 'faithfulness'
  | 'additivity'
  | 'robustness'
  | 'concentration'
  | 'localisation'
  | 'randomisation';

/**
 * What shows whether a metric can be trusted on a model and its inputs.
 * - `consensus`: what the methods agree on must score above a random map and above its own opposite.
 * - `methods`: some method must score above a random map (metrics that explain again, which a consensus cannot).
 * - `definition`: nothing; the score is arithmetic on the explanation itself.
 * - `description`: nothing; the score describes a map and says neither right nor wrong, so it has no part in quality.
 */
export type JudgedBy = 'consensus' | 'methods' | 'definition' | 'description';

/** An explanation of one question: its map, and a way to explain again under other circumstances. */
export interface Explanation {
  readonly map: AttributionMap;
  /** `ΣA` of the method in float64, before it was laid over the groups; default the sum of the map. */
  readonly sum?: number;
  /** The difference that the method promises shares of, where its baseline is not the reference (a sample of several). */
  readonly difference?: number;
  /** The same method for other inputs, another target or another model. Metrics of robustness and randomisation need it. */
  readonly again?: (change: {
    readonly inputs?: Tensors;
    readonly target?: Target;
    readonly model?: Model;
  }) => Promise<AttributionMap>;
  /** Passes that explaining again takes. */
  readonly cost?: Passes;
}

export interface MetricScore {
  readonly score: number;
  /** Numbers behind the score, by name. */
  readonly parts?: Readonly<Record<string, number>>;
  /** What a reader of the score should know. */
  readonly notes?: readonly string[];
}

/** A row of the table of metrics. */
export interface Metric<Parameters = Record<string, unknown>, D extends Direction = Direction> {
  readonly title: string;
  readonly family: MetricFamily;
  readonly judgedBy: JudgedBy;
  /** The formula in one line. A: attributions, x: input, b: reference, c: confidence, p̂: confidence between reference (0) and input (1). */
  readonly formula: string;
  readonly source: string;
  readonly range: readonly [number, number];
  readonly direction: D;
  /** What must hold for the score to mean what it says. */
  readonly assumes: string;
  /** What its parameters change. */
  readonly sensitivity: string;
  /** What it needs beyond a map and a model: the object's mask, or the method itself. */
  readonly needs: 'map' | 'truth' | 'method' | 'neighbours';
  readonly parameters: z.core.$ZodType<Parameters>;
  /** Passes through the model before it runs, for a number of feature groups; explaining again comes on top, `again` times. */
  cost(parameters: Parameters, groups: number): Passes & { readonly again?: number };
  run(question: Question, explanation: Explanation, parameters: Parameters): Promise<MetricScore>;
}

export const noPasses: Passes = { forward: 0, backward: 0 };

/** The way to explain again. @throws WhereforeError `invalid-argument` where only a map was given */
export function explainAgain(explanation: Explanation, metric: string): NonNullable<Explanation['again']> {
  if (explanation.again) return explanation.again;
  throw new WhereforeError('invalid-argument', `${metric} needs the method, not only its map`, {
    fix: 'score it with `wherefore evaluate`, or give `again`',
  });
}

/** The object's groups. @throws WhereforeError `invalid-argument` where they are not known */
export function truthOf({ truth }: Question, metric: string): Uint8Array {
  if (truth?.some((inside) => inside)) return truth;
  throw new WhereforeError('invalid-argument', `${metric} needs to know where the object is`, {
    got: truth ? 'an empty mask' : 'no mask',
    fix: 'give boxes or masks, or leave the metric out',
  });
}

import type { Passes } from '../../attribution/prepared.ts';
import { controlNames } from '../../evaluation/controls.ts';
import { type MetricChoice, readyMetric } from '../../evaluation/score.ts';
import type { PlannedExplanation } from '../plan.ts';
import { type Duration, durationOf, type Speeds } from '../speed.ts';

/** What an evaluation will cost at the least and at the most. */
export interface Forecast {
  readonly explaining: { readonly least: Passes; readonly most: Passes };
  /** The most that scoring takes; equal questions are asked once. */
  readonly scoring: Passes;
  readonly seconds: Duration;
}

/** MSI is also drawn against α_min: passes below the thresholds of the metric itself. */
const profilePasses = 14;

/**
 * Forecasts an evaluation from the costs that methods and metrics state, before it runs.
 * @param groups feature groups of each input, the same for all explanations of it
 */
export function forecast(
  planned: readonly PlannedExplanation[],
  choices: readonly MetricChoice[],
  { speeds, groupsOf }: { speeds: Speeds; groupsOf: (one: PlannedExplanation) => number },
): Forecast {
  const metrics = choices.map((one) => readyMetric(one));
  const total = (kind: 'least' | 'most') => planned.reduce((sum, one) => plus(sum, one[kind]), none);
  const [least, most] = [total('least'), total('most')];
  let scoring = none;
  // Every input and baseline has its controls, and draws of features that all maps share.
  const cells = new Map<string, PlannedExplanation[]>();
  for (const one of planned) {
    const key = `${one.input.source}|${JSON.stringify(one.target)}|${one.baseline.kind}`;
    cells.set(key, [...(cells.get(key) ?? []), one]);
  }
  const hasMsi = metrics.some(({ name }) => name.startsWith('msi-'));
  let msiCounted = false;
  for (const { name, metric, parameters } of metrics) {
    const isMsi = name.startsWith('msi-');
    if (isMsi && msiCounted) continue;
    msiCounted ||= isMsi;
    for (const rows of cells.values()) {
      const { again = 0, ...once } = metric.cost(parameters, groupsOf(rows[0]));
      const maps = metric.family === 'additivity' ? 1 : rows.length + controlNames.length;
      scoring = plus(scoring, times(once, maps));
      if (again > 0) for (const row of rows) scoring = plus(scoring, times(row.most, again));
    }
  }
  if (hasMsi)
    for (const rows of cells.values())
      scoring = plus(scoring, { forward: profilePasses * (rows.length + controlNames.length), backward: 0 });
  return { explaining: { least, most }, scoring, seconds: durationOf(planned, scoring, speeds) };
}

/** How far an evaluation has come. */
export interface EvaluationProgress {
  /** Explanations of all inputs, the controls among them, and how many of them there are results of. */
  readonly total: number;
  readonly done: number;
  /** Those that this run computed, the others being kept from before, and the seconds that they took. */
  readonly computed: number;
  readonly seconds: number;
}

/**
 * Seconds that an evaluation still takes. The first explanations of a run say little of the others: with them sessions
 * are opened, and the first map of an input bears what all its maps share. The forecast counts as one input's worth of
 * explanations beside them.
 */
export function secondsLeft(
  { seconds }: Pick<Forecast, 'seconds'>,
  inputs: number,
  { total, done, computed, seconds: spent }: EvaluationProgress,
): number {
  const perInput = total / inputs;
  const forecast = (seconds.least + seconds.most) / 2 / total;
  return ((forecast * perInput + spent) / (perInput + computed)) * (total - done);
}

const none: Passes = { forward: 0, backward: 0 };
const plus = (a: Passes, b: Passes): Passes => ({ forward: a.forward + b.forward, backward: a.backward + b.backward });
const times = (passes: Passes, count: number): Passes => ({
  forward: passes.forward * count,
  backward: passes.backward * count,
});

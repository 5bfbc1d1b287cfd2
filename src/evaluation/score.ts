import { checkParameters } from '../attribution/parameters.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { lookup } from '../tensor/lookup.ts';
import { metrics as metricTable } from './metrics/index.ts';
import type { Explanation, Metric, MetricScore } from './metrics/metric.ts';
import type { Question } from './question.ts';

/** A metric with what the caller sets of its parameters. */
export interface MetricChoice {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** A metric ready to run. */
export interface ReadyMetric {
  readonly name: string;
  readonly metric: Metric;
  readonly parameters: Record<string, unknown>;
}

/**
 * Looks a metric up and completes its parameters.
 * @param table metrics by name; default: those of the package
 * @throws WhereforeError `invalid-argument` for an unknown metric or parameters that it does not take
 */
export function readyMetric(
  { name, parameters = {} }: MetricChoice,
  table: Readonly<Record<string, Metric>> = metricTable,
): ReadyMetric {
  const metric = lookup(table, name);
  if (!metric) throw unknownName('there is no metric', name, Object.keys(table), { code: 'invalid-argument' });
  return { name, metric, parameters: checkParameters(name, metric.parameters, parameters) };
}

/** Scores one explanation with one metric. @throws WhereforeError as the metric; `wrong-shape`, `not-finite` for the map */
export async function scoreWith(
  ready: ReadyMetric,
  question: Question,
  explanation: Explanation,
): Promise<MetricScore> {
  checkMap(explanation.map.values, question);
  return ready.metric.run(question, explanation, ready.parameters);
}

/** How good a score is, so that more is better whatever the metric's direction. */
export function goodness({ metric }: Pick<ReadyMetric, 'metric'>, score: number): number {
  return metric.direction === 'higher' ? score : -score;
}

/** Maps that were found to be finite: every metric is given the same. */
const finite = new WeakSet<Float64Array>();

function checkMap(values: Float64Array, { groups }: Question): void {
  if (values.length !== groups.count) {
    throw new WhereforeError('wrong-shape', 'the map does not fit the input', {
      got: `${values.length} values`,
      expected: `${groups.count}, one for each of ${groups.shape.join('×')} feature groups`,
    });
  }
  if (finite.has(values)) return;
  for (let group = 0; group < values.length; group++) {
    if (Number.isFinite(values[group])) continue;
    throw new WhereforeError('not-finite', 'the map holds a value that is not a finite number', {
      got: `${values[group]} at group ${group}`,
    });
  }
  finite.add(values);
}

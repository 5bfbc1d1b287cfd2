import { methods as attributionMethods } from '../attribution/methods/index.ts';
import { checkParameters } from '../attribution/parameters.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import type { Model } from '../runtime/model.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { atOnce, scoredAtOnce } from './at-once.ts';
import { type Begun, Cell, type Outcome, type Row } from './cell.ts';
import type { ComparedBaseline, Comparison, ComparisonFailure, ComparisonRequest, RowResults } from './comparison.ts';
import { controlNames, controlTitle } from './controls.ts';
import { type ReadyMetric, readyMetric } from './score.ts';
import { summarise } from './summarise.ts';

/**
 * Compares methods × baselines × layers by metrics over inputs, with a random and an inverted attribution as controls.
 *
 * @throws WhereforeError `invalid-argument` for unknown methods, metrics or parameters, before anything is computed;
 *   `cancelled`. What fails for a single explanation is reported in the result.
 */
export async function compare(model: Model, request: ComparisonRequest): Promise<Comparison> {
  const started = performance.now();
  const metrics = request.metrics.map((one) => readyMetric(one, request.metricTable));
  const rows = rowsOf(request);
  check(request, metrics);
  const results: RowResults[] = rows.map(({ id, title, compared, control, baseline }) => ({
    id,
    title,
    method: compared?.method,
    control,
    layer: compared?.layer,
    baseline: baseline.name,
    parameters: compared?.parameters ?? {},
    results: [],
  }));
  const failures: ComparisonFailure[] = [];
  const references: Comparison['references'][number][] = [];
  const cost = { forward: 0, backward: 0, reused: 0 };
  const total = request.inputs.length * rows.length;
  let done = 0;
  const report = async ({ index, cell, r, isLast, baseline }: Job, outcome: Outcome) => {
    const [input, row] = [request.inputs[index], rows[r]];
    if (typeof outcome === 'string') failures.push({ input: input.name, row: row.id, metric: undefined, why: outcome });
    else {
      for (const [metric, why] of Object.entries(outcome.result.failures))
        failures.push({ input: input.name, row: row.id, metric, why });
      if (outcome.reused) cost.reused++;
      request.onMap?.(index, row.id, outcome.result.map, await cell.shape());
    }
    results[r].results.push(typeof outcome === 'string' ? undefined : outcome.result);
    const reused = typeof outcome !== 'string' && outcome.reused;
    request.onScored?.({ done: ++done, total, input: input.name, row: row.id, reused });
    if (!isLast) return;
    references.push({ input: input.name, baseline: baseline.name, test: await cell.referenceTest() });
    const { forward, backward } = await cell.spent();
    cost.forward += forward;
    cost.backward += backward;
  };

  let begun: { readonly job: Job; readonly explanation: Begun }[] = [];
  const finish = async () => {
    const scored = await atOnce(begun, scoredAtOnce, ({ explanation }) => explanation.score());
    for (const [i, { job }] of begun.entries()) {
      throwIfCancelled(request.signal);
      await report(job, await scored[i].keep());
    }
    begun = [];
  };
  for (const job of jobsOf(model, request, metrics, rows)) {
    throwIfCancelled(request.signal);
    // Explained one after another, so that the time each takes is its own; scored several at the same time.
    begun.push({ job, explanation: await job.cell.begin(rows[job.r]) });
    if (begun.length === scoredAtOnce) await finish();
  }
  await finish();
  const exampleMetric = request.exampleMetric ?? metrics[0].name;
  const sources = request.inputs.map(({ name, drawnFrom = name }) => drawnFrom);
  return {
    ...summarise({ metrics, rows: results, sources, seed: request.seed ?? 0, exampleMetric }),
    inputs: request.inputs.map(({ name }) => name),
    sources,
    failures,
    references,
    exampleMetric,
    cost: { ...cost, seconds: (performance.now() - started) / 1000 },
  };
}

/** One explanation of a comparison. */
interface Job {
  readonly index: number;
  readonly baseline: ComparedBaseline;
  readonly cell: Cell;
  /** Index of its row. */
  readonly r: number;
  /** Whether its cell has no other after it. */
  readonly isLast: boolean;
}

function* jobsOf(
  model: Model,
  request: ComparisonRequest,
  metrics: readonly ReadyMetric[],
  rows: readonly Row[],
): Generator<Job> {
  for (const [index, input] of request.inputs.entries()) {
    for (const baseline of request.baselines) {
      const cell = new Cell(model, request, metrics, input, baseline);
      const own = [...rows.keys()].filter((r) => rows[r].baseline === baseline);
      for (const r of own) yield { index, baseline, cell, r, isLast: r === own.at(-1) };
    }
  }
}

function rowsOf({ methods, baselines, methodTable = attributionMethods }: ComparisonRequest): Row[] {
  return baselines.flatMap((baseline) => {
    const suffix = baselines.length > 1 ? `, ${baseline.name}` : '';
    const compared = methods.map((one): Row => {
      const place = one.layer ? ` at ${one.layer.join(' + ')}` : '';
      const settings = Object.entries(one.parameters ?? {}).map(([key, value]) => `${key}=${value}`);
      const words = settings.length ? ` (${settings.join(', ')})` : '';
      const title = methodTable[one.method]?.title ?? one.method;
      return {
        id: `${one.method}${place}${words}${suffix}`,
        title: `${title}${place}${words}${suffix}`,
        compared: one,
        control: undefined,
        baseline,
      };
    });
    const controls = controlNames.map(
      (control): Row => ({
        id: `${control}${suffix}`,
        title: `${controlTitle(control)}${suffix}`,
        compared: undefined,
        control,
        baseline,
      }),
    );
    return [...compared, ...controls];
  });
}

function check(
  { methods, inputs, baselines, exampleMetric, metrics, methodTable = attributionMethods }: ComparisonRequest,
  ready: readonly ReadyMetric[],
): void {
  const empty = Object.entries({ inputs, methods, metrics, baselines }).find(([, list]) => list.length === 0);
  if (empty) throw new WhereforeError('invalid-argument', `a comparison needs ${empty[0]}`, { got: 'none' });
  for (const { method, parameters = {} } of methods) {
    const known = Object.hasOwn(methodTable, method) ? methodTable[method] : undefined;
    if (!known) throw unknownName('there is no method', method, Object.keys(methodTable), { code: 'invalid-argument' });
    checkParameters(method, known.parameters, parameters);
  }
  if (exampleMetric !== undefined && !ready.some(({ name }) => name === exampleMetric)) {
    throw new WhereforeError(
      'invalid-argument',
      `the examples are chosen by "${exampleMetric}", which is not compared`,
      { expected: ready.map(({ name }) => name).join(', ') },
    );
  }
}

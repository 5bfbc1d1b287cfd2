import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { metrics as metricTable } from '../evaluation/metrics/index.ts';
import { type MetricChoice, readyMetric } from '../evaluation/score.ts';
import { defaultMetrics, type EvaluateOptions } from '../explain/evaluation/evaluate.ts';
import { checkMethods } from '../explain/plan.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { unknownName } from '../nearest.ts';
import { parseBaseline } from './baseline-text.ts';
import { parseSettings } from './settings-text.ts';
import { parseTarget } from './target-text.ts';

/** What a person asks to be evaluated, in their words: plain data, so that another process can read it as well. */
export interface EvaluationTexts {
  readonly inputs?: number;
  readonly augment?: boolean;
  readonly method?: readonly string[];
  readonly metric?: readonly string[];
  readonly layer?: readonly string[];
  readonly target?: string;
  readonly baseline?: readonly string[];
  readonly reference?: string;
  readonly regions?: number;
  readonly alphaMin?: number | 'tuned';
  readonly truth?: string;
  readonly set: readonly string[];
  readonly seed: number;
  readonly memory?: number;
}

/** Methods and metrics with their parameters, which can be checked before a model is loaded. @throws WhereforeError */
export function parseMetrics({ set, method, metric }: EvaluationTexts) {
  const settings = parseSettings(
    set,
    [methodTable, metricTable],
    'METHOD.PARAMETER=VALUE or METRIC.PARAMETER=VALUE, e.g. insertion.steps=64',
  );
  const methods = method as readonly MethodName[] | undefined;
  const names = metric ?? defaultMetrics.map(({ name }) => name);
  const metrics = names.map((name): MetricChoice => ({ name: metricNamed(name), parameters: settings[name] }));
  for (const one of metrics) readyMetric(one);
  const parameters = Object.fromEntries(Object.entries(settings).filter(([name]) => name in methodTable));
  checkMethods({ methods, parameters });
  return { methods, metrics, parameters };
}

/** The options of `evaluate` that the words mean for a model. @throws WhereforeError naming the option */
export async function parseEvaluation(
  model: LoadedModel,
  texts: EvaluationTexts,
): Promise<EvaluateOptions & ReturnType<typeof parseMetrics>> {
  const preprocessing = preprocessingOf(model, {});
  const read = (text: string) => parseBaseline(text, model, preprocessing);
  const { inputs: count, augment, regions, alphaMin, truth, seed, memory, target, layer } = texts;
  return {
    ...parseMetrics(texts),
    ...{ count, augment, regions, alphaMin, truth, seed, layers: layer },
    target: target === undefined ? undefined : await parseTarget(target, model, preprocessing),
    baseline: texts.baseline && (await Promise.all(texts.baseline.map(read))),
    reference: texts.reference === undefined ? undefined : await read(texts.reference),
    byteBudget: memory && memory * 2 ** 20,
  };
}

function metricNamed(name: string): string {
  if (Object.hasOwn(metricTable, name)) return name;
  throw unknownName('there is no metric', name, Object.keys(metricTable), { code: 'invalid-argument' });
}

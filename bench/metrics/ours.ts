import { attribute } from '../../src/attribution/attribute.ts';
import type { Points } from '../../src/attribution/points.ts';
import type { Target } from '../../src/attribution/targets/kinds/index.ts';
import { atOnce, scoredAtOnce } from '../../src/evaluation/at-once.ts';
import { groupsOf } from '../../src/evaluation/groups.ts';
import { mapOf } from '../../src/evaluation/map.ts';
import type { MetricName } from '../../src/evaluation/metrics/index.ts';
import { ask, type Question } from '../../src/evaluation/question.ts';
import { readyMetric, scoreWith } from '../../src/evaluation/score.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { Tensors } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { rows, type Tensor } from '../../src/tensor/tensor.ts';
import type { Subject } from './subjects.ts';

/** The metrics that are compared: all that run the model on perturbed inputs, one of each kind. */
export const chosenMetrics = [
  'msi-literal',
  'insertion',
  'deletion',
  'sufficiency',
  'comprehensiveness',
  'road',
  'average-drop',
  'infidelity',
  'sensitivity-n',
  'faithfulness-correlation',
] as const satisfies readonly MetricName[];

/** Those that draw random sets, which the two sides draw differently. */
export const drawn: ReadonlySet<string> = new Set(['infidelity', 'sensitivity-n', 'faithfulness-correlation']);

const metrics = chosenMetrics.map((name) =>
  readyMetric({ name, parameters: name === 'road' ? { noise: 0 } : undefined }),
);

/** One input with the class and the map whose scores are compared. */
export interface Explained {
  readonly inputs: Tensors;
  readonly target: Target & { readonly class: number };
  readonly map: Float64Array;
}

const layout = { channelAxis: 1, spatialAxes: [2, 3] };

/** Explains every input's predicted class by gradient × input. */
export async function explainAll(model: Model, { input, inputs }: Subject): Promise<Explained[]> {
  const explained: Explained[] = [];
  for (let i = 0; i < inputs.shape[0]; i++) {
    const one = new Map([[input, rows(inputs, i, i + 1)]]);
    const { name } = model.graph.outputs[0];
    const logits = (await model.executor.run(model.graph, one, [name])).get(name) as Tensor<'float32'>;
    const target = { kind: 'classLogit', class: logits.data.indexOf(Math.max(...logits.data)) } as const;
    const { values } = await attribute(model, { inputs: one, target, method: 'gradient-x-input', layout });
    const map = mapOf(values, groupsOf(one, [input], layout), layout).values;
    // Equal values, which either side would order differently, are told apart by a millionth of the largest.
    const source = random(1, i);
    const most = map.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    for (let k = 0; k < map.length; k++) map[k] += 1e-6 * most * source.uniform();
    explained.push({ inputs: one, target, map });
  }
  return explained;
}

/** Scores of every input by every metric. */
export type Scores = Record<string, number[]>;

const asked = (model: Model, { inputs, target }: Explained) =>
  ask(model, { inputs, target, reference: { kind: 'zero' }, layout });

/** As explanations are scored in a comparison: several at the same time. */
export async function batched(model: Model, explained: readonly Explained[]): Promise<Scores> {
  return byMetric(await atOnce(explained, scoredAtOnce, async (one) => score(await asked(model, one), one)));
}

/** The same with one perturbed input a run. */
export async function single(model: Model, explained: readonly Explained[]): Promise<Scores> {
  const scores: number[][] = [];
  for (const one of explained) {
    const question = await asked(model, one);
    const each = (evaluate: Question['targetAt']) => async (points: Points) => {
      const results = new Float64Array(points.count);
      for (let i = 0; i < points.count; i++)
        [results[i]] = await evaluate({ cut: points.cut, count: 1, at: () => points.at(i, i + 1) });
      return results;
    };
    const apart = { ...question, targetAt: each(question.targetAt), confidenceAt: each(question.confidenceAt) };
    scores.push(await score(apart, one));
  }
  return byMetric(scores);
}

/** Scores of one input, by the order of the metrics. */
async function score(question: Question, { map }: Explained): Promise<number[]> {
  // A map of its own every time: what the metrics share is kept by map.
  const explanation = { map: { values: map.slice() } };
  const results = await Promise.all(metrics.map((ready) => scoreWith(ready, question, explanation)));
  return results.map((result) => result.score);
}

const byMetric = (scores: readonly (readonly number[])[]): Scores =>
  Object.fromEntries(chosenMetrics.map((name, m) => [name, scores.map((of) => of[m])]));

import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { layeredModel, linearModel, row, switchModel } from '../../../test/evaluation-models.ts';
import { askLinear, linear, output, score, weights, zero } from '../../../test/metric-questions.ts';
import { pointOf } from '../../attribution/points.ts';
import { prepare } from '../../attribution/prepare.ts';
import type { Initializer } from '../../onnx/graph.ts';
import { readInitializer } from '../../onnx/initializer.ts';
import type { Model } from '../../runtime/model.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { float32 } from '../../tensor/tensor.ts';
import { ask } from '../question.ts';
import { randomisedModel, unreadWeights, weightedNodes } from '../randomised-model.ts';
import { readyMetric, scoreWith } from '../score.ts';
import { metrics as metricTable } from './index.ts';
import type { Explanation } from './metric.ts';
import { modelRandomisation } from './randomisation.ts';

describe('max-sensitivity', () => {
  it('is the largest relative change of the map', async () => {
    const question = await askLinear();
    let calls = 0;
    const seen: Tensors[] = [];
    const again: Explanation['again'] = async ({ inputs }) => {
      if (inputs) seen.push(inputs);
      // Changes by 10, 30 and 20 % in turn.
      const factor = 1 + [0.1, 0.3, 0.2][calls++];
      return { values: Float64Array.from(weights, (weight) => factor * weight) };
    };
    expect(await score(question, 'max-sensitivity', weights, { samples: 3 }, { again })).toBeCloseTo(0.3, 9);
    expect(seen).toHaveLength(3);
    expect(
      await score(
        question,
        'max-sensitivity',
        weights,
        {},
        { again: async () => ({ values: Float64Array.from(weights) }) },
      ),
    ).toBe(0);
    await expect(score(question, 'max-sensitivity', weights)).rejects.toThrow(/needs the method/);
  });

  it('moves every element by at most the radius, and differently each time', async () => {
    // Range 4: at most .05 · 4 = .2.
    const question = await ask(linear, { inputs: row(4, 0, 1, 2), target: output, reference: zero });
    const moved: number[][] = [];
    const again: Explanation['again'] = async ({ inputs }) => {
      moved.push(Array.from(inputs?.get('x')?.data as Float32Array));
      return { values: Float64Array.from(weights) };
    };
    await score(question, 'max-sensitivity', weights, { samples: 8, radius: 0.05 }, { again });
    const distances = moved.flatMap((values) => values.map((value, i) => Math.abs(value - [4, 0, 1, 2][i])));
    // float32 rounds 4.2 by up to 2.4e-7.
    expect(Math.max(...distances)).toBeLessThanOrEqual(0.2 + 1e-6);
    expect(Math.max(...distances)).toBeGreaterThan(0.1);
    expect(new Set(moved.map(String)).size).toBe(8);
  });
});

describe('randomisation', () => {
  const layered = layeredModel();
  const inputs = row(1, 2, -1, 0.5, 1, -2);
  const target = { kind: 'classLogit', class: 1 } as const;
  const map = [5, 1, 4, 2, 3, 0];
  const returning =
    (values: readonly number[]): Explanation['again'] =>
    async () => ({ values: Float64Array.from(values) });

  it.each(['mprt', 'random-logit'] as const)(
    '%s: 1 for the same map or its opposite, 0 for an even one',
    async (name) => {
      const question = await ask(layered, { inputs, target, reference: zero });
      expect(await score(question, name, map, {}, { again: returning(map) })).toBeCloseTo(1, 9);
      expect(await score(question, name, map, {}, { again: returning(map.map((value) => -value)) })).toBeCloseTo(1, 9);
      expect(await score(question, name, map, {}, { again: returning([1, 1, 1, 1, 1, 1]) })).toBe(0);
      // Ranks 5 1 4 2 3 0 against 4 2 5 1 3 0: Σd² = 1 + 1 + 1 + 1 = 4 → 1 − 6·4/(6·35) = .8857
      expect(await score(question, name, map, {}, { again: returning([4, 2, 5, 1, 3, 0]) })).toBeCloseTo(
        1 - 24 / 210,
        9,
      );
      await expect(score(question, name, map)).rejects.toThrow(/needs the method/);
    },
  );

  it('mprt draws weights anew from the output to the input, the last stage all of them', async () => {
    const question = await ask(layered, { inputs, target, reference: zero });
    const models: Model[] = [];
    const again: Explanation['again'] = async ({ model }) => {
      if (model) models.push(model);
      return { values: Float64Array.from(map) };
    };
    await score(question, 'mprt', map, { stages: 2 }, { again });
    expect(models).toHaveLength(2);
    const changed = models.map(({ graph }) =>
      ['w1', 'w2'].filter((name) => graph.initializers.get(name) !== layered.graph.initializers.get(name)),
    );
    expect(changed).toEqual([['w2'], ['w1', 'w2']]);
    await expect(
      score(
        await ask(switchModel('and'), { inputs: row(1, 1, 1), target: output, reference: zero }),
        'mprt',
        [1, 1, 0],
        {},
        { again },
      ),
    ).rejects.toThrow(/no weights/);
  });

  it('drawn weights have the moments of the old ones and another output', async () => {
    expect(weightedNodes(layered.graph).map(({ weights: names }) => names)).toEqual([['w2'], ['w1']]);
    // 10,000 weights with mean 3 and standard deviation √(1/12) · 4 = 1.155.
    const many = linearModel(Array.from({ length: 10_000 }, (_, i) => 1 + (4 * i) / 9999));
    const [name] = weightedNodes(many.graph)[0].weights;
    const data = readInitializer(randomisedModel(many, [name], 7).graph.initializers.get(name) as Initializer)
      .data as Float32Array;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
    // Standard errors: 1.155/100 and 1.155/141; four of them.
    expect(Math.abs(mean - 3)).toBeLessThan(0.05);
    expect(Math.abs(deviation - 1.1547)).toBeLessThan(0.04);
    const outputOf = async (model: Model) =>
      (await (await prepare(model, inputs, target)).evaluate(pointOf(inputs))).target[0];
    const values = [
      layered,
      randomisedModel(layered, ['w2'], 1),
      randomisedModel(layered, ['w2'], 1),
      randomisedModel(layered, ['w2'], 2),
    ];
    const [own, first, same, other] = await Promise.all(values.map(outputOf));
    expect(first).toBe(same);
    expect(new Set([own, first, other]).size).toBe(3);
    expect(() => randomisedModel(layered, ['w9'], 1)).toThrow(/no weight "w9"/);
  });

  it('say where weights lie in a file that is not read', async () => {
    const [[name, weight]] = [...layered.graph.initializers].filter(([key]) => key === 'w1');
    const location = { kind: 'file', path: 'weights.bin', offset: 0, length: 0 } as const;
    const initializers = new Map(layered.graph.initializers).set(name, { ...weight, location });
    const beside: Model = { ...layered, graph: { ...layered.graph, initializers } };
    expect(unreadWeights(beside, ['w1', 'w2'])).toEqual(['w1']);
    const question = await ask(layered, { inputs, target, reference: zero });
    const again = async () => ({ values: Float64Array.of(1, 2, 3) });
    const explanation = { map: { values: Float64Array.of(3, 2, 1) }, again };
    const told = await modelRandomisation.run({ ...question, model: beside }, explanation, { stages: 1 });
    expect(told.notes).toEqual([expect.stringMatching(/^1 of the weights lie in a file of their own: .*He's/)]);
    expect((await modelRandomisation.run(question, explanation, { stages: 1 })).notes).toBeUndefined();
  });

  it('random logit asks for other classes', async () => {
    const question = await ask(layered, { inputs, target, reference: zero });
    const classes: unknown[] = [];
    const again: Explanation['again'] = async (change) => {
      classes.push(change.target);
      return { values: Float64Array.from(map) };
    };
    await score(question, 'random-logit', map, { classes: 9 }, { again });
    expect(classes.map((asked) => (asked as { class: number }).class).sort()).toEqual([0, 2]);
    await expect(score(await askLinear(), 'random-logit', weights, {}, { again })).rejects.toThrow(
      /target among classes/,
    );
  });
});

describe('the table', () => {
  it('states title, formula, source, assumptions, direction and range of every metric', () => {
    for (const [name, metric] of Object.entries(metricTable)) {
      for (const text of [metric.title, metric.formula, metric.source, metric.assumes, metric.sensitivity])
        expect(text.length, name).toBeGreaterThan(3);
      expect(['higher', 'lower']).toContain(metric.direction);
      expect(metric.range[0]).toBeLessThan(metric.range[1]);
      expect(z.safeParse(metric.parameters, {}).success, name).toBe(true);
      expect(z.safeParse(metric.parameters, { unheard: 1 }).success, name).toBe(false);
    }
  });

  it('says what a metric costs before it runs', async () => {
    const again: Explanation['again'] = async () => ({ values: Float64Array.from([0.1, 0.3, 1, 0.2, 0.4]) });
    const truth = Uint8Array.of(0, 0, 1, 0, 0);
    for (const [name, metric] of Object.entries(metricTable)) {
      if (name === 'random-logit') continue;
      const question = await ask(linearModel([5, 4, 3, 2, 1]), {
        inputs: row(1, 1, 1, 1, 1),
        target: output,
        reference: zero,
        layout: { spatialAxes: [1] },
        truth,
      });
      // The first call of a model checks whether points may share a run.
      await scoreWith(readyMetric({ name: 'comprehensiveness' }), question, {
        map: { values: Float64Array.from([5, 4, 3, 2, 1]) },
      });
      const before = question.passes().forward;
      await scoreWith(readyMetric({ name }), question, {
        map: { values: Float64Array.from([0.1, 0.3, 1, 0.2, 0.4]) },
        again,
      });
      const used = question.passes().forward - before;
      const { forward } = metric.cost(z.parse(metric.parameters, {}), 5);
      // Batches are filled up by at most a quarter of them.
      expect(used, name).toBeLessThanOrEqual(Math.ceil(forward / 0.75));
      expect(used > 0, name).toBe(forward > 0);
    }
  });

  it('refuses unknown metrics, parameters and maps that do not fit', async () => {
    const question = await askLinear();
    expect(() => readyMetric({ name: 'toString' })).toThrow(/no metric "toString"/);
    expect(() => readyMetric({ name: 'insertion', parameters: { steps: 0 } })).toThrow(/parameter steps of insertion/);
    await expect(score(question, 'insertion', [1, 2])).rejects.toThrow(/expected 4/);
    await expect(score(question, 'insertion', [1, 2, Number.NaN, 4])).rejects.toThrow(/not a finite number/);
    const same = new Map([['x', float32([1, 4], [0, 0, 0, 0])]]);
    await expect(ask(linear, { inputs: same, target: output, reference: zero })).rejects.toThrow(/nothing to score/);
  });
});

import { describe, expect, it } from 'vitest';
import { layeredModel, linearModel, row } from '../../test/evaluation-models.ts';
import { random } from '../tensor/random.ts';
import { compare } from './compare.ts';
import type { ComparedInput, ComparisonRequest, ResultStore, StoredResult } from './comparison.ts';
import { invertedControl, randomControl } from './controls.ts';
import { metrics } from './metrics/index.ts';
import type { Metric } from './metrics/metric.ts';
import { ask } from './question.ts';
import { readyMetric, scoreWith } from './score.ts';

const weights = [5, -4, 3, -2, 1, 0.5];
const model = linearModel(weights);

/** Inputs between .5 and 1.5: each feature's attribution has the sign of its weight. */
const inputs = Array.from({ length: 4 }, (_, k): ComparedInput => {
  const source = random(k);
  const values = weights.map(() => 0.5 + source.uniform());
  return { name: `row ${k}`, hash: `hash ${k}`, inputs: row(...values), target: { kind: 'output', index: [0] } };
});

const request: ComparisonRequest = {
  inputs,
  methods: [{ method: 'gradient-x-input' }, { method: 'occlusion' }, { method: 'gradient' }],
  metrics: [
    { name: 'insertion' },
    { name: 'faithfulness-correlation', parameters: { samples: 16 } },
    { name: 'sparseness' },
  ],
  baselines: [{ name: 'zero', baseline: () => ({ kind: 'zero' }) }],
};

function memoryStore(): ResultStore & { readonly kept: Map<string, StoredResult>; writes: number } {
  const kept = new Map<string, StoredResult>();
  const store = {
    kept,
    writes: 0,
    read: async (key: string) => kept.get(key),
    write: async (key: string, result: StoredResult) => {
      store.writes++;
      kept.set(key, structuredClone(result));
    },
  };
  return store;
}

describe('a comparison', () => {
  it('scores methods × inputs with intervals, and three controls', async () => {
    const comparison = await compare(model, request);
    expect(comparison.rows.map(({ id }) => id)).toEqual([
      'gradient-x-input',
      'occlusion',
      'gradient',
      'consensus',
      'random',
      'inverted',
    ]);
    const [exact, occlusion, , , chance, inverted] = comparison.rows;
    // For a linear model w·x and occlusion are both exact.
    expect(exact.scores['faithfulness-correlation'].mean).toBeCloseTo(1, 5);
    expect(occlusion.values.insertion.map((value) => value?.toFixed(5))).toEqual(
      exact.values.insertion.map((value) => value?.toFixed(5)),
    );
    expect(inverted.scores['faithfulness-correlation'].mean).toBeLessThan(-0.8);
    expect(chance.scores.insertion.mean).toBeLessThan(exact.scores.insertion.mean);
    for (const { scores } of comparison.rows) {
      for (const { mean, low = Number.NaN, high = Number.NaN, count } of Object.values(scores)) {
        expect(count).toBe(4);
        expect(low).toBeLessThanOrEqual(mean + 1e-12);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-12);
      }
    }
    expect(comparison.failures).toEqual([]);
    // The inverted map is as sparse as the maps that it inverts: sparseness describes, and does not judge.
    expect(comparison.verdicts.find(({ metric }) => metric === 'sparseness')).toMatchObject({
      sound: false,
      judgedBy: 'description',
      flags: [],
    });
    expect(comparison.verdicts.find(({ metric }) => metric === 'insertion')).toMatchObject({ sound: true, flags: [] });
    // Gradient × input costs one pass each way; occlusion is as good and costs more.
    expect([exact.onFront, occlusion.onFront, chance.onFront]).toEqual([true, false, false]);
    expect(exact.best).not.toBe(exact.worst);
    comparison.agreement.forEach((line, i) =>
      line.forEach((value, j) => expect(value).toBe(comparison.agreement[j][i])),
    );
  });

  it('takes metrics of the caller, judged by the controls as those of the package are', async () => {
    // How much of a map lies on its first feature: a metric that the package has not.
    const first: Metric = {
      ...metrics.sparseness,
      title: 'First feature',
      run: async (_, { map }) => ({
        score: Math.abs(map.values[0]) / map.values.reduce((sum, v) => sum + Math.abs(v), 0),
      }),
    };
    const own = { ...request, metrics: [{ name: 'first' }, { name: 'insertion' }], exampleMetric: 'first' };
    const { rows } = await compare(model, { ...own, metricTable: { ...metrics, first } });
    // The gradient is the weights: 5 of 5 + 4 + 3 + 2 + 1 + .5, for every input.
    expect(rows.find(({ id }) => id === 'gradient')?.scores.first.mean).toBeCloseTo(5 / 15.5, 6);
    expect(rows.every(({ scores }) => scores.insertion.count === 4 && scores.first.count === 4)).toBe(true);
    await expect(compare(model, own)).rejects.toThrow(/no metric "first"/);
  });

  it('scores several maps at the same time with the passes that they take one by one', async () => {
    const asked = () => ask(model, { ...inputs[0], reference: { kind: 'zero' } });
    const maps = [
      [6, 5, 4, 3, 2, 1],
      [1, 4, 2, 6, 3, 5],
    ].map((values) => ({ values: Float64Array.from(values) }));
    const presets = ['msi-literal', 'msi-tolerant'].map((name) => readyMetric({ name }));
    const [apart, together] = [await asked(), await asked()];
    for (const map of maps) for (const preset of presets) await scoreWith(preset, apart, { map });
    await Promise.all(presets.flatMap((preset) => maps.map((map) => scoreWith(preset, together, { map }))));
    expect(together.passes()).toEqual(apart.passes());
  });

  it('goes on where it stopped, with the same result', async () => {
    const whole = await compare(model, request);
    const store = memoryStore();
    const controller = new AbortController();
    const stopping = compare(model, {
      ...request,
      store,
      signal: controller.signal,
      onScored: ({ done }) => done === 7 && controller.abort(),
    });
    await expect(stopping).rejects.toMatchObject({ code: 'cancelled' });
    expect(store.kept.size).toBe(7);
    const resumed = await compare(model, { ...request, store });
    expect(resumed.cost.reused).toBe(7);
    expect(store.kept.size).toBe(24);
    const scores = (comparison: typeof whole) => comparison.rows.map((one) => one.values);
    // Maps are kept as float32; scores of a control made from them differ by that rounding at most.
    scores(resumed).forEach((values, r) =>
      Object.entries(values).forEach(([metric, list]) =>
        list.forEach((value, i) => expect(value).toBeCloseTo(scores(whole)[r][metric][i] as number, 5)),
      ),
    );
    expect(resumed.verdicts).toEqual(whole.verdicts);
    expect((await compare(model, { ...request, store })).cost).toMatchObject({ reused: 24, backward: 0 });
  });

  it('adds metrics to what is kept, and keeps apart what depends on something else', async () => {
    const store = memoryStore();
    const one = { ...request, inputs: inputs.slice(0, 1), store };
    await compare(model, one);
    const [before] = [...store.kept.values()];
    await compare(model, {
      ...one,
      metrics: [...request.metrics, { name: 'deletion' }, { name: 'insertion', parameters: { steps: 2 } }].slice(3),
    });
    expect(store.kept.size).toBe(6);
    const [after] = [...store.kept.values()];
    expect(Object.keys(after.scores)).toEqual([
      ...Object.keys(before.scores),
      'deletion{"steps":16}',
      'insertion{"steps":2}',
    ]);
    const otherBaseline = {
      name: 'zero',
      baseline: () => ({ kind: 'constant', value: 1 }) as const,
      reference: () => ({ kind: 'zero' }) as const,
    };
    for (const change of [
      { seed: 1 },
      { baselines: [otherBaseline] },
      { baselines: [{ name: 'one', baseline: () => ({ kind: 'constant', value: 1 }) as const }] },
      { inputs: inputs.slice(1, 2) },
    ]) {
      const size = store.kept.size;
      await compare(model, { ...one, ...change });
      expect(store.kept.size).toBe(size + 6);
    }
  });

  it('reports what fails and goes on', async () => {
    const comparison = await compare(model, {
      ...request,
      inputs: inputs.slice(0, 2),
      methods: [{ method: 'grad-cam' }, { method: 'gradient' }],
      metrics: [{ name: 'road' }, { name: 'insertion' }, { name: 'max-sensitivity', parameters: { samples: 1 } }],
    });
    const why = (id: string, metric?: string) =>
      comparison.failures.find((failure) => failure.row === id && failure.metric === metric)?.why;
    expect(why('grad-cam')).toMatch(/convolutional layer/);
    expect(why('gradient', 'road')).toMatch(/features with neighbours/);
    expect(comparison.rows[0].scores).toEqual({});
    expect(comparison.rows[1].scores.insertion.count).toBe(2);
    // A gradient of a linear model does not change with the input, nor does any constant: that is no merit by itself.
    expect(comparison.rows[1].scores['max-sensitivity'].mean).toBe(0);
    expect(comparison.verdicts.find(({ metric }) => metric === 'max-sensitivity')).toMatchObject({
      sound: false,
      judgedBy: 'description',
    });
    // A map made once cannot be asked again: that is no failure.
    expect(why('inverted', 'max-sensitivity')).toBeUndefined();
  });

  it('runs every baseline and layer', async () => {
    const layered = layeredModel();
    const hidden = layered.graph.nodes[1].outputs[0];
    const comparison = await compare(layered, {
      ...request,
      inputs: inputs.slice(0, 1).map((input) => ({ ...input, target: { kind: 'classLogit', class: 0 } as const })),
      methods: [
        { method: 'integrated-gradients', parameters: { steps: 4 } },
        { method: 'gradient-x-input', layer: [hidden] },
      ],
      metrics: [{ name: 'mprt', parameters: { stages: 1 } }, { name: 'attribution-error' }],
      baselines: [
        { name: 'zero', baseline: () => ({ kind: 'zero' }) },
        { name: 'half', baseline: () => ({ kind: 'constant', value: 0.5 }) },
      ],
    });
    expect(comparison.rows.map(({ id }) => id)).toEqual([
      'integrated-gradients (steps=4), zero',
      `gradient-x-input at ${hidden}, zero`,
      'consensus, zero',
      'random, zero',
      'inverted, zero',
      'integrated-gradients (steps=4), half',
      `gradient-x-input at ${hidden}, half`,
      'consensus, half',
      'random, half',
      'inverted, half',
    ]);
    // 8 hidden units do not lie over 6 columns.
    expect(
      comparison.failures.some(({ row: id, why }) => id.includes(hidden) && /does not lie over the input/.test(why)),
    ).toBe(true);
    expect(comparison.references.map(({ test }) => test?.description)).toEqual(['zero input', 'constant 0.5']);
    // Weights drawn anew give another map; the random control never changes: ρ = 1, last.
    expect(comparison.rows[3].scores.mprt.mean).toBeCloseTo(1, 9);
    expect(comparison.rows[0].scores.mprt.mean).toBeLessThan(1);
  });

  it('refuses wrong names and empty lists before anything runs', async () => {
    await expect(compare(model, { ...request, methods: [{ method: 'none' }] })).rejects.toThrow(/no method "none"/);
    await expect(compare(model, { ...request, metrics: [] })).rejects.toThrow(/needs metrics/);
    await expect(
      compare(model, { ...request, methods: [{ method: 'integrated-gradients', parameters: { steps: 0 } }] }),
    ).rejects.toThrow(/parameter steps of integrated-gradients/);
    await expect(compare(model, { ...request, exampleMetric: 'deletion' })).rejects.toThrow(/not compared/);
  });
});

describe('controls', () => {
  const maps = [
    { values: Float64Array.of(4, 0, 0, 0) },
    { values: Float64Array.of(0, 0.2, 0, 0.2) },
    { values: new Float64Array(4) },
  ];

  it('invert what the methods agree on, each method with the same weight', () => {
    // Shares (1, 0, 0, 0) and (0, ½, 0, ½): mean (½, ¼, 0, ¼), times the median magnitude (4 + .4)/2, negative.
    const values = invertedControl(maps, 4)?.map.values ?? [];
    expect([...values].map((value) => Number(value.toFixed(9)) + 0)).toEqual([-1.1, -0.55, 0, -0.55]);
    expect(invertedControl([maps[2]], 4)).toBeUndefined();
  });

  it('are random with the usual magnitude, and know nothing of the question', async () => {
    const { map, again } = randomControl(maps, 4000, 1);
    const magnitude = map.values.reduce((sum, value) => sum + Math.abs(value), 0);
    // Median 2.2; the standard error of 4,000 magnitudes is 1.2 %.
    expect(Math.abs(magnitude / 2.2 - 1)).toBeLessThan(0.05);
    expect(await again?.({})).toBe(map);
    expect(randomControl(maps, 4000, 2).map.values).not.toEqual(map.values);
  });
});

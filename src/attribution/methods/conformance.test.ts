import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { drawn, smallClassifier, twoBoxDetector } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { type Attribution, type AttributionRequest, attribute, estimateCost } from '../attribute.ts';
import { batchingCheck } from '../prepare.ts';
import { type MethodName, methods } from './index.ts';
import { type MaskModel, sumOf } from './method.ts';

// One suite that every method of the table runs: at the input where the method allows it, else at a convolution.
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const classifier = smallClassifier(runtime);
const detector = twoBoxDetector(runtime);
const x = drawn([1, 2, 8, 8], 11);
const x0 = drawn([1, 2, 8, 8], 12, 0.3);
const layout = { channelAxis: 1, spatialAxes: [2, 3] };

/** Parameters that keep the suite short. */
const short: Partial<Record<MethodName, Record<string, unknown>>> = {
  'kernel-shap': { samples: 64 },
  'shapley-sampling': { pairs: 2 },
  'exact-shapley': {},
  lime: { samples: 64 },
  rise: { samples: 32, cells: 3 },
  'd-rise': { samples: 32, cells: 3, boxes: 'corners' },
  'smooth-grad': { samples: 8 },
  'var-grad': { samples: 8 },
  'expected-gradients': { samples: 100 },
  lax: { explainer: 'explainer.onnx' },
};

/** A learned explainer of 8 × 8 inputs: the first channel squeezed into (0, 1), and the classes alike. */
const masks: MaskModel = {
  facts: { input: 'x', channelAxis: 1, height: 8, width: 8, threshold: 0.5, gradients: { points: ['relu2'] } },
  masks: async ({ data }, classes) =>
    float32(
      [classes.length, 1, 8, 8],
      Float32Array.from({ length: 64 * classes.length }, (_, i) => 1 / (1 + Math.exp(-Number(data[i % 64])))),
    ),
};

const names = Object.keys(methods) as MethodName[];
const modelFor = (method: MethodName) => (method === 'd-rise' ? detector : classifier);

function requestFor(method: MethodName, layer?: string): AttributionRequest {
  const isDetection = method === 'd-rise';
  const spatial = methods[method].layers === 'spatial';
  const name = layer ?? (spatial ? 'relu2' : 'x');
  return {
    inputs: new Map([['x', isDetection ? drawn([1, 1, 8, 8], 13) : x]]),
    target: isDetection ? { kind: 'detectionScore', anchor: 0, class: 0 } : { kind: 'classLogit', class: 1 },
    baseline: isDetection ? { kind: 'zero' } : { kind: 'input', tensor: x0, description: 'another image' },
    layer: { names: [name] },
    method,
    parameters: short[method],
    groups: isDetection ? undefined : { kind: 'windows', size: name === 'relu2' ? 2 : 4 },
    layout,
    loadExplainer: async () => masks,
  };
}

/** What a method that has a target of its own compares with. */
const kindOf = { 'zero-feature': 'zero-feature', output: 'none' } as const;

const elements = ({ values }: Attribution) => [...values.values()].flatMap(({ data }) => [...data]);

describe.each(names)('%s', (method) => {
  const row = methods[method];
  const model = modelFor(method);

  it('states what it is', () => {
    for (const text of [row.title, row.source, row.formula]) expect(text.length).toBeGreaterThan(3);
    // A method that ignores the stated baseline says what it compares with instead.
    if (row.baseline === 'unused') expect(row.implicitBaseline?.text).toMatch(/\w{3}/);
    if (row.implicitTarget) expect(row.implicitBaseline?.kind).toBe(kindOf[row.implicitTarget]);
    expect(row.meaning.what).toMatch(/^(an?|the) /);
    if (row.meaning.kind !== 'share') expect([row.completeness, row.implicitTarget]).toEqual(['none', undefined]);
    if (row.completeness !== 'none') expect(row.baseline).toBe('required');
  });

  it('gives finite numbers, their sum and the errors that follow from it', async () => {
    const result = await attribute(model, requestFor(method));
    const found = elements(result);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(Number.isFinite)).toBe(true);
    // The sum is taken in float64 before the elements are rounded to float32.
    const size = found.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(Math.abs(result.sum - sumOf([found]))).toBeLessThanOrEqual(1e-6 * size);
    const difference = result.value - (result.baselineValue as number);
    expect(result.attributionTarget).toBe(difference);
    // Only shares promise a sum that an error could be told of.
    expect(result.error).toBe(row.meaning.kind === 'share' ? Math.abs(result.sum - difference) : undefined);
    expect(result.relativeError).toBe(result.error && result.error / Math.abs(difference));
    expect(result.implicitTarget !== undefined).toBe(row.implicitTarget !== undefined);
    if (result.implicitTarget !== undefined)
      expect(result.implicitError).toBe(Math.abs(result.sum - result.implicitTarget));
    // float32 through a network of two convolutions; a quadrature of as many points as the defaults take.
    if (row.completeness === 'exact') expect(result.relativeError).toBeLessThan(1e-4);
    if (row.completeness === 'convergent') expect(result.relativeError).toBeLessThan(2e-2);
  });

  it('gives the same again, and the same in runs of one point', async () => {
    const request = requestFor(method);
    const first = elements(await attribute(model, request));
    expect(elements(await attribute(model, request))).toEqual(first);
    const alone = elements(await attribute(model, { ...request, byteBudget: 1 }));
    const largest = Math.max(...first.map(Math.abs));
    // float32 products of one row and of several are added up in another order.
    for (const [i, value] of alone.entries()) expect(Math.abs(value - first[i])).toBeLessThanOrEqual(1e-5 * largest);
  });

  it('takes no more passes than it said before', async () => {
    const request = requestFor(method);
    const estimate = await estimateCost(model, request);
    const { cost, estimate: recorded } = await attribute(model, request);
    const again = (await attribute(model, request)).cost;
    expect(recorded).toEqual(estimate);
    expect(cost.forward).toBeLessThanOrEqual(estimate.forward);
    expect(cost.backward).toBeLessThanOrEqual(estimate.backward);
    // An estimate that is always far off says nothing; adaptive methods may stop early.
    if (!('tolerance' in z.parse(row.parameters, short[method] ?? {}))) {
      expect(estimate.backward).toBe(cost.backward);
      // A second run is spared what is known of the model: whether points may share a run, and its value at a zero feature.
      const spared = row.implicitTarget === 'zero-feature' ? 1 : 0;
      expect([0, batchingCheck, 2 * batchingCheck]).toContain(estimate.forward - again.forward - spared);
    }
  });

  it.runIf(row.zeroDifference)('gives nothing to what does not differ from the baseline', async () => {
    // The upper half of the image is the baseline's own; row 3 of the first convolution sees row 4.
    const mixed = float32(
      x.shape,
      x.data.map((value, i) => (i % 64 < 32 ? x0.data[i] : value)),
    );
    const request = {
      ...requestFor(method, row.layers === 'spatial' ? 'relu1' : undefined),
      inputs: new Map([['x', mixed]]),
    };
    const result = await attribute(model, request);
    const rows = row.layers === 'spatial' ? 3 : 4;
    const found = elements(result);
    const untouched = found.filter((_, i) => i % 64 < rows * 8);
    expect(untouched.length).toBeGreaterThan(0);
    expect(untouched.every((value) => value === 0)).toBe(true);
    expect(found.some((value) => value !== 0)).toBe(true);
  });

  it.runIf(row.layers === 'any')('works at a layer, with the same T', async () => {
    const atInput = await attribute(model, requestFor(method));
    const result = await attribute(model, requestFor(method, 'relu1'));
    expect(result.isCut).toBe(true);
    expect(elements(result).every(Number.isFinite)).toBe(true);
    expect(result.attributionTarget).toBeCloseTo(atInput.attributionTarget as number, 5);
    if (row.completeness === 'exact') expect(result.relativeError).toBeLessThan(1e-4);
    if (row.completeness === 'convergent') expect(result.relativeError).toBeLessThan(2e-2);
  });

  it.runIf(row.baseline === 'required')('asks for a baseline', async () => {
    await expect(attribute(model, { ...requestFor(method), baseline: undefined })).rejects.toThrow(/baseline/);
  });

  it('refuses parameters that it does not have', async () => {
    const parameters = { ...short[method], colour: 'red' };
    await expect(attribute(model, { ...requestFor(method), parameters })).rejects.toThrow(/colour/);
  });

  it.runIf(row.usesGroups && method !== 'd-rise')('takes groups that the caller names', async () => {
    // Quarters by an index tensor are the tiles of four a side.
    const quarters = Int32Array.from(
      { length: 128 },
      (_, i) => Math.floor((i % 64) / 32) * 2 + Math.floor((i % 8) / 4),
    );
    const tensors = new Map<string, Tensor>([['x', { type: 'int32', shape: [1, 2, 8, 8], data: quarters }]]);
    const named = await attribute(model, { ...requestFor(method), groups: { kind: 'indices', tensors } });
    expect(elements(named)).toEqual(elements(await attribute(model, requestFor(method))));
    const channels = await attribute(model, { ...requestFor(method), groups: { kind: 'channels' } });
    const perChannel = elements(channels);
    expect(new Set(perChannel.slice(0, 64)).size).toBe(1);
    expect(perChannel[0]).not.toBe(perChannel[64]);
  });
});

describe('the table', () => {
  it('names the learned explainer, which says what it lacks', async () => {
    expect(names).toContain('lax');
    await expect(attribute(classifier, { ...requestFor('lax'), loadExplainer: undefined })).rejects.toThrow(
      /needs a way to open its explainer/,
    );
  });
});

describe('layers', () => {
  it('refuses a layer that a method cannot explain', async () => {
    const missing = { ...requestFor('d-rise'), layer: { names: ['nowhere'] } };
    await expect(attribute(detector, missing)).rejects.toThrow(/nowhere/);
    await expect(attribute(classifier, requestFor('grad-cam', 'flat'))).rejects.toThrow(/convolutional/);
  });
});

describe('controls', () => {
  it('what belongs to an image spoils the sum: without negative shares, scaled to [0, 1]', async () => {
    const result = await attribute(classifier, requestFor('integrated-gradients'));
    const difference = result.attributionTarget as number;
    const error = (values: readonly number[]) => Math.abs(sumOf([values]) - difference) / Math.abs(difference);
    const found = elements(result);
    const positive = found.map((value) => Math.max(0, value));
    const largest = Math.max(...positive);
    expect(error(found)).toBeLessThan(0.02);
    expect(error(positive)).toBeGreaterThan(10 * error(found));
    expect(error(positive.map((value) => value / largest))).toBeGreaterThan(10 * error(found));
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { drawn, smallClassifier, twoBoxDetector } from '../../test/attribution-models.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { type MethodName, methods } from '../attribution/methods/index.ts';
import { batchingCheck } from '../attribution/prepare.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Model } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { concatRows } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import type { ExplainOptions } from './explain-options.ts';
import type { PlannedExplanation } from './plan.ts';

// What a run is announced to cost, against the passes that it counts.
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const load = (model: Model): Promise<LoadedModel> => loadModel(encodeModel(model.source), { runtime });
const classifier = load(smallClassifier(runtime));
const detector = load(twoBoxDetector(runtime));

/** Enough for a fit of 255 unknowns. */
const kernelSamples = 700;

/** Parameters that keep the suite short; no adaptive steps. */
const short: Partial<Record<MethodName, Record<string, unknown>>> = {
  'integrated-gradients': { steps: 7, tolerance: 0 },
  'kernel-shap': { samples: kernelSamples },
  'shapley-sampling': { pairs: 2 },
  lime: { samples: 30 },
  rise: { samples: 20, cells: 3 },
  'd-rise': { samples: 20, cells: 3, boxes: 'corners' },
  'smooth-grad': { samples: 5 },
  'var-grad': { samples: 5 },
  'expected-gradients': { samples: 12 },
};

const x = drawn([1, 2, 8, 8], 11);
const samples = [12, 13, 14].map((seed) => drawn([1, 2, 8, 8], seed, 0.3));
const baselines: Readonly<Record<string, Baseline>> = {
  'one baseline': { kind: 'input', tensor: samples[0], description: 'another image' },
  'a sample of three': { kind: 'sample', tensors: new Map([['x', concatRows(samples)]]), description: 'images' },
};

// Score-CAM needs to know which axes are an image's, and LAX a trained file; both are in the suite that all methods run.
const cases = (Object.keys(methods) as MethodName[])
  .filter((method) => method !== 'score-cam' && method !== 'lax')
  .flatMap((method) => {
    const { layers, needs } = methods[method];
    const names = layers === 'spatial' ? ['relu2'] : layers === 'input' ? ['input'] : ['input', 'relu1'];
    return names.flatMap((layer) =>
      Object.keys(baselines)
        // A detector's test image has a baseline of its own.
        .filter((baseline) => needs !== 'outputs' || method !== 'd-rise' || baseline === 'one baseline')
        .map((baseline) => ({ method, layer, baseline })),
    );
  });

/** Announced and counted passes of the second of two equal runs: what is known of the model then is not found again. */
async function passesOf(model: LoadedModel, input: ReadonlyMap<string, typeof x>, options: ExplainOptions) {
  const announced: PlannedExplanation[] = [];
  await explain(model, input, options);
  const [{ document }] = await explain(model, input, {
    ...options,
    onPlanned: ({ explanations }) => announced.push(...explanations),
  });
  return { announced: announced[0], counted: document.cost, chosen: document.chosen };
}

describe('announced passes', () => {
  it.each(cases)('of $method at $layer, $baseline, are those of the run', async ({ method, layer, baseline }) => {
    const isDetection = method === 'd-rise';
    // 128 elements have too many coalitions for the exact values.
    const tooMany = method === 'exact-shapley';
    const input = isDetection ? drawn([1, 1, 8, 8], 13) : x;
    const options: ExplainOptions = {
      methods: [method],
      layers: [layer],
      target: isDetection ? { kind: 'detectionScore', anchor: 0, class: 0 } : { kind: 'classLogit', class: 1 },
      baseline: isDetection ? { kind: 'zero' } : baselines[baseline],
      parameters: { [method]: short[method] ?? {} },
    };
    const model = await (isDetection ? detector : classifier);
    if (tooMany) {
      await expect(explain(model, new Map([['x', input]]), options)).rejects.toThrow(/exact/i);
      return;
    }
    const { announced, counted, chosen } = await passesOf(model, new Map([['x', input]]), options);
    expect(announced.least).toEqual(announced.most);
    expect(counted.backward).toBe(announced.most.backward);
    // KernelSHAP evaluates a coalition once that it drew twice.
    const repeated = method === 'kernel-shap' ? kernelSamples - Number(chosen.coalitions) : 0;
    const rows = baseline === 'one baseline' ? 1 : samples.length;
    const zero = methods[method].implicitTarget === 'zero-feature' ? 1 : 0;
    const checks = announced.most.forward - counted.forward - repeated * rows - zero;
    // The target at a zero feature, and one test at the layer and one at the input at most, are spared; nothing else.
    expect([0, batchingCheck, 2 * batchingCheck]).toContain(checks);
  });

  it('of an adaptive method lie between its first try and its last', async () => {
    const options: ExplainOptions = {
      methods: ['integrated-gradients'],
      target: { kind: 'classLogit', class: 1 },
      baseline: baselines['one baseline'],
      parameters: { 'integrated-gradients': { steps: 4, tolerance: 1e-4, maxSteps: 64 } },
    };
    const { announced, counted } = await passesOf(await classifier, new Map([['x', x]]), options);
    expect(announced.least.backward).toBe(4);
    // Even nodes first, then as many adaptive ones, then twice as many each time.
    expect(announced.most.backward).toBe(4 + 4 + 8 + 16 + 32 + 64);
    expect(counted.backward).toBeGreaterThan(announced.least.backward);
    expect(counted.backward).toBeLessThanOrEqual(announced.most.backward);
  });

  it('of occlusion at several values together count the windows of each', async () => {
    const { announced, counted } = await passesOf(await classifier, new Map([['x', x]]), {
      methods: ['occlusion'],
      layers: ['relu1+relu2'],
      target: { kind: 'classLogit', class: 1 },
      baseline: baselines['one baseline'],
    });
    expect(announced.most.forward - counted.forward).toBeLessThanOrEqual(2 * batchingCheck);
    expect(counted.forward).toBeLessThanOrEqual(announced.most.forward);
  });

  it('leave out, before anything is run, what a method is bound to refuse', async () => {
    const left: string[] = [];
    const found = await explain(await classifier, new Map([['x', x]]), {
      methods: ['exact-shapley', 'd-rise', 'score-cam', 'gradient'],
      target: { kind: 'classLogit', class: 1 },
      baseline: baselines['one baseline'],
      onPlanned: ({ leftOut }) => left.push(...leftOut.map(({ text }) => text)),
    });
    expect(found.map(({ document }) => document.method)).toEqual(['gradient']);
    expect(left).toEqual([
      'x: too many groups for exact Shapley values',
      'x: D-RISE explains a detection',
      'relu2: this method needs an input with rows and columns',
    ]);
  });

  it('of a method over space are those of the last such layer, without a word of the caller', async () => {
    const layers: string[] = [];
    const options: ExplainOptions = {
      target: { kind: 'classLogit', class: 1 },
      baseline: baselines['one baseline'],
      onPlanned: ({ explanations }) => layers.push(...explanations.map((one) => `${one.method} ${one.layer}`)),
    };
    await explain(await classifier, new Map([['x', x]]), { ...options, methods: ['grad-cam', 'gradient'] });
    // Numbers that are no image: one map by default.
    await explain(await classifier, new Map([['x', x]]), options);
    expect(layers).toEqual(['grad-cam relu2', 'gradient x', 'integrated-gradients x']);
    await expect(
      explain(await classifier, new Map([['x', x]]), { ...options, methods: ['grad-cam'], layers: ['y'] }),
    ).rejects.toThrow(/needs a layer with channels and space, which "y" has not.*choose --layer relu2 \(1×/);
  });

  it.each(['methods', 'layers', 'target', 'baseline'] as const)('are refused for an empty list of %s', async (what) => {
    await expect(explain(await classifier, new Map([['x', x]]), { [what]: [] })).rejects.toThrow(
      new RegExp(`${what}: an empty list leaves nothing to explain`),
    );
  });

  it('a tensor of another name is taken for the only input, and that is said', async () => {
    const [{ document }] = await explain(await classifier, new Map([['image', x]]), { methods: ['gradient'] });
    expect(document.notes).toContain('"image" is taken for the model\'s only input, "x"');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { image, imageLayout, templateModel } from '../../test/evaluation-models.ts';
import { attribute } from '../attribution/attribute.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { encodeModel } from '../onnx/encode.ts';
import { renderScorecard } from '../page/explanation/scorecard.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { scorecardCost, scorecardDocument, tryScorecard } from './scorecard.ts';
import { scorecardSchema } from './scorecard-document.ts';

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(encodeModel(templateModel().source), { name: 'plus.onnx', threads: 1 });
});
afterAll(async () => {
  await model.close();
});

describe('the scorecard of an explanation', () => {
  it('comes from an attribution and its input, and is drawn as a table', async () => {
    const inputs = new Map([['x', image([[4, 5]])]]);
    const baseline = { kind: 'zero' } as const;
    const target = { kind: 'classLogit', class: 0 } as const;
    const attribution = await attribute(model, {
      inputs,
      target,
      baseline,
      method: 'deep-lift',
      layout: imageLayout,
    });
    const input = { source: 'a <image>', hash: undefined, tensors: inputs, layout: imageLayout, notes: [] };
    const document = await scorecardDocument(model, { input, baseline, explained: ['x'], attribution }, { seed: 1 });
    expect(scorecardSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
    const of = (name: string) => document.entries.find(({ metric }) => metric === name)?.score as number;
    // One pixel of the plus gone costs one match of 5, four times over: 5 · 4 = 20 of T = 20.
    expect(of('attribution-error')).toBeCloseTo(0, 5);
    // 1 − 5/144
    expect(of('msi-literal')).toBeCloseTo(0.9653, 3);
    expect(document.cost.forward).toBeGreaterThan(50);
    expect(document.cost.forward).toBeLessThanOrEqual(scorecardCost({ input, baseline, explained: ['x'] }).forward);
    const { html } = await renderScorecard(document);
    expect(html).toContain('MSI (literal)');
    expect(html).toContain('zero input');
    expect(html).not.toContain('<ul class="chips">');
    expect((await renderScorecard({ ...document, warning: 'it <shows>' })).html).toContain('it &#60;shows&#62;');
  });

  const inputs = new Map([['x', image([[4, 5]])]]);
  const input = { tensors: inputs, layout: imageLayout };
  const baseline = { kind: 'zero' } as const;
  const shared = { values: new Map([['x', inputs.get('x') as Tensor<'float32'>]]), sum: 5, attributionTarget: 20 };

  it('of a target that is no class says what its scores follow', async () => {
    const target = { kind: 'output', index: [0] } as const;
    const attribution = { ...shared, target, method: 'deep-lift' };
    const document = await scorecardDocument(model, { input, baseline, explained: ['x'], attribution });
    expect(document.entries).toHaveLength(7);
    expect(document.warning).toBeNull();
    expect(document.notes.join()).toContain('the target is no class');
  });

  it('of a mask and of scores leaves out what only shares have', async () => {
    const target = { kind: 'classLogit', class: 0 } as const;
    const mask = new Map([['x', float32([1, 1, 12, 12], new Float32Array(144).fill(1))]]);
    const attribution = { ...shared, values: mask, target, method: 'lax' };
    const document = await scorecardDocument(model, { input, baseline, explained: ['x'], attribution });
    expect(document.entries.map(({ metric }) => metric)).not.toContain('attribution-error');
    const scores = { ...shared, target, method: 'occlusion' };
    const other = await scorecardDocument(model, { input, baseline, explained: ['x'], attribution: scores });
    expect(other.entries.map(({ metric }) => metric)).not.toContain('attribution-error');
    // All of the image, as the mask says: everything suffices, nothing is left, all of the area is paid for: ½ + ½ − 1.
    expect(document.entries.find(({ metric }) => metric === 'msi-literal')?.score).toBeCloseTo(0, 5);
  });

  it('is missed, with a reason, where a layer does not lie over the input', async () => {
    const target = { kind: 'classLogit', class: 0 } as const;
    const attribution = {
      ...shared,
      values: new Map([['flat', float32([1, 7], new Float32Array(7))]]),
      target,
      method: 'occlusion',
    };
    const { scorecard, missing } = await tryScorecard(model, { input, baseline, explained: ['x'], attribution });
    expect(scorecard).toBeUndefined();
    expect(missing).toMatch(/^no scorecard: the attribution at "flat" does not lie over the input/);
  });
});
